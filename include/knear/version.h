// The version of the library that these headers belong to.
#pragma once

namespace knear {

inline constexpr int kVersionMajor = 0;
inline constexpr int kVersionMinor = 1;
inline constexpr int kVersionPatch = 0;

// "0.1.0": the version of the library linked in, which may be newer than these headers.
const char* version() noexcept;

}  // namespace knear
