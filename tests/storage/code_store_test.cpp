#include "storage/code_store.h"

#include <gtest/gtest.h>

#include <cstring>
#include <map>
#include <numeric>

#include "core/rng.h"
#include "knear/error.h"

namespace knear {
namespace {

// Codes are eight bytes that hold a number.
constexpr std::size_t kCodeBytes = 8;

EncodeFn numbers(const std::vector<std::uint64_t>& values) {
  return [&values](std::size_t first, std::size_t count, Byte* codes) {
    std::memcpy(codes, values.data() + first, count * kCodeBytes);
  };
}

std::uint64_t number_of(const CodeStore& store, Id id) {
  std::uint64_t value = 0;
  store.fetch(std::span(&id, 1), reinterpret_cast<Byte*>(&value));
  return value;
}

std::map<Id, std::uint64_t> contents(const CodeStore& store) {
  std::map<Id, std::uint64_t> all;
  const auto snapshot = store.snapshot();
  snapshot->for_live([&](const Chunk& chunk, std::size_t row) {
    Byte scratch[kCodeBytes];
    std::uint64_t value = 0;
    std::memcpy(&value, snapshot->code(chunk, row, scratch), kCodeBytes);
    all[chunk.id(row)] = value;
  });
  return all;
}

class CodeStoreTest : public testing::TestWithParam<CodeLayout> {};
INSTANTIATE_TEST_SUITE_P(Layouts, CodeStoreTest, testing::Values(CodeLayout::rows, CodeLayout::planes),
                         [](const auto& layout) { return layout.param == CodeLayout::rows ? "rows" : "planes"; });

TEST_P(CodeStoreTest, FollowsAMapThroughRandomChange) {
  Rng rng(7);
  CodeStore store(kCodeBytes, GetParam());
  std::map<Id, std::uint64_t> model;
  for (int step = 0; step < 400; ++step) {
    std::vector<Id> ids;
    std::vector<std::uint64_t> values;
    for (std::size_t i = rng.below(60); i > 0; --i) {
      ids.push_back(static_cast<Id>(rng.below(2000)) - 500);
      if (ids.back() == kNoId) ids.back() = 1;
      values.push_back(rng.bits());
    }
    if (rng.below(3)) {
      store.append(ids.size(), ids, OnDuplicate::replace, {numbers(values)});
      for (std::size_t i = 0; i < ids.size(); ++i) model[ids[i]] = values[i];
    } else {
      std::size_t gone = 0;
      for (const Id id : ids) gone += model.erase(id);
      EXPECT_EQ(store.remove(ids), gone);
    }
    ASSERT_EQ(contents(store), model) << "step " << step;
    ASSERT_EQ(store.snapshot()->live, model.size());
    for (const Id id : ids) ASSERT_EQ(store.contains(id), model.count(id) == 1);
  }
  for (const auto& [id, value] : model) EXPECT_EQ(number_of(store, id), value);
  EXPECT_TRUE(store.verify().ok);
}

TEST_P(CodeStoreTest, AnOldSnapshotNeverChanges) {
  CodeStore store(kCodeBytes, GetParam());
  std::vector<std::uint64_t> values(1000);
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = i;
  store.append(values.size(), {}, OnDuplicate::error, {numbers(values)});
  const auto before = store.snapshot();
  store.remove(*select_range(0, 900));
  const std::vector<Id> some{950, 951};
  store.replace(some, {numbers(values)});
  store.append(5, {}, OnDuplicate::error, {numbers(values)});
  EXPECT_EQ(before->live, 1000u);
  std::size_t next = 0;
  before->for_live([&](const Chunk& chunk, std::size_t row) {
    Byte scratch[kCodeBytes];
    std::uint64_t value = 0;
    std::memcpy(&value, before->code(chunk, row, scratch), kCodeBytes);
    EXPECT_EQ(value, next);
    EXPECT_EQ(chunk.id(row), static_cast<Id>(next++));
  });
  EXPECT_EQ(next, 1000u);
  EXPECT_EQ(store.snapshot()->live, 105u);
}

TEST_P(CodeStoreTest, AFailedEncodeChangesNothing) {
  CodeStore store(kCodeBytes, GetParam());
  const std::vector<std::uint64_t> values(70, 1);
  store.append(70, {}, OnDuplicate::error, {numbers(values)});
  EXPECT_THROW(store.append(70, {}, OnDuplicate::error,
                            {[](std::size_t, std::size_t, Byte*) { throw Error(Error::stopped, "stopped"); }}),
               Error);
  EXPECT_EQ(store.snapshot()->live, 70u);
  EXPECT_EQ(store.next_id(), 70);
  store.append(70, {}, OnDuplicate::error, {numbers(values)});
  EXPECT_EQ(contents(store).size(), 140u);
}

TEST_P(CodeStoreTest, GivesBackTheMemoryOfRemovedRows) {
  CodeStore store(kCodeBytes, GetParam());
  const std::vector<std::uint64_t> values(100000, 1);
  store.append(values.size(), {}, OnDuplicate::error, {numbers(values)});
  const std::size_t full = store.memory_bytes();
  store.remove(*select_range(100, 100000));
  EXPECT_LT(store.memory_bytes(), full / 100);
  store.clear();
  EXPECT_EQ(store.snapshot()->rows(), 0u);
}

TEST_P(CodeStoreTest, RowByRowGrowthWastesAtMostAThird) {
  CodeStore store(kCodeBytes, GetParam());
  const std::vector<std::uint64_t> values(1, 1);
  for (int i = 0; i < 5000; ++i) store.append(1, {}, OnDuplicate::error, {numbers(values)});
  EXPECT_LT(store.memory_bytes(), 5000 * kCodeBytes * 4 / 3);
  EXPECT_LT(store.snapshot()->chunks.size(), 40u);
}

TEST_P(CodeStoreTest, TheLargestIdIsNotGivenOutTwice) {
  CodeStore store(kCodeBytes, GetParam());
  const std::vector<std::uint64_t> values(2, 1);
  const std::vector<Id> last{std::numeric_limits<Id>::max()};
  store.append(1, last, OnDuplicate::error, {numbers(values)});
  EXPECT_THROW(store.append(1, last, OnDuplicate::error, {numbers(values)}), Error);
  EXPECT_THROW(store.append(1, {}, OnDuplicate::error, {numbers(values)}), Error);
}

TEST(CodeStore, OfRowsWithOneIdTheLastCountsAlsoWhenChunksWereRewritten) {
  CodeStore store(kCodeBytes);
  std::vector<std::uint64_t> values(264);
  std::iota(values.begin(), values.end(), std::uint64_t{0});
  store.append(64, {}, OnDuplicate::error, {numbers(values)});
  store.append(200, {}, OnDuplicate::error, {numbers(values)});
  const std::vector<std::uint64_t> late{100};
  const std::vector<Id> five{5};
  store.append(1, five, OnDuplicate::allow, {numbers(late)});
  EXPECT_EQ(number_of(store, 5), 100u);
  EXPECT_EQ(store.remove(*select_range(10, 40)), 30u);
  EXPECT_EQ(number_of(store, 5), 100u);
}

TEST(CodeStore, OfRowsWithOneIdInSeveralCellsThatOfTheLastCellCounts) {
  for (const bool asked_between : {false, true}) {
    CodeStore store(kCodeBytes, CodeLayout::rows, 2);
    const std::vector<Id> five{5};
    const std::vector<std::size_t> order{0};
    for (const std::uint32_t cell : {1u, 0u}) {
      const std::vector<std::uint64_t> value{cell};
      const CellRun run{cell, 1};
      store.append(1, five, OnDuplicate::allow,
                   {.encode = numbers(value), .cells = std::span(&run, 1), .order = order});
      EXPECT_TRUE(!asked_between || store.contains(5));
    }
    EXPECT_EQ(number_of(store, 5), 1u);
  }
}

}  // namespace
}  // namespace knear
