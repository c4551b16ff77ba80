// Narrow floating-point numbers to float32 in integer arithmetic: exact, and the same on every machine.
#pragma once

#include <bit>
#include <cstdint>

namespace knear {

// bfloat16 is the upper half of a float32.
constexpr float f32_from_bf16(std::uint16_t bits) noexcept {
  return std::bit_cast<float>(static_cast<std::uint32_t>(bits) << 16);
}

// IEEE binary16: 1 sign, 5 exponent (bias 15), 10 mantissa bits. NaN keeps its payload and becomes quiet,
// as hardware conversions have it.
constexpr float f32_from_f16(std::uint16_t bits) noexcept {
  const std::uint32_t sign = (bits & 0x8000u) << 16;
  const std::uint32_t exponent = (bits >> 10) & 0x1fu;
  const std::uint32_t mantissa = bits & 0x3ffu;
  if (exponent == 0x1f) {
    const std::uint32_t quiet = mantissa != 0 ? 0x400000u : 0u;
    return std::bit_cast<float>(sign | 0x7f800000u | quiet | (mantissa << 13));
  }
  if (exponent != 0) return std::bit_cast<float>(sign | ((exponent + 127 - 15) << 23) | (mantissa << 13));
  if (mantissa == 0) return std::bit_cast<float>(sign);
  // A denormal is mantissa * 2^-24: move its leading bit to the place of the implicit one.
  const std::uint32_t shift = static_cast<std::uint32_t>(std::countl_zero(mantissa)) - 21;
  return std::bit_cast<float>(sign | ((127 - 14 - shift) << 23) | (((mantissa << shift) & 0x3ffu) << 13));
}

}  // namespace knear
