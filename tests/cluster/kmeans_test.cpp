#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <stop_token>
#include <vector>

#include "cluster_testing.h"
#include "knear/cluster.h"

namespace knear {
namespace {

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

// Sum of squared distances of rows to their nearest centroid.
double cost(MatrixView rows, const Matrix& centroids) {
  std::vector<std::uint32_t> numbers(rows.rows());
  std::vector<float> distances(rows.rows());
  assign_to_nearest(rows, centroids, numbers, distances);
  double sum = 0;
  for (const float distance : distances) sum += distance;
  return sum;
}

TEST(Kmeans, FindsClearClusters) {
  const auto rows = clustered(2000, 8, 5);
  KmeansOptions options;
  options.nredo = 5;
  const Kmeans result = kmeans(MatrixView(rows, 8), 5, options);
  EXPECT_LT(cost(MatrixView(rows, 8), result.centroids), 1.1 * 8 * 2000);
  EXPECT_TRUE(result.warnings.empty());
}

TEST(Kmeans, TheObjectiveFallsAndIsThatOfTheRows) {
  const auto rows = clustered(3000, 12, 40);
  KmeansOptions options;
  options.niter = 8;
  const Kmeans result = kmeans(MatrixView(rows, 12), 30, options);
  for (std::size_t i = 1; i < result.iterations.size(); ++i) {
    EXPECT_LE(result.iterations[i].objective, result.iterations[i - 1].objective);
    EXPECT_GE(result.iterations[i].imbalance, 1);
  }
  EXPECT_EQ(result.objective, result.iterations.back().objective);
  options.niter = 7;
  const Kmeans before = kmeans(MatrixView(rows, 12), 30, options);
  EXPECT_NEAR(cost(MatrixView(rows, 12), before.centroids), result.objective, 1e-5 * result.objective);
}

TEST(Kmeans, TheSameBitsForAnyNumberOfThreads) {
  const auto rows = clustered(5000, 20, 50);
  for (const KmeansInit init : {KmeansInit::random, KmeansInit::kmeans_plus_plus, KmeansInit::afk_mc2}) {
    KmeansOptions options;
    options.init = init;
    options.run.num_threads = 1;
    const Kmeans one = kmeans(MatrixView(rows, 20), 64, options);
    options.run.num_threads = 3;
    const Kmeans three = kmeans(MatrixView(rows, 20), 64, options);
    EXPECT_EQ(values_of(one.centroids), values_of(three.centroids));
    EXPECT_EQ(one.objective, three.objective);
  }
}

TEST(Kmeans, EmptyCellsAreFilled) {
  auto rows = clustered(500, 4, 10);
  rows.resize(1000 * 4, 1.0f);  // half of the rows are the same
  const Kmeans result = kmeans(MatrixView(rows, 4), 100);
  std::size_t splits = 0;
  for (const KmeansIteration& iteration : result.iterations) splits += iteration.splits;
  EXPECT_GT(splits, 0u);
  std::vector<std::uint32_t> numbers(1000);
  assign_to_nearest(MatrixView(rows, 4), result.centroids, numbers);
  std::vector<bool> used(100);
  for (const std::uint32_t number : numbers) used[number] = true;
  EXPECT_GT(std::count(used.begin(), used.end(), true), 90);
}

TEST(Kmeans, ConstantRowsEnd) {
  const std::vector<float> rows(300 * 3, 7.5f);
  const Kmeans result = kmeans(MatrixView(rows, 3), 20);
  EXPECT_EQ(result.objective, 0);
  EXPECT_LE(result.iterations.size(), 2u);
  for (const float value : values_of(result.centroids)) EXPECT_EQ(value, 7.5f);
}

TEST(Kmeans, AsManyCentroidsAsRows) {
  const auto rows = clustered(50, 3, 50);
  const Kmeans result = kmeans(MatrixView(rows, 3), 50);
  EXPECT_EQ(cost(MatrixView(rows, 3), result.centroids), 0);
  ASSERT_EQ(result.warnings.size(), 1u);
  EXPECT_NE(result.warnings[0].find("50 rows for 50 centroids"), std::string::npos);
}

TEST(Kmeans, OneCentroidIsTheMean) {
  const std::vector<float> rows{1, 2, 3, 6};
  EXPECT_EQ(values_of(kmeans(MatrixView(rows, 1), 1).centroids), std::vector<float>{3});
}

TEST(Kmeans, WeightsCountRows) {
  const std::vector<float> rows{0, 10, 5};
  const std::vector<float> weights{3, 1, 0};
  KmeansOptions options;
  options.weights = weights;
  EXPECT_EQ(values_of(kmeans(MatrixView(rows, 1), 1, options).centroids), std::vector<float>{2.5});
}

TEST(Kmeans, FrozenCentroidsStay) {
  const auto rows = clustered(1000, 2, 8);
  const std::vector<float> given{100, 100, -3, 4};
  KmeansOptions options;
  options.initial = MatrixView(given, 2);
  options.frozen = true;
  const auto centroids = values_of(kmeans(MatrixView(rows, 2), 6, options).centroids);
  EXPECT_TRUE(std::equal(given.begin(), given.end(), centroids.begin()));
}

TEST(Kmeans, SphericalCentroidsHaveLengthOne) {
  const auto rows = clustered(1000, 6, 8);
  KmeansOptions options;
  options.spherical = true;
  const Kmeans result = kmeans(MatrixView(rows, 6), 6, options);
  for (std::size_t c = 0; c < 6; ++c) {
    double square = 0;
    for (std::size_t j = 0; j < 6; ++j) square += std::pow(result.centroids.floats()[c * 6 + j], 2);
    EXPECT_NEAR(square, 1, 1e-6);
  }
  for (std::size_t i = 1; i < result.iterations.size(); ++i) {
    EXPECT_GE(result.iterations[i].objective, 0.9999 * result.iterations[i - 1].objective);
  }
}

TEST(Kmeans, IntCentroidsAreWhole) {
  const auto rows = clustered(1000, 6, 8);
  KmeansOptions options;
  options.int_centroids = true;
  for (const float value : values_of(kmeans(MatrixView(rows, 6), 6, options).centroids)) {
    EXPECT_EQ(value, std::nearbyint(value));
  }
}

TEST(Kmeans, ASampleReadsNoOtherRows) {
  auto rows = clustered(4000, 2, 8);
  KmeansOptions options;
  options.max_points_per_centroid = 10;
  const Kmeans good = kmeans(MatrixView(rows, 2), 20, options);
  std::size_t read = 0;
  for (std::size_t i = 0; i < 4000; ++i) {
    const float kept = std::exchange(rows[2 * i], kNan);
    if (i % 40 == 0) read += kind_of([&] { kmeans(MatrixView(rows, 2), 20, options); }).has_value();
    rows[2 * i] = kept;
  }
  EXPECT_LT(read, 20u);
  EXPECT_EQ(values_of(good.centroids), values_of(kmeans(MatrixView(rows, 2), 20, options).centroids));
}

TEST(Kmeans, RefusesWhatDoesNotFit) {
  auto rows = clustered(10, 2, 2);
  const auto refusal = [&](std::size_t k, const KmeansOptions& options) {
    return kind_of([&] { kmeans(MatrixView(rows, 2), k, options); });
  };
  EXPECT_EQ(refusal(0, {}), Error::invalid_argument);
  EXPECT_EQ(refusal(11, {}), Error::invalid_argument);
  const std::vector<float> few{1, 2, 3};
  const std::vector<float> negative{1, 1, 1, 1, -1, 1, 1, 1, 1, 1};
  const std::vector<float> zero(10);
  for (const auto& weights : {few, negative, zero}) {
    KmeansOptions options;
    options.weights = weights;
    EXPECT_EQ(refusal(2, options), Error::invalid_argument);
  }
  KmeansOptions wrong_dim;
  wrong_dim.initial = MatrixView(few, 3);
  EXPECT_EQ(refusal(2, wrong_dim), Error::invalid_argument);
  rows[7] = kNan;
  try {
    kmeans(MatrixView(rows, 2), 2);
    FAIL();
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("row 3"), std::string::npos);
  }
}

TEST(Kmeans, StopsOnRequestAndReportsProgress) {
  const auto rows = clustered(1000, 2, 8);
  std::stop_source source;
  source.request_stop();
  KmeansOptions options;
  options.run.stop = source.get_token();
  EXPECT_EQ(kind_of([&] { kmeans(MatrixView(rows, 2), 20, options); }), Error::stopped);
  options.run.stop = {};
  std::size_t done = 0;
  options.run.progress = [&](const Progress& progress) {
    EXPECT_EQ(progress.phase, "k-means");
    EXPECT_EQ(progress.total, options.niter * 1000);
    done = progress.done;
    return true;
  };
  kmeans(MatrixView(rows, 2), 20, options);
  EXPECT_EQ(done, options.niter * 1000);
}

}  // namespace
}  // namespace knear
