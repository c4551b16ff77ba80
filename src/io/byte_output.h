// Where bytes go, one after the other.
#pragma once

#include <span>

#include "knear/matrix.h"

namespace knear {

class ByteOutput {
 public:
  virtual ~ByteOutput() = default;
  virtual void write(std::span<const Byte> bytes) = 0;
};

}  // namespace knear
