// Do the transforms learn what their papers say?
#include <gtest/gtest.h>

#include <cmath>

#include "knear/cluster.h"
#include "knear/transform.h"
#include "testing.h"

namespace knear {
namespace {

constexpr std::size_t kDim = 16;

std::unique_ptr<Transform> taught(const std::unique_ptr<Transform>& transform, const std::vector<float>& rows) {
  return transform->trained(MatrixView(rows, kDim), {});
}

std::vector<float> image(const Transform& transform, const std::vector<float>& rows) {
  std::vector<float> out(rows.size() / kDim * transform.dim_out());
  transform.apply(MatrixView(rows, kDim), out.data());
  return out;
}

double squared_distance(const float* a, const float* b, std::size_t dim) {
  double sum = 0;
  for (std::size_t j = 0; j < dim; ++j) sum += (double{a[j]} - b[j]) * (double{a[j]} - b[j]);
  return sum;
}

// The covariance of rows, entry (a, b).
double covariance(const std::vector<float>& rows, std::size_t dim, std::size_t a, std::size_t b) {
  const std::size_t n = rows.size() / dim;
  double sum_a = 0, sum_b = 0, sum_ab = 0;
  for (std::size_t i = 0; i < n; ++i) {
    sum_a += rows[i * dim + a];
    sum_b += rows[i * dim + b];
    sum_ab += double{rows[i * dim + a]} * rows[i * dim + b];
  }
  const auto count = static_cast<double>(n);
  return sum_ab / count - sum_a / count * (sum_b / count);
}

// The mean squared error of a product quantizer of `parts` parts that learns from these rows.
double quantization_error(const std::vector<float>& rows, std::size_t dim, std::size_t parts, std::size_t centroids) {
  const std::size_t part_dim = dim / parts;
  double error = 0;
  for (std::size_t part = 0; part < parts; ++part) {
    const MatrixView some(rows.data() + part * part_dim, DType::f32, rows.size() / dim, part_dim,
                          static_cast<std::ptrdiff_t>(dim * sizeof(float)));
    error += kmeans(some, centroids).objective;
  }
  return error / static_cast<double>(rows.size() / dim);
}

TEST(Pca, GivesUncorrelatedDimensionsOfFallingVariance) {
  const auto rows = correlated(3000, kDim, 1);
  const auto images = image(*taught(make_pca(kDim, kDim), rows), rows);
  double before = 1e30;
  double total = 0;
  for (std::size_t a = 0; a < kDim; ++a) {
    EXPECT_LE(covariance(images, kDim, a, a), before * 1.0001);
    before = covariance(images, kDim, a, a);
    total += before;
    for (std::size_t b = 0; b < a; ++b) EXPECT_NEAR(covariance(images, kDim, a, b), 0, 1e-5);
  }
  double total_in = 0;
  for (std::size_t a = 0; a < kDim; ++a) total_in += covariance(rows, kDim, a, a);
  EXPECT_NEAR(total, total_in, 1e-4 * total_in);
}

// Power iteration with deflation, in float64.
TEST(Pca, FindsTheDirectionsThatPowerIterationFinds) {
  const auto rows = correlated(2000, kDim, 1);
  const auto pca = taught(make_pca(kDim, 3), rows);
  std::vector<double> matrix(kDim * kDim);
  for (std::size_t a = 0; a < kDim; ++a) {
    for (std::size_t b = 0; b < kDim; ++b) matrix[a * kDim + b] = covariance(rows, kDim, a, b);
  }
  const std::vector<float> zero(3, 0.0f);
  std::vector<float> mean(kDim);
  pca->reverse(zero.data(), 1, mean.data());
  for (std::size_t component = 0; component < 3; ++component) {
    std::vector<double> v(kDim, 1.0);
    double value = 0;
    for (int step = 0; step < 2000; ++step) {
      std::vector<double> next(kDim, 0.0);
      for (std::size_t a = 0; a < kDim; ++a) {
        for (std::size_t b = 0; b < kDim; ++b) next[a] += matrix[a * kDim + b] * v[b];
      }
      value = 0;
      for (const double x : next) value += x * x;
      value = std::sqrt(value);
      for (std::size_t a = 0; a < kDim; ++a) v[a] = next[a] / value;
    }
    std::vector<float> unit(3, 0.0f), direction(kDim);
    unit[component] = 1;
    pca->reverse(unit.data(), 1, direction.data());
    double cosine = 0;
    for (std::size_t a = 0; a < kDim; ++a) cosine += v[a] * (direction[a] - mean[a]);
    EXPECT_NEAR(std::abs(cosine), 1, 1e-4) << component;
    for (std::size_t a = 0; a < kDim; ++a) {
      for (std::size_t b = 0; b < kDim; ++b) matrix[a * kDim + b] -= value * v[a] * v[b];
    }
  }
}

TEST(Pca, WhiteningMakesEveryVarianceOne) {
  const auto rows = correlated(3000, kDim, 1);
  for (const bool rotated : {false, true}) {
    const auto images =
        image(*taught(make_pca(kDim, 10, {.eigen_power = -0.5f, .random_rotation = rotated}), rows), rows);
    for (std::size_t a = 0; a < 10; ++a) {
      EXPECT_NEAR(covariance(images, 10, a, a), 1, 1e-3);
      for (std::size_t b = 0; b < a; ++b) EXPECT_NEAR(covariance(images, 10, a, b), 0, 1e-3);
    }
  }
}

TEST(Pca, DirectionsWithoutVarianceBecomeZeroWhenWhitened) {
  auto rows = correlated(500, kDim, 1);
  for (std::size_t i = 0; i < 500; ++i) rows[i * kDim + 4] = 7;
  const auto images = image(*taught(make_pca(kDim, kDim, {.eigen_power = -0.5f}), rows), rows);
  for (std::size_t i = 0; i < 500; ++i) EXPECT_EQ(images[i * kDim + kDim - 1], 0);
}

TEST(Pca, AnOffsetCostsNoPrecision) {
  const auto near = correlated(1000, kDim, 1, 0);
  const auto far = correlated(1000, kDim, 1, 4096);
  const auto a = image(*taught(make_pca(kDim, kDim), near), near);
  const auto b = image(*taught(make_pca(kDim, kDim), far), far);
  for (std::size_t i = 0; i < 50; ++i) {
    const double expected = squared_distance(&a[i * kDim], &a[(i + 1) * kDim], kDim);
    EXPECT_NEAR(squared_distance(&b[i * kDim], &b[(i + 1) * kDim], kDim), expected, 2e-3 * expected + 1e-3);
  }
}

TEST(RandomRotation, KeepsDistances) {
  const auto rows = correlated(100, kDim, 1);
  for (const std::size_t dim_out : {kDim, kDim + 5}) {
    const auto images = image(*make_random_rotation(kDim, dim_out), rows);
    for (std::size_t i = 1; i < 100; ++i) {
      const double expected = squared_distance(&rows[0], &rows[i * kDim], kDim);
      EXPECT_NEAR(squared_distance(&images[0], &images[i * dim_out], dim_out), expected, 1e-4 * expected + 1e-5);
    }
  }
}

TEST(L2Normalization, GivesLengthOneAndLeavesZero) {
  auto rows = correlated(10, kDim, 1);
  std::fill_n(rows.begin(), kDim, 0.0f);
  for (std::size_t j = 0; j < kDim; ++j) rows[kDim + j] = 1e30f;
  const auto images = image(*make_l2_normalization(kDim), rows);
  const std::vector<float> zero(kDim, 0.0f);
  EXPECT_EQ(squared_distance(&images[0], zero.data(), kDim), 0);
  for (std::size_t i = 1; i < 10; ++i) EXPECT_NEAR(squared_distance(&images[i * kDim], zero.data(), kDim), 1, 1e-6);
}

TEST(Centring, TakesTheMeanAway) {
  const auto rows = correlated(5000, kDim, 1);
  const auto images = image(*taught(make_centring(kDim), rows), rows);
  for (std::size_t j = 0; j < kDim; ++j) {
    double sum = 0;
    for (std::size_t i = 0; i < 5000; ++i) sum += images[i * kDim + j];
    EXPECT_NEAR(sum / 5000, 0, 1e-5);
  }
}

TEST(Opq, LowersTheErrorOfAProductQuantizerOnCorrelatedRows) {
  const auto rows = correlated(4000, kDim, 1);
  const double plain = quantization_error(rows, kDim, 4, 16);
  const double first =
      quantization_error(image(*taught(make_opq(kDim, kDim, 4, {.bits = 4, .niter = 0}), rows), rows), kDim, 4, 16);
  const double turned =
      quantization_error(image(*taught(make_opq(kDim, kDim, 4, {.bits = 4}), rows), rows), kDim, 4, 16);
  EXPECT_LT(first, 0.8 * plain);
  EXPECT_LT(turned, 1.01 * first);
  RecordProperty("plain", std::to_string(plain));
  RecordProperty("first", std::to_string(first));
  RecordProperty("turned", std::to_string(turned));
}

// Each part of the row is near one of a few points: any mix of the parts is worse.
TEST(Opq, LeavesRowsAloneThatAreMadeForTheQuantizer) {
  Rng rng(3);
  std::vector<float> points(4 * 16 * 4), rows(4000 * kDim);
  for (float& p : points) p = static_cast<float>(rng.normal());
  for (std::size_t i = 0; i < rows.size(); i += 4) {
    const std::size_t point = (i / 4 % 4) * 16 + rng.below(16);
    for (std::size_t j = 0; j < 4; ++j) rows[i + j] = points[point * 4 + j] + static_cast<float>(0.1 * rng.normal());
  }
  const double plain = quantization_error(rows, kDim, 4, 16);
  const auto images = image(*taught(make_opq(kDim, kDim, 4, {.bits = 4}), rows), rows);
  EXPECT_LT(quantization_error(images, kDim, 4, 16), 1.1 * plain);
}

TEST(Itq, MovesRowsTowardsTheCorners) {
  const auto rows = correlated(3000, kDim, 1);
  const auto distance_to_corner = [&](std::size_t niter) {
    const auto images = image(*taught(make_itq(kDim, 8, {.niter = niter}), rows), rows);
    double inner = 0, squares = 0;
    for (const float v : images) inner += std::abs(v), squares += double{v} * v;
    // of the best multiple of each corner: what is not along it
    return squares - inner * inner / static_cast<double>(images.size());
  };
  EXPECT_LT(distance_to_corner(50), distance_to_corner(0));
  EXPECT_LE(distance_to_corner(50), distance_to_corner(5) * 1.001);
}

}  // namespace
}  // namespace knear
