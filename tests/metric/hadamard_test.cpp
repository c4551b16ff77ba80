#include "metric/hadamard.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "support/normals.h"

namespace knear {
namespace {

double length_of(const std::vector<float>& row) {
  double sum = 0;
  for (const float x : row) sum += double{x} * x;
  return std::sqrt(sum);
}

TEST(HadamardRotation, KeepsLengthsAndComesBack) {
  for (const std::size_t dim : std::initializer_list<std::size_t>{1, 2, 3, 7, 16, 19, 100, 128, 784, 1023, 4096}) {
    const HadamardRotation rotation(dim, 5);
    const std::vector<float> row = normals(dim, dim);
    std::vector<float> turned = row;
    rotation.apply(turned.data());
    EXPECT_NEAR(length_of(turned), length_of(row), 1e-5 * length_of(row)) << dim;
    rotation.revert(turned.data());
    for (std::size_t j = 0; j < dim; ++j) ASSERT_NEAR(turned[j], row[j], 1e-5) << dim << ", " << j;
  }
}

TEST(HadamardRotation, KeepsInnerProducts) {
  constexpr std::size_t dim = 300;
  const HadamardRotation rotation(dim, 6);
  std::vector<float> a = normals(dim, 1);
  std::vector<float> b = normals(dim, 2);
  const auto product = [&] {
    double sum = 0;
    for (std::size_t j = 0; j < dim; ++j) sum += double{a[j]} * b[j];
    return sum;
  };
  const double before = product();
  rotation.apply(a.data());
  rotation.apply(b.data());
  EXPECT_NEAR(product(), before, 1e-4);
}

// The worst rows are those with all their length in one element: it has to go everywhere.
TEST(HadamardRotation, SpreadsSingleElements) {
  for (const std::size_t dim : std::initializer_list<std::size_t>{100, 128, 640, 784, 1000, 1023, 1025}) {
    const HadamardRotation rotation(dim, 7);
    double most = 0;
    double fourth = 0;
    for (std::size_t j = 0; j < dim; ++j) {
      std::vector<float> row(dim);
      row[j] = 1;
      rotation.apply(row.data());
      for (const float x : row) {
        const double scaled = x * std::sqrt(static_cast<double>(dim));
        most = std::max(most, std::abs(scaled));
        fourth += std::pow(scaled, 4);
      }
    }
    EXPECT_LT(most, 7) << dim;
    EXPECT_NEAR(fourth / static_cast<double>(dim * dim), 3, 0.6) << dim;  // normal numbers have 3
  }
}

TEST(HadamardRotation, TheSeedDecides) {
  std::vector<float> a = normals(50, 1);
  std::vector<float> b = a;
  std::vector<float> c = a;
  HadamardRotation(50, 1).apply(a.data());
  HadamardRotation(50, 1).apply(b.data());
  HadamardRotation(50, 2).apply(c.data());
  EXPECT_EQ(a, b);
  EXPECT_NE(a, c);
}

}  // namespace
}  // namespace knear
