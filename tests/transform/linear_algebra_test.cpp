#include <gtest/gtest.h>

#include <cmath>

#include "core/rng.h"
#include "testing.h"
#include "transform/moments.h"
#include "transform/orthonormal.h"

namespace knear {
namespace {

// The largest entry of |m m^T - 1| (rows orthonormal) for m of rows x columns.
double off_identity(const std::vector<double>& m, std::size_t rows, std::size_t columns) {
  double most = 0;
  for (std::size_t a = 0; a < rows; ++a) {
    for (std::size_t b = 0; b < rows; ++b) {
      double sum = a == b ? -1 : 0;
      for (std::size_t j = 0; j < columns; ++j) sum += m[a * columns + j] * m[b * columns + j];
      most = std::max(most, std::abs(sum));
    }
  }
  return most;
}

TEST(LinearAlgebra, RandomMatricesAreOrthonormalAndDependOnTheSeed) {
  EXPECT_LT(off_identity(random_orthonormal(5, 9, 1), 5, 9), 1e-13);
  EXPECT_LT(off_identity(transposed(random_orthonormal(9, 5, 1), 9, 5), 5, 9), 1e-13);
  EXPECT_LT(off_identity(random_orthonormal(40, 40, 1), 40, 40), 1e-13);
  EXPECT_EQ(random_orthonormal(5, 9, 1), random_orthonormal(5, 9, 1));
  EXPECT_NE(random_orthonormal(5, 9, 1), random_orthonormal(5, 9, 2));
  EXPECT_EQ(std::abs(random_orthonormal(1, 1, 7)[0]), 1);
}

TEST(LinearAlgebra, TheOrthogonalFactorOfARotationTimesAPositiveMatrixIsTheRotation) {
  const std::size_t n = 12;
  const auto rotation = random_orthonormal(n, n, 3);
  const auto basis = random_orthonormal(n, n, 4);
  std::vector<double> scaled = basis;
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t j = 0; j < n; ++j) scaled[i * n + j] *= static_cast<double>(i + 1);
  }
  const auto positive = product(transposed(basis, n, n), scaled, n);
  const auto factor = orthogonal_factor(product(rotation, positive, n), n, n);
  for (std::size_t i = 0; i < n * n; ++i) EXPECT_NEAR(factor[i], rotation[i], 1e-9);
}

TEST(LinearAlgebra, AnOrthogonalFactorIsOrthonormalAlsoWhereTheMatrixIsNot) {
  std::vector<double> m(6 * 4, 0.0);
  EXPECT_LT(off_identity(transposed(orthogonal_factor(m, 6, 4), 6, 4), 4, 6), 1e-12);
  for (std::size_t i = 0; i < 6; ++i) m[i * 4] = 1;
  EXPECT_LT(off_identity(transposed(orthogonal_factor(m, 6, 4), 6, 4), 4, 6), 1e-12);
}

TEST(LinearAlgebra, EigenpairsOfAKnownMatrix) {
  const Eigenpairs pairs = eigenpairs(std::vector<double>{2, 1, 1, 2}, 2);
  EXPECT_NEAR(pairs.values[0], 3, 1e-12);
  EXPECT_NEAR(pairs.values[1], 1, 1e-12);
  EXPECT_NEAR(pairs.vectors[0], std::sqrt(0.5), 1e-12);
  EXPECT_NEAR(pairs.vectors[1], std::sqrt(0.5), 1e-12);
  EXPECT_GT(std::max(pairs.vectors[2], pairs.vectors[3]), 0.7);
}

TEST(Moments, AgreeWithALoopInFloat64) {
  for (const std::size_t rows : {1U, 3U, 255U, 256U, 257U, 5000U}) {
    const std::size_t dim = 101;
    const auto values = correlated(rows, dim, 1);
    const RowSet set(MatrixView(values, dim));
    const auto mean = mean_of(set, {});
    const auto scatter = scatter_of(set, mean, {});
    double most = 0;
    double largest = 1e-30;
    for (std::size_t a = 0; a < dim; ++a) {
      for (std::size_t b = 0; b < dim; ++b) {
        double sum = 0;
        for (std::size_t i = 0; i < rows; ++i) {
          sum += (values[i * dim + a] - mean[a]) * (values[i * dim + b] - mean[b]);
        }
        most = std::max(most, std::abs(sum - scatter[a * dim + b]));
        largest = std::max(largest, std::abs(sum));
      }
    }
    EXPECT_LT(most, 3e-6 * largest + 1e-9) << rows;
  }
}

TEST(Moments, CrossProductsAgreeWithALoopInFloat64) {
  const auto x = correlated(700, 7, 1);
  const auto y = correlated(700, 130, 2);
  const auto products = cross_products(RowSet(MatrixView(x, 7)), RowSet(MatrixView(y, 130)), {});
  for (std::size_t a = 0; a < 7; ++a) {
    for (std::size_t b = 0; b < 130; ++b) {
      double sum = 0;
      for (std::size_t i = 0; i < 700; ++i) sum += double{x[i * 7 + a]} * y[i * 130 + b];
      EXPECT_NEAR(products[a * 130 + b], sum, 1e-5 * std::abs(sum) + 1e-4);
    }
  }
}

TEST(Moments, AreTheSameForAnyNumberOfThreads) {
  const auto values = correlated(9000, 200, 1);
  const RowSet set(MatrixView(values, 200));
  RunOptions one, many;
  one.num_threads = 1;
  many.num_threads = 7;
  const auto mean = mean_of(set, one);
  EXPECT_EQ(mean, mean_of(set, many));
  EXPECT_EQ(scatter_of(set, mean, one), scatter_of(set, mean, many));
  EXPECT_EQ(cross_products(set, set, one), cross_products(set, set, many));
}

TEST(RowSet, TakesASampleInAscendingOrder) {
  std::vector<float> values(1000);
  for (std::size_t i = 0; i < 1000; ++i) values[i] = static_cast<float>(i);
  const RowSet sample(MatrixView(values, 1), 100);
  ASSERT_EQ(sample.count(), 100u);
  float before = -1;
  for (std::size_t i = 0; i < 100; ++i) {
    float now = 0;
    sample.copy_row(i, &now);
    EXPECT_GT(now, before);
    before = now;
  }
  EXPECT_GT(before, 500);
}

}  // namespace
}  // namespace knear
