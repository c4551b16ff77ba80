// Names what a file is that is no index of ours.
#pragma once

#include <span>
#include <string>

#include "knear/matrix.h"

namespace knear {

inline constexpr std::size_t kForeignBytes = 512;  // of a file's start that describe_foreign looks at

// What a file with this start seems to be and what to do about it, as the end of the sentence "it is not a knear
// index file: …". Empty when nothing is recognised.
std::string describe_foreign(std::span<const Byte> start);

}  // namespace knear
