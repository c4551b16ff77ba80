#include "codec/candidates.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/rng.h"

namespace knear {
namespace {

class Numbers final : public SlotTable {
 public:
  const Byte* code(Slot, Byte*) const noexcept override { return nullptr; }
  Id id(Slot slot) const noexcept override { return static_cast<Id>(slot); }
  std::size_t rows() const noexcept override { return 0; }
};

enum class Finish : std::uint8_t { ranked, unranked };

// Candidates over rows with known distances and intervals of a given width around them.
std::vector<Hit> nearest_of(const std::vector<double>& distances, std::size_t k, double width,
                            Finish finish = Finish::ranked, std::size_t* ranked = nullptr) {
  const RankFn rank = [&](std::size_t, std::span<const Slot> slots, std::span<Hit> hits) {
    for (std::size_t i = 0; i < slots.size(); ++i) hits[i] = {distances[slots[i]], static_cast<Id>(slots[i])};
  };
  Candidates::Common common{k, rank, 1, {}, {}, {}};
  Candidates candidates(0, common);
  Rng rng(5);
  for (std::size_t slot = 0; slot < distances.size(); ++slot) {
    candidates.push(slot, {distances[slot] - width * rng.uniform(), distances[slot] + width * rng.uniform()});
  }
  if (finish == Finish::ranked) return candidates.finish();
  std::vector<Hit> hits = candidates.finish_unranked(Numbers());
  if (ranked) *ranked = candidates.ranked();
  return hits;
}

std::vector<Hit> sorted_hits(const std::vector<double>& distances, std::size_t k) {
  std::vector<Hit> all;
  for (std::size_t i = 0; i < distances.size(); ++i) {
    if (std::isfinite(distances[i])) all.push_back({distances[i], static_cast<Id>(i)});
  }
  std::sort(all.begin(), all.end());
  all.resize(std::min(k, all.size()));
  return all;
}

void expect_same(const std::vector<Hit>& a, const std::vector<Hit>& b) {
  ASSERT_EQ(a.size(), b.size());
  for (std::size_t i = 0; i < a.size(); ++i) {
    EXPECT_EQ(a[i].id, b[i].id);
    EXPECT_EQ(a[i].distance, b[i].distance);
  }
}

TEST(Candidates, AreTheNearestForAnyIntervalWidth) {
  Rng rng(1);
  std::vector<double> distances(5000);
  for (double& distance : distances) distance = rng.uniform();
  for (const std::size_t k : std::initializer_list<std::size_t>{1, 2, 10, 100, 1000, 5000, 9000}) {
    for (const double width : {0.0, 1e-6, 0.01, 10.0})
      expect_same(nearest_of(distances, k, width), sorted_hits(distances, k));
  }
}

std::vector<Id> sorted_ids(const std::vector<Hit>& hits) {
  std::vector<Id> ids;
  for (const Hit& hit : hits) ids.push_back(hit.id);
  std::sort(ids.begin(), ids.end());
  return ids;
}

TEST(Candidates, AreTheSameWithoutTheirOrder) {
  Rng rng(1);
  std::vector<double> distances(5000);
  for (double& distance : distances) distance = rng.uniform();
  for (const std::size_t tied : {1000u, 1003u, 1004u, 1700u}) distances[tied] = 0.01;
  distances[7] = std::numeric_limits<double>::infinity();
  for (const std::size_t k : std::initializer_list<std::size_t>{1, 2, 10, 46, 47, 48, 100, 1000, 5000, 9000}) {
    for (const double width : {0.0, 1e-6, 0.01, 10.0}) {
      std::size_t ranked = 0;
      const std::vector<Hit> hits = nearest_of(distances, k, width, Finish::unranked, &ranked);
      EXPECT_EQ(sorted_ids(hits), sorted_ids(sorted_hits(distances, k))) << k << " within " << width;
      if (width == 1e-6 && k == 1000) {
        EXPECT_LT(ranked, 200u);
      }
    }
  }
  // Fewer than k have distances, since more may join them.
  distances.resize(20);
  std::vector<Hit> few = nearest_of(distances, 50, 0.01, Finish::unranked);
  std::sort(few.begin(), few.end());
  expect_same(few, sorted_hits(distances, 50));
}

TEST(Candidates, BreakTiesById) {
  const std::vector<double> distances(3000, 1.5);
  for (const std::size_t k : std::initializer_list<std::size_t>{1, 7, 500})
    expect_same(nearest_of(distances, k, 0.1), sorted_hits(distances, k));
}

// A guess from a true sample holds; from a sorted stream it fails, and says so.
TEST(Candidates, KnowWhetherTheirGuessHeld) {
  std::vector<double> distances(20000);
  Rng rng(3);
  for (double& distance : distances) distance = rng.uniform();
  const RankFn rank = [&](std::size_t, std::span<const Slot> slots, std::span<Hit> hits) {
    for (std::size_t i = 0; i < slots.size(); ++i) hits[i] = {distances[slots[i]], static_cast<Id>(slots[i])};
  };
  for (const bool sorted : {false, true}) {
    if (sorted) std::sort(distances.begin(), distances.end());
    Candidates::Common common{500, rank, 0.5 / 20000, {}, {}, {}};
    Candidates candidates(0, common);
    std::size_t pushed = 0;
    for (std::size_t slot = 0; slot < distances.size(); ++slot) {
      common.share = static_cast<double>(slot + 1) / 20000;
      if (distances[slot] > candidates.threshold()) continue;
      candidates.push(slot, {distances[slot], distances[slot]});
      ++pushed;
    }
    EXPECT_EQ(candidates.sound(), !sorted);
    if (sorted) continue;
    EXPECT_LT(pushed, 1000u);
    expect_same(candidates.finish(), sorted_hits(distances, 500));
  }
}

TEST(Candidates, NeverReturnNaN) {
  std::vector<double> distances(300, 2.0);
  for (std::size_t i = 0; i < 300; i += 2) distances[i] = std::nan("");
  expect_same(nearest_of(distances, 200, 0), sorted_hits(distances, 200));
}

}  // namespace
}  // namespace knear
