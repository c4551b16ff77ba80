// How far float32 sums are from the truth, and rounding towards the safe side.
#pragma once

#include <algorithm>
#include <cstddef>

#include "kernels/table.h"

namespace knear {

// Of a float32 dot product relative to the lengths of its vectors, and of a squared distance relative to itself: the
// bound of kernels/table.h.
inline double sum_error(std::size_t dim) noexcept {
  const std::size_t blocks = (dim + kernels::kTileDepth - 1) / kernels::kTileDepth;
  return static_cast<double>(std::min(dim, kernels::kTileDepth) + blocks + 2) * 0x1p-24 * 1.001;
}

// From underflow, added to a sum's error.
inline double tiny_error(std::size_t dim) noexcept { return static_cast<double>(dim) * 0x1p-147; }

// A float32 that is not below the number, nor one that is a float64 rounding away, and the same above; NaN and Inf
// stay.
inline float well_above(double x) noexcept { return static_cast<float>(x + (x < 0 ? -x : x) * 0x1p-22 + 0x1p-140); }
inline float well_below(double x) noexcept { return -well_above(-x); }

}  // namespace knear
