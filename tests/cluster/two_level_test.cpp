#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <stop_token>
#include <string>
#include <vector>

#include "cluster_testing.h"
#include "knear/cluster.h"

namespace knear {
namespace {

double cost(MatrixView rows, const Matrix& centroids) {
  std::vector<std::uint32_t> numbers(rows.rows());
  std::vector<float> distances(rows.rows());
  assign_to_nearest(rows, centroids, numbers, distances);
  return std::accumulate(distances.begin(), distances.end(), 0.0);
}

TEST(TwoLevelKmeans, IsNearlyAsGoodAsOne) {
  const auto rows = clustered(20'000, 6, 60);
  KmeansOptions options;
  options.niter = 10;
  const Kmeans one = kmeans(MatrixView(rows, 6), 500, options);
  const Kmeans two = kmeans_two_level(MatrixView(rows, 6), 500, options);
  EXPECT_EQ(two.centroids.rows(), 500u);
  EXPECT_LT(cost(MatrixView(rows, 6), two.centroids), 1.15 * cost(MatrixView(rows, 6), one.centroids));
  EXPECT_NEAR(two.objective, cost(MatrixView(rows, 6), two.centroids), 0.1 * two.objective);
}

TEST(TwoLevelKmeans, HasExactlyKCentroids) {
  auto rows = clustered(500, 3, 10);
  std::fill(rows.begin() + 600, rows.end(), 2.0f);  // most rows are the same
  for (const std::size_t k : {1u, 2u, 3u, 17u, 100u, 499u, 500u}) {
    for (const bool spherical : {false, true}) {
      KmeansOptions options;
      options.niter = 4;
      options.spherical = spherical;
      const Kmeans result = kmeans_two_level(MatrixView(rows, 3), k, options);
      ASSERT_EQ(result.centroids.rows(), k);
      for (const float value : values_of(result.centroids)) EXPECT_TRUE(std::isfinite(value)) << k;
    }
  }
}

TEST(TwoLevelKmeans, TheSameBitsForAnyNumberOfThreads) {
  const auto rows = clustered(9000, 10, 50);
  std::vector<std::vector<float>> centroids;
  for (const std::size_t threads : std::initializer_list<std::size_t>{1, 2, 5}) {
    KmeansOptions options;
    options.niter = 5;
    options.max_points_per_centroid = 20;
    options.run.num_threads = threads;
    centroids.push_back(values_of(kmeans_two_level(MatrixView(rows, 10), 300, options).centroids));
  }
  EXPECT_EQ(centroids[0], centroids[1]);
  EXPECT_EQ(centroids[0], centroids[2]);
}

TEST(TwoLevelKmeans, ReportsTheWholeAndStops) {
  const auto rows = clustered(5000, 8, 20);
  KmeansOptions options;
  std::size_t done = 0;
  std::size_t total = 0;
  options.run.progress = [&](const Progress& progress) {
    EXPECT_GE(progress.done, done);
    EXPECT_LE(progress.done, progress.total);
    done = progress.done;
    total = progress.total;
    return true;
  };
  kmeans_two_level(MatrixView(rows, 8), 100, options);
  EXPECT_GT(total, 0u);
  EXPECT_EQ(done, total);
  std::stop_source source;
  source.request_stop();
  options.run.stop = source.get_token();
  EXPECT_EQ(kind_of([&] { kmeans_two_level(MatrixView(rows, 8), 100, options); }), Error::stopped);
}

TEST(TwoLevelKmeans, RefusesWhatDoesNotFit) {
  auto rows = clustered(10, 2, 2);
  const auto refusal = [&](std::size_t k, const KmeansOptions& options = {}) {
    return kind_of([&] { kmeans_two_level(MatrixView(rows, 2), k, options); });
  };
  EXPECT_EQ(refusal(0), Error::invalid_argument);
  EXPECT_EQ(refusal(11), Error::invalid_argument);
  KmeansOptions options;
  options.balance = 2;
  EXPECT_EQ(refusal(4, options), Error::invalid_argument);
  rows[3] = std::numeric_limits<float>::quiet_NaN();
  try {
    kmeans_two_level(MatrixView(rows, 2), 4);
    FAIL();
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("row 1"), std::string::npos);
  }
}

}  // namespace
}  // namespace knear
