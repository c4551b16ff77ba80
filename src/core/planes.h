// Codes in planes (CodeLayout::planes): code `lane` of a group has its byte b at group[b * kGroupRows + lane].
#pragma once

#include <cstddef>

#include "knear/codec.h"

namespace knear {

inline void to_group(const Byte* code, std::size_t code_bytes, std::size_t lane, Byte* group) noexcept {
  for (std::size_t b = 0; b < code_bytes; ++b) group[b * kGroupRows + lane] = code[b];
}

inline void from_group(const Byte* group, std::size_t code_bytes, std::size_t lane, Byte* code) noexcept {
  for (std::size_t b = 0; b < code_bytes; ++b) code[b] = group[b * kGroupRows + lane];
}

// Bytes that n codes take.
inline std::size_t bytes_of_codes(CodeLayout layout, std::size_t n, std::size_t code_bytes) noexcept {
  const bool grouped = layout == CodeLayout::planes;
  return (grouped ? (n + kGroupRows - 1) / kGroupRows * kGroupRows : n) * code_bytes;
}

}  // namespace knear
