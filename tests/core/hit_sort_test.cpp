#include "core/hit_sort.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>

#include "core/rng.h"

namespace knear {
namespace {

bool same(const std::vector<Hit>& a, const std::vector<Hit>& b) {
  return std::ranges::equal(a, b, [](const Hit& x, const Hit& y) { return x.distance == y.distance && x.id == y.id; });
}

// Hits whose distances come from few or many values, of both signs, near to each other or far apart.
std::vector<Hit> some_hits(std::size_t n, std::size_t values, double scale, Rng& rng) {
  std::vector<Hit> hits(n);
  for (Hit& hit : hits) {
    const double value = static_cast<double>(rng.below(values)) / static_cast<double>(values) - 0.3;
    hit = {1 + value * scale, static_cast<Id>(rng.below(1000)) - 500};
  }
  return hits;
}

TEST(HitSort, IsTheOrderOfHits) {
  Rng rng(11);
  for (const std::size_t n : {0u, 1u, 2u, 95u, 96u, 97u, 1000u, 5000u}) {
    for (const std::size_t values : {1u, 3u, 1'000'000u}) {
      for (const double scale : {1e-12, 1e-5, 10.0, 1e300}) {
        std::vector<Hit> hits = some_hits(n, values, scale, rng);
        std::vector<Hit> expected = hits;
        std::sort(expected.begin(), expected.end());
        for (const std::size_t k : {n, n / 2, n + 5}) {
          std::vector<Hit> kept = hits;
          keep_nearest(kept, k);
          ASSERT_TRUE(same(kept, {expected.begin(), expected.begin() + static_cast<std::ptrdiff_t>(std::min(n, k))}))
              << n << " hits, " << values << " values, scale " << scale << ", k = " << k;
        }
        sort_hits(hits);
        ASSERT_TRUE(same(hits, expected));
      }
    }
  }
}

TEST(HitSort, KnowsInfinitiesAndBothZeros) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  std::vector<Hit> hits;
  for (Id id = 0; id < 200; ++id) {
    for (const double distance : {kInfinity, -kInfinity, 0.0, -0.0, 5e-324, -5e-324, 1e308}) {
      hits.push_back({distance, id * 37 % 200});
    }
  }
  std::vector<Hit> expected = hits;
  std::sort(expected.begin(), expected.end());
  sort_hits(hits);
  EXPECT_TRUE(same(hits, expected));
}

}  // namespace
}  // namespace knear
