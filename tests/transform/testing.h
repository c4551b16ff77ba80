// Rows to learn from.
#pragma once

#include <cmath>
#include <vector>

#include "core/rng.h"
#include "knear/matrix.h"

namespace knear {

// Gaussian rows whose dimensions depend on each other: each is a mix of all directions, whose deviations fall from 1 to
// 1 / dim, around an offset.
inline std::vector<float> correlated(std::size_t rows, std::size_t dim, std::uint64_t seed, float offset = 3) {
  Rng mixing(5);
  std::vector<double> mix(dim * dim);
  for (double& m : mix) m = mixing.normal() / std::sqrt(static_cast<double>(dim));
  Rng rng(seed);
  std::vector<float> values(rows * dim);
  std::vector<double> hidden(dim);
  for (std::size_t i = 0; i < rows; ++i) {
    for (std::size_t j = 0; j < dim; ++j) hidden[j] = rng.normal() / static_cast<double>(j + 1);
    for (std::size_t j = 0; j < dim; ++j) {
      double sum = offset;
      for (std::size_t l = 0; l < dim; ++l) sum += mix[j * dim + l] * hidden[l];
      values[i * dim + j] = static_cast<float>(sum);
    }
  }
  return values;
}

}  // namespace knear
