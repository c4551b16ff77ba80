// Rows that are hard on filters.
#pragma once

#include <cmath>
#include <vector>

#include "core/rng.h"

namespace knear {

inline constexpr int kHardKinds = 14;

// Rows that strain float32: `kind` picks what is hard about them.
inline std::vector<float> hard_rows(int kind, std::size_t rows, std::size_t dim, std::uint64_t seed) {
  Rng rng(seed);
  std::vector<float> values(rows * dim);
  for (std::size_t i = 0; i < values.size(); ++i) {
    const double normal = rng.normal();
    switch (kind) {
      case 0:
        values[i] = static_cast<float>(normal);
        break;  // plain
      case 1:
        values[i] = static_cast<float>(1000 + normal);
        break;  // huge offset
      case 2:
        values[i] = static_cast<float>(normal * std::pow(10, rng.uniform() * 30 - 15));
        break;  // heavy tails
      case 3:
        values[i] = static_cast<float>(normal * 1e-22);
        break;  // underflow
      case 4:
        values[i] = static_cast<float>(normal * 3e18);
        break;  // overflow of squares
      case 5:
        values[i] = static_cast<float>(rng.below(3));
        break;  // ties, zero rows
      case 6:
        values[i] = i / dim % 7 ? static_cast<float>(1 + normal * 1e-7) : 1.0f;
        break;  // near duplicates
      case 7:
        values[i] = i / dim % 5 ? static_cast<float>(normal) : 0.0f;
        break;  // zero rows
      case 8:
        values[i] = static_cast<float>(rng.below(256));
        break;  // bytes
      case 9:
        values[i] = static_cast<float>(i % dim == 0 ? normal * 100 : normal);
        break;  // one dimension above all
      case 10:
        values[i] = static_cast<float>(i / dim % 11 ? normal : normal * 1e12);
        break;  // some huge rows
      case 11:
        values[i] = 3.25f;
        break;  // all the same
      case 12:
        values[i] = static_cast<float>(i / dim % 4 * 10) + static_cast<float>(normal * 1e-4);
        break;  // tight clusters
      default:
        values[i] = static_cast<float>(normal * 1e-39);
        break;  // denormal
    }
  }
  return values;
}

}  // namespace knear
