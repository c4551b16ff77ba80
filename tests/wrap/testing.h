// Rows for wrappers.
#pragma once

#include <vector>

#include "core/rng.h"
#include "knear/knear.h"

namespace knear {

inline std::vector<float> gaussian(std::size_t rows, std::size_t dim, std::uint64_t seed) {
  Rng rng(seed);
  std::vector<float> values(rows * dim);
  for (float& v : values) v = static_cast<float>(rng.normal());
  return values;
}

}  // namespace knear
