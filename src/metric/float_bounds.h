// Float32 numbers on the safe side of float64 ones.
#pragma once

#include <bit>
#include <cstdint>
#include <limits>

namespace knear {

// The float32 next to a float64 number, on the side that is asked for. NaN stays NaN.
inline float float_below(double value) noexcept {
  const float rounded = static_cast<float>(value);
  if (!(static_cast<double>(rounded) > value)) return rounded;
  if (rounded == 0) return -std::numeric_limits<float>::denorm_min();
  const auto bits = std::bit_cast<std::uint32_t>(rounded);
  return std::bit_cast<float>(rounded > 0 ? bits - 1 : bits + 1);
}
inline float float_above(double value) noexcept { return -float_below(-value); }

}  // namespace knear
