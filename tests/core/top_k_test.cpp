#include "core/top_k.h"

#include <gtest/gtest.h>

#include <cmath>

#include "core/rng.h"

namespace knear {

bool operator==(const Hit& a, const Hit& b) { return a.distance == b.distance && a.id == b.id; }
void PrintTo(const Hit& hit, std::ostream* out) { *out << hit.id << '@' << hit.distance; }

namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

// Hits with few different distances, so that ties are everywhere; ids in random order.
std::vector<Hit> hits_with_ties(Rng& rng, std::size_t n, std::uint64_t different) {
  std::vector<Hit> hits;
  for (const std::uint64_t id : rng.permutation(n))
    hits.push_back({static_cast<double>(rng.below(different)), static_cast<Id>(id) - 5});
  return hits;
}

std::vector<Hit> smallest(std::vector<Hit> hits, std::size_t k) {
  std::sort(hits.begin(), hits.end());
  hits.resize(std::min(k, hits.size()));
  return hits;
}

std::vector<Hit> collected(TopK& top, const std::vector<Hit>& hits) {
  for (const Hit& hit : hits) top.push(hit.distance, hit.id);
  return top.sorted();
}

TEST(TopK, KeepsTheSmallestInOrder) {
  Rng rng(7);
  for (const std::size_t k : {1u, 2u, 3u, 10u, 63u, 64u, 65u, 100u, 1000u})
    for (const std::size_t n : {0u, 1u, 2u, 50u, 64u, 130u, 500u, 3000u})
      for (const std::uint64_t different : {1u, 5u, 100'000u}) {
        const std::vector<Hit> hits = hits_with_ties(rng, n, different);
        TopK top(k);
        ASSERT_EQ(collected(top, hits), smallest(hits, k)) << "k " << k << ", n " << n;
      }
}

TEST(TopK, IsReadyForAnotherQueryAfterSorted) {
  Rng rng(8);
  for (const std::size_t k : {5u, 100u}) {
    TopK top(k);
    for (int query = 0; query < 3; ++query) {
      const std::vector<Hit> hits = hits_with_ties(rng, 1000, 50);
      ASSERT_EQ(collected(top, hits), smallest(hits, k));
    }
  }
}

TEST(TopK, HasAThresholdThatNoResultIsBeyond) {
  Rng rng(9);
  for (const std::size_t k : {1u, 10u, 100u}) {
    TopK top(k);
    const std::vector<Hit> hits = hits_with_ties(rng, 5000, 1000);
    EXPECT_EQ(top.threshold(), kInfinity);
    double before = kInfinity;
    for (const Hit& hit : hits) {
      top.push(hit.distance, hit.id);
      ASSERT_LE(top.threshold(), before);
      before = top.threshold();
    }
    EXPECT_GE(before, smallest(hits, k).back().distance);
    EXPECT_LT(before, 900);  // it does come down
  }
}

TEST(TopK, PushingOnlyWhatTheThresholdAllowsGivesTheSame) {
  Rng rng(10);
  for (const std::size_t k : {3u, 200u}) {
    const std::vector<Hit> hits = hits_with_ties(rng, 4000, 30);
    TopK top(k);
    for (const Hit& hit : hits)
      if (hit.distance <= top.threshold()) top.push(hit.distance, hit.id);
    ASSERT_EQ(top.sorted(), smallest(hits, k));
  }
}

TEST(TopK, NeverTakesNaN) {
  for (const std::size_t k : {2u, 100u}) {
    TopK top(k);
    for (Id id = 0; id < 500; ++id) top.push(id % 2 ? std::nan("") : static_cast<double>(id), id);
    for (const Hit& hit : top.sorted()) ASSERT_EQ(hit.distance, static_cast<double>(hit.id));
  }
}

TEST(TopK, TakesInfiniteDistancesWhileThereIsRoom) {
  for (const std::size_t k : {2u, 100u}) {
    TopK top(k);
    top.push(kInfinity, std::numeric_limits<Id>::max());
    top.push(1, 1);
    EXPECT_EQ(top.sorted(), (std::vector<Hit>{{1, 1}, {kInfinity, std::numeric_limits<Id>::max()}}));
  }
}

TEST(TopK, MayBeFarLargerThanTheNumberOfHits) {
  TopK top(std::numeric_limits<std::size_t>::max());
  top.push(2, 7);
  top.push(1, 9);
  EXPECT_EQ(top.sorted(), (std::vector<Hit>{{1, 9}, {2, 7}}));
}

TEST(TopK, KeepsNothingWhenKIsZero) {
  TopK top(0);
  top.push(-1e300, 1);
  EXPECT_TRUE(top.sorted().empty());
}

TEST(RangeHits, KeepsWhatIsStrictlyCloser) {
  RangeHits range(2);
  range.push(2, 1);
  range.push(1, 4);
  range.push(1, 3);
  range.push(std::nan(""), 5);
  range.push(-kInfinity, 6);
  EXPECT_EQ(range.sorted(), (std::vector<Hit>{{-kInfinity, 6}, {1, 3}, {1, 4}}));
  EXPECT_TRUE(range.sorted().empty());
}

TEST(MergeHits, GivesWhatSortingAllTogetherGives) {
  Rng rng(11);
  for (const std::size_t lists : {0u, 1u, 2u, 7u})
    for (const std::size_t most : {std::size_t{0}, std::size_t{1}, std::size_t{40}, kAllHits}) {
      std::vector<std::vector<Hit>> parts;
      std::vector<Hit> all;
      for (std::size_t i = 0; i < lists; ++i) {
        parts.push_back(smallest(hits_with_ties(rng, rng.below(50), 8), kAllHits));
        all.insert(all.end(), parts.back().begin(), parts.back().end());
      }
      ASSERT_EQ(merge_hits(parts, most), smallest(all, most));
    }
}

}  // namespace
}  // namespace knear
