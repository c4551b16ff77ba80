// What the tests of clustering share.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <optional>
#include <vector>

#include "core/rng.h"
#include "knear/error.h"
#include "knear/matrix.h"

namespace knear {

// How a call fails; nothing when it does not.
inline std::optional<Error::Kind> kind_of(const std::function<void()>& call) {
  try {
    call();
  } catch (const Error& error) {
    return error.kind();
  }
  return std::nullopt;
}

// n rows about `clusters` centres.
inline std::vector<float> clustered(std::size_t n, std::size_t dim, std::size_t clusters, std::uint64_t seed = 1) {
  Rng rng(seed);
  std::vector<float> centres(clusters * dim);
  for (float& x : centres) x = static_cast<float>(10 * rng.normal());
  std::vector<float> rows(n * dim);
  for (std::size_t i = 0; i < n; ++i) {
    const std::size_t c = rng.below(clusters);
    for (std::size_t j = 0; j < dim; ++j) rows[i * dim + j] = centres[c * dim + j] + static_cast<float>(rng.normal());
  }
  return rows;
}

inline std::vector<float> values_of(const Matrix& matrix) {
  return {matrix.floats(), matrix.floats() + matrix.rows() * matrix.dim()};
}

}  // namespace knear
