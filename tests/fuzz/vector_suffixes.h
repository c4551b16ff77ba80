// The first byte of a vector file's seed says which format the rest is to be read as.
#pragma once

#include <array>

namespace knear {

inline constexpr std::array kVectorSuffixes = {".fvecs", ".ivecs", ".bvecs", ".fbin", ".u8bin",
                                               ".i8bin", ".ibin",  ".npy",   "-ubyte"};

}  // namespace knear
