#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <vector>

#include "cluster_testing.h"
#include "knear/cluster.h"

namespace knear {
namespace {

std::vector<std::uint32_t> balanced(MatrixView rows, MatrixView centroids, double balance, std::size_t threads = 0) {
  std::vector<std::uint32_t> numbers(rows.rows());
  balanced_assign(rows, centroids, balance, numbers, {.num_threads = threads});
  return numbers;
}

std::size_t largest_cell(const std::vector<std::uint32_t>& numbers, std::size_t k) {
  std::vector<std::size_t> sizes(k);
  for (const std::uint32_t number : numbers) ++sizes[number];
  return *std::max_element(sizes.begin(), sizes.end());
}

double cost(const std::vector<float>& rows, const std::vector<float>& centroids, std::size_t dim,
            const std::vector<std::uint32_t>& numbers) {
  double sum = 0;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const double difference =
        static_cast<double>(rows[i]) - static_cast<double>(centroids[numbers[i / dim] * dim + i % dim]);
    sum += difference * difference;
  }
  return sum;
}

TEST(BalancedAssign, HoldsItsLimit) {
  const auto rows = clustered(3000, 4, 7);
  const auto centroids = clustered(40, 4, 40, 2);
  for (const double balance : {1.0, 1.01, 1.5, 4.0}) {
    const auto numbers = balanced(MatrixView(rows, 4), MatrixView(centroids, 4), balance);
    EXPECT_LE(static_cast<double>(largest_cell(numbers, 40)), std::ceil(balance * 3000 / 40)) << balance;
  }
}

TEST(BalancedAssign, LeavesCellsThatAreSmallEnough) {
  const auto rows = clustered(500, 3, 9);
  const auto centroids = clustered(20, 3, 20, 2);
  std::vector<std::uint32_t> nearest(500);
  assign_to_nearest(MatrixView(rows, 3), MatrixView(centroids, 3), nearest);
  EXPECT_EQ(balanced(MatrixView(rows, 3), MatrixView(centroids, 3), 20), nearest);
}

TEST(BalancedAssign, ConstantRowsSpreadEvenly) {
  const std::vector<float> rows(100 * 2, 1.0f);
  const std::vector<float> centroids(10 * 2, 1.0f);
  EXPECT_EQ(largest_cell(balanced(MatrixView(rows, 2), MatrixView(centroids, 2), 1), 10), 10u);
}

TEST(BalancedAssign, OneRowForEachCentroid) {
  const auto rows = clustered(30, 2, 3);
  EXPECT_EQ(largest_cell(balanced(MatrixView(rows, 2), MatrixView(clustered(30, 2, 3, 5), 2), 1), 30), 1u);
}

// Two cells: the best balanced assignment sends the rows that lose least, which is what one pass does.
TEST(BalancedAssign, IsBestForTwoCells) {
  const auto rows = clustered(101, 3, 1);
  const std::vector<float> centroids{0, 0, 0, 50, 50, 50};
  const auto numbers = balanced(MatrixView(rows, 3), MatrixView(centroids, 3), 1);
  EXPECT_EQ(largest_cell(numbers, 2), 51u);
  std::vector<double> losses(101);
  double near = 0;
  for (std::size_t i = 0; i < 101; ++i) {
    const std::vector<float> row(rows.begin() + static_cast<std::ptrdiff_t>(3 * i),
                                 rows.begin() + static_cast<std::ptrdiff_t>(3 * i) + 3);
    near += cost(row, centroids, 3, {0});
    losses[i] = cost(row, centroids, 3, {1}) - cost(row, centroids, 3, {0});
  }
  std::sort(losses.begin(), losses.end());
  EXPECT_NEAR(cost(rows, centroids, 3, numbers), std::accumulate(losses.begin(), losses.begin() + 50, near), 1e-3);
}

TEST(BalancedAssign, RefusesWhatDoesNotFit) {
  const auto rows = clustered(10, 2, 2);
  for (const double balance :
       {0.0, 0.99, -1.0, std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::infinity()}) {
    EXPECT_EQ(kind_of([&] { balanced(MatrixView(rows, 2), MatrixView(rows, 2), balance); }), Error::invalid_argument);
  }
  const std::vector<float> bad(4, std::numeric_limits<float>::quiet_NaN());
  EXPECT_EQ(kind_of([&] { balanced(MatrixView(bad, 2), MatrixView(rows, 2), 1); }), Error::invalid_argument);
  balanced_assign(MatrixView(nullptr, DType::f32, 0, 2), MatrixView(rows, 2), 1, {});
}

TEST(BalancedKmeans, HasBalancedCellsAndAGoodObjective) {
  const auto rows = clustered(6000, 8, 25);
  KmeansOptions options;
  options.max_points_per_centroid = 0;
  const Kmeans free = kmeans(MatrixView(rows, 8), 50, options);
  options.balance = 1.2;
  const Kmeans result = kmeans(MatrixView(rows, 8), 50, options);
  const auto numbers = balanced(MatrixView(rows, 8), result.centroids, 1.2);
  EXPECT_LE(largest_cell(numbers, 50), 144u);
  EXPECT_LT(result.iterations.back().imbalance, 1.2);
  EXPECT_GT(free.iterations.back().imbalance, result.iterations.back().imbalance);
  // Even cells of the rows in any order would cost as much as the rows spread, some twenty times as much.
  EXPECT_LT(cost(rows, values_of(result.centroids), 8, numbers), 3 * free.objective);
  EXPECT_LE(result.objective, 1.001 * result.iterations.front().objective);
}

TEST(BalancedKmeans, TheSameBitsForAnyNumberOfThreads) {
  const auto rows = clustered(5000, 20, 10);
  for (const bool spherical : {false, true}) {
    KmeansOptions options;
    options.balance = 1;
    options.spherical = spherical;
    options.niter = 8;
    std::vector<std::vector<float>> centroids;
    std::vector<std::vector<std::uint32_t>> numbers;
    for (const std::size_t threads : std::initializer_list<std::size_t>{1, 2, 5}) {
      options.run.num_threads = threads;
      centroids.push_back(values_of(kmeans(MatrixView(rows, 20), 64, options).centroids));
      numbers.push_back(balanced(MatrixView(rows, 20), MatrixView(centroids.back(), 20), 1, threads));
    }
    EXPECT_EQ(centroids[0], centroids[1]);
    EXPECT_EQ(centroids[0], centroids[2]);
    EXPECT_EQ(numbers[0], numbers[1]);
    EXPECT_EQ(numbers[0], numbers[2]);
  }
}

TEST(BalancedKmeans, RefusesAFactorBelowOne) {
  const auto rows = clustered(10, 2, 2);
  KmeansOptions options;
  options.balance = 0.5;
  EXPECT_EQ(kind_of([&] { kmeans(MatrixView(rows, 2), 2, options); }), Error::invalid_argument);
}

}  // namespace
}  // namespace knear
