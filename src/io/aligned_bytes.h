// Memory for the bytes of a file.
#pragma once

#include <cstddef>
#include <memory>

#include "knear/matrix.h"

namespace knear {

// `count` uninitialised bytes, the first aligned to 64. Error::out_of_memory.
std::shared_ptr<Byte> make_aligned_bytes(std::size_t count);

}  // namespace knear
