// The checksum of the file format: XXH3, 64 bits, seed 0.
#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include "knear/matrix.h"

namespace knear {

std::uint64_t checksum_of(std::span<const Byte> bytes) noexcept;

// The same for bytes that come in pieces, however they are cut.
class Checksum {
 public:
  Checksum();
  ~Checksum();

  void update(std::span<const Byte> bytes) noexcept;
  std::uint64_t value() const noexcept;  // of all bytes since reset()
  void reset() noexcept;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace knear
