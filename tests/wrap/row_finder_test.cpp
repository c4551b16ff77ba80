// Rows are told apart by comparing them, whatever their hashes say; ids and rows go together and apart.
#include "wrap/row_finder.h"

#include <gtest/gtest.h>

#include <cmath>

#include "knear/knear.h"
#include "testing.h"
#include "wrap/row_groups.h"

namespace knear {
namespace {

constexpr std::size_t kDim = 5;

std::uint64_t few_hashes(const float* row, std::size_t) { return row[0] < 0 ? 1 : 2; }

TEST(RowFinder, ComparesRowsWithTheSameHash) {
  IndexFlatL2 index(kDim);
  const auto values = gaussian(60, kDim, 1);
  index.add(MatrixView(values, kDim).slice(0, 40));
  RowFinder finder(index, few_hashes);
  finder.forget();
  EXPECT_FALSE(finder.knows());
  finder.learn(index.ids(), {});
  EXPECT_TRUE(finder.knows());
  const auto row_of = [&](std::size_t i, float* row) { std::copy_n(values.data() + i % 60 * kDim, kDim, row); };
  const RowFinder::Matches found = finder.match(120, row_of, {});
  for (std::size_t i = 0; i < 120; ++i) {
    EXPECT_EQ(found.leader[i], i % 60);
    EXPECT_EQ(found.group[i], i < 40 ? i : RowFinder::kNone);
  }
  for (const std::uint64_t id : {0u, 1u, 2u, 39u, 17u, 3u}) finder.remove(id);
  finder.remove(1000);
  const RowFinder::Matches after = finder.match(40, row_of, {});
  for (std::size_t i = 0; i < 40; ++i) {
    const bool gone = i <= 3 || i == 39 || i == 17;
    EXPECT_EQ(after.group[i], gone ? RowFinder::kNone : i) << i;
  }
}

TEST(RowFinder, HashesDependOnEveryBit) {
  std::vector<float> row(kDim, 1);
  const std::uint64_t hash = RowFinder::hash_of(row.data(), kDim);
  EXPECT_EQ(RowFinder::hash_of(row.data(), kDim), hash);
  for (std::size_t j = 0; j < kDim; ++j) {
    std::vector<float> other = row;
    other[j] = std::nextafter(1.0f, 2.0f);
    EXPECT_NE(RowFinder::hash_of(other.data(), kDim), hash);
  }
  row[0] = 0.0f;
  const std::uint64_t zero = RowFinder::hash_of(row.data(), kDim);
  row[0] = -0.0f;
  EXPECT_NE(RowFinder::hash_of(row.data(), kDim), zero);
}

TEST(RowGroups, FollowChanges) {
  RowGroups groups;
  const auto change = [&](std::vector<RowGroups::Member> leave, std::vector<RowGroups::Member> join) {
    const RowGroups::Change one{std::move(leave), std::move(join), 100, false};
    groups.apply(one, groups.room_for(one));
  };
  const auto of = [&](std::uint64_t group) {
    const auto ids = groups.of(group);
    return std::vector<Id>(ids.begin(), ids.end());
  };
  change({}, {{0, 3}, {1, 4}, {1, 9}, {2, 5}});
  EXPECT_EQ(groups.ids(), 4u);
  EXPECT_EQ(groups.live(), 3u);
  EXPECT_TRUE(groups.in_order());
  EXPECT_EQ(of(1), (std::vector<Id>{4, 9}));
  EXPECT_EQ(groups.group_of(9), 1u);
  EXPECT_EQ(groups.group_of(6), RowGroups::kNone);
  change({{1, 4}}, {{2, 4}});
  EXPECT_EQ(of(1), std::vector<Id>{9});
  EXPECT_EQ(of(2), (std::vector<Id>{4, 5}));
  EXPECT_FALSE(groups.in_order());
  EXPECT_EQ(groups.group_of(4), 2u);
  change({{0, 3}, {1, 9}}, {{0, 9}});
  EXPECT_EQ(of(0), std::vector<Id>{9});
  EXPECT_TRUE(of(1).empty());
  EXPECT_TRUE(of(77).empty());
  EXPECT_EQ(groups.live(), 2u);
  EXPECT_EQ(groups.members_of(*select_range(4, 6)).size(), 2u);
  EXPECT_FALSE(groups.contains(3));
  EXPECT_EQ(groups.next_id(), 100);
}

}  // namespace
}  // namespace knear
