#include "metric/panels.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "support/normals.h"

namespace knear {
namespace {

TEST(Panels, ProductsAreThoseOfTheMatrix) {
  constexpr std::size_t n = 250;
  constexpr std::size_t dim = 31;
  constexpr std::size_t columns = 45;
  const auto rows = normals(n * dim, 1);
  const auto matrix = normals(columns * dim, 2);
  const auto bias = normals(columns, 3);
  std::vector<float> out(n * columns);
  Panels::for_products({matrix.data(), columns, dim}, dim, bias).products({rows.data(), n, dim}, out.data(), columns);
  for (std::size_t r = 0; r < n; ++r) {
    for (std::size_t c = 0; c < columns; ++c) {
      double expected = bias[c];
      for (std::size_t j = 0; j < dim; ++j) expected += double{rows[r * dim + j]} * matrix[c * dim + j];
      ASSERT_NEAR(out[r * columns + c], expected, 1e-4);
    }
  }
}

TEST(Panels, NearestHasTheSmallestDistanceAlsoOfPartsOfRows) {
  constexpr std::size_t n = 300;
  constexpr std::size_t stride = 24;
  constexpr std::size_t dim = 8;
  constexpr std::size_t count = 77;
  const auto rows = normals(n * stride, 1);
  const auto vectors = normals(count * dim, 2);
  std::vector<std::uint32_t> numbers(n);
  std::vector<float> values(n);
  std::vector<float> seconds(n);
  const FloatSpan part{rows.data() + 16, n, stride};
  Panels::for_nearest({vectors.data(), count, dim}, dim).nearest(part, numbers.data(), values.data(), seconds.data());
  for (std::size_t r = 0; r < n; ++r) {
    double norm = 0;
    double best = std::numeric_limits<double>::infinity();
    std::size_t number = 0;
    for (std::size_t j = 0; j < dim; ++j) norm += std::pow(double{rows[16 + r * stride + j]}, 2);
    for (std::size_t c = 0; c < count; ++c) {
      double distance = 0;
      for (std::size_t j = 0; j < dim; ++j) {
        distance += std::pow(double{rows[16 + r * stride + j]} - vectors[c * dim + j], 2);
      }
      if (distance < best) {
        best = distance;
        number = c;
      }
    }
    ASSERT_EQ(numbers[r], number);
    ASSERT_NEAR(norm + 2 * values[r], best, 1e-4);
    ASSERT_GE(seconds[r], values[r]);
  }
}

TEST(Panels, ARowHasTheSameBitsInAnyCompany) {
  constexpr std::size_t dim = 600;
  const auto rows = normals(100 * dim, 1);
  const auto matrix = normals(50 * dim, 2);
  const Panels panels = Panels::for_products({matrix.data(), 50, dim}, dim);
  std::vector<float> all(100 * 50);
  panels.products({rows.data(), 100, dim}, all.data(), 50);
  for (std::size_t r = 0; r < 100; ++r) {
    std::vector<float> one(50);
    panels.products({rows.data() + r * dim, 1, dim}, one.data(), 50);
    ASSERT_TRUE(std::equal(one.begin(), one.end(), all.begin() + static_cast<long>(r * 50)));
  }
}

}  // namespace
}  // namespace knear
