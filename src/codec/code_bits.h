// Numbers packed one after the other, low bits first.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "knear/matrix.h"

namespace knear {

inline std::size_t bytes_for_bits(std::size_t bits) noexcept { return (bits + 7) / 8; }

inline constexpr unsigned kMostBitsAtOnce = 16;

// Bytes appear when they are full, the last one with flush().
class BitWriter {
 public:
  explicit BitWriter(Byte* out) : out_(out) {}
  // 1 to 16 bits.
  void put(std::uint32_t number, unsigned bits) {
    pending_ |= number << filled_;
    for (filled_ += bits; filled_ >= 8; filled_ -= 8, pending_ >>= 8) *out_++ = static_cast<Byte>(pending_);
  }
  // Up to 64 bits.
  void put_long(std::uint64_t number, unsigned bits) {
    for (unsigned done = 0; done < bits; done += kMostBitsAtOnce, number >>= kMostBitsAtOnce) {
      put(static_cast<std::uint32_t>(number & 0xffff), std::min(bits - done, kMostBitsAtOnce));
    }
  }
  void flush() {
    if (filled_ > 0) *out_ = static_cast<Byte>(pending_);
  }

 private:
  Byte* out_;
  std::uint32_t pending_ = 0;
  unsigned filled_ = 0;
};

// Reads no byte before it needs it.
class BitReader {
 public:
  explicit BitReader(const Byte* in) : in_(in) {}
  std::uint32_t next(unsigned bits) {
    for (; filled_ < bits; filled_ += 8) pending_ |= static_cast<std::uint32_t>(*in_++) << filled_;
    const std::uint32_t number = pending_ & ((1u << bits) - 1);
    pending_ >>= bits;
    filled_ -= bits;
    return number;
  }
  std::uint64_t next_long(unsigned bits) {
    std::uint64_t number = 0;
    for (unsigned done = 0; done < bits; done += kMostBitsAtOnce) {
      number |= std::uint64_t{next(std::min(bits - done, kMostBitsAtOnce))} << done;
    }
    return number;
  }

 private:
  const Byte* in_;
  std::uint32_t pending_ = 0;
  unsigned filled_ = 0;
};

}  // namespace knear
