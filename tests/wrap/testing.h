// Rows for wrappers.
#pragma once

#include <vector>

#include "knear/knear.h"
#include "support/normals.h"

namespace knear {

inline std::vector<float> gaussian(std::size_t rows, std::size_t dim, std::uint64_t seed) {
  return normals(rows * dim, seed);
}

}  // namespace knear
