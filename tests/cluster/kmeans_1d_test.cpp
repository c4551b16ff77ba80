#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <map>
#include <stop_token>
#include <vector>

#include "cluster_testing.h"
#include "knear/cluster.h"

namespace knear {
namespace {

using Values = std::vector<float>;

// Of sorted values [begin, end), in the longest arithmetic at hand.
long double cost_of(const std::vector<std::pair<float, float>>& sorted, std::size_t begin, std::size_t end) {
  long double weight = 0;
  long double sum = 0;
  for (std::size_t i = begin; i < end; ++i) {
    weight += sorted[i].second;
    sum += static_cast<long double>(sorted[i].first) * sorted[i].second;
  }
  long double cost = 0;
  for (std::size_t i = begin; i < end; ++i) {
    const long double distance = sorted[i].first - sum / weight;
    cost += sorted[i].second * distance * distance;
  }
  return cost;
}

// The least cost over all partitions of the sorted values into at most k runs, each tried.
double least_cost(const Values& values, std::size_t k, const Values& weights = {}) {
  std::map<float, float> sums;
  for (std::size_t i = 0; i < values.size(); ++i) sums[values[i]] += weights.empty() ? 1 : weights[i];
  std::erase_if(sums, [](const auto& entry) { return entry.second == 0; });
  const std::vector<std::pair<float, float>> sorted(sums.begin(), sums.end());
  const std::size_t n = sorted.size();
  long double least = std::numeric_limits<long double>::infinity();
  for (std::uint32_t cuts = 0; cuts < 1u << (n - 1); ++cuts) {
    if (static_cast<std::size_t>(std::popcount(cuts)) >= k) continue;
    long double cost = 0;
    for (std::size_t begin = 0, end = 1; end <= n; ++end) {
      if (end < n && (cuts >> (end - 1) & 1) == 0) continue;
      cost += cost_of(sorted, begin, end);
      begin = end;
    }
    least = std::min(least, cost);
  }
  return static_cast<double>(least);
}

// What the result says of itself must be so.
void expect_consistent(const Values& values, const Values& weights, const Kmeans1d& result) {
  ASSERT_EQ(result.centroids.size(), result.largest.size());
  EXPECT_TRUE(std::is_sorted(result.centroids.begin(), result.centroids.end()));
  EXPECT_TRUE(std::is_sorted(result.largest.begin(), result.largest.end(), std::less_equal<>()));
  double cost = 0;
  double size = 1e-30;
  for (std::size_t i = 0; i < values.size(); ++i) {
    const auto at = std::lower_bound(result.largest.begin(), result.largest.end() - 1, values[i]);
    const double distance =
        static_cast<double>(values[i]) -
        static_cast<double>(result.centroids[static_cast<std::size_t>(at - result.largest.begin())]);
    cost += (weights.empty() ? 1.0 : static_cast<double>(weights[i])) * distance * distance;
    size += static_cast<double>(values[i]) * static_cast<double>(values[i]);
  }
  EXPECT_NEAR(cost, result.objective, 1e-6 * result.objective + 1e-12 * size);
}

TEST(Kmeans1d, IsTheBestOfAllPartitions) {
  Rng rng(5);
  for (int round = 0; round < 300; ++round) {
    const std::size_t n = 1 + rng.below(11);
    const std::size_t k = 1 + rng.below(n + 1);
    const bool coarse = rng.below(2) == 0;  // many duplicates
    const double scale = std::pow(10, static_cast<double>(rng.below(9)) - 4);
    Values values(n);
    Values weights(rng.below(2) == 0 ? n : 0);
    for (float& x : values)
      x = static_cast<float>(coarse ? static_cast<double>(rng.below(6)) : 1000 + scale * rng.normal());
    for (float& w : weights) w = static_cast<float>(rng.below(4));
    if (!weights.empty()) weights[0] = 1;
    const Kmeans1d result = kmeans_1d(values, k, weights);
    const double least = least_cost(values, k, weights);
    EXPECT_NEAR(result.objective, least, 1e-10 * least) << n << " values, k = " << k;
    expect_consistent(values, weights, result);
  }
}

TEST(Kmeans1d, EvenlySpacedValuesHaveManyBestPartitions) {
  Values values(4096);
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(i);
  for (const std::size_t k : {3u, 5u, 100u, 1000u, 3000u, 4095u}) {
    const Kmeans1d result = kmeans_1d(values, k);
    ASSERT_EQ(result.centroids.size(), k);
    // The best cells have q or q + 1 values; one of m costs (m^3 - m) / 12.
    const std::size_t q = values.size() / k;
    const std::size_t longer = values.size() % k;
    const auto cost = [](std::size_t m) { return static_cast<double>(m * m * m - m) / 12; };
    const double least = static_cast<double>(longer) * cost(q + 1) + static_cast<double>(k - longer) * cost(q);
    EXPECT_NEAR(result.objective, least, 1e-12 * least) << k;
  }
}

TEST(Kmeans1d, FewValuesFarFromTheOthersLeaveThemTold) {
  const Values values{-1e10f, 0, 1, 5, 6, 3e10f};
  const Kmeans1d result = kmeans_1d(values, 4);
  EXPECT_EQ(result.centroids, (Values{-1e10f, 0.5f, 5.5f, 3e10f}));
  EXPECT_DOUBLE_EQ(result.objective, 1);
}

TEST(Kmeans1d, FewerDifferentValuesThanKGiveSoManyCentroids) {
  const Kmeans1d result = kmeans_1d(Values{3, 1, 3, 3, 1}, 4);
  EXPECT_EQ(result.centroids, (Values{1, 3}));
  EXPECT_EQ(result.largest, (Values{1, 3}));
  EXPECT_EQ(result.objective, 0);
  EXPECT_EQ(kmeans_1d(Values{7}, 1).centroids, Values{7});
  EXPECT_EQ(kmeans_1d(Values{7, 8}, 2, Values{1, 0}).centroids, Values{7});
}

TEST(Kmeans1d, IsNoWorseThanLloyd) {
  const Values values = clustered(20'000, 1, 40);
  KmeansOptions options;
  options.max_points_per_centroid = 0;
  const double lloyd = kmeans(MatrixView(values, 1), 64, options).objective;
  const Kmeans1d best = kmeans_1d(values, 64);
  EXPECT_LT(best.objective, lloyd);
  expect_consistent(values, {}, best);
}

TEST(Kmeans1d, RefusesWhatDoesNotFit) {
  const auto refusal = [](const Values& values, std::size_t k, const Values& weights = {}) {
    return kind_of([&] { kmeans_1d(values, k, weights); });
  };
  EXPECT_EQ(refusal({}, 1), Error::invalid_argument);
  EXPECT_EQ(refusal({1, 2}, 0), Error::invalid_argument);
  EXPECT_EQ(refusal({1, std::numeric_limits<float>::quiet_NaN()}, 1), Error::invalid_argument);
  EXPECT_EQ(refusal({1, std::numeric_limits<float>::infinity()}, 1), Error::invalid_argument);
  EXPECT_EQ(refusal({1, 2}, 1, {1}), Error::invalid_argument);
  EXPECT_EQ(refusal({1, 2}, 1, {1, -1}), Error::invalid_argument);
  EXPECT_EQ(refusal({1, 2}, 1, {0, 0}), Error::invalid_argument);
}

TEST(Kmeans1d, StopsOnRequest) {
  std::stop_source source;
  source.request_stop();
  RunOptions options;
  options.stop = source.get_token();
  EXPECT_EQ(kind_of([&] { kmeans_1d(clustered(100'000, 1, 8), 20, {}, options); }), Error::stopped);
}

}  // namespace
}  // namespace knear
