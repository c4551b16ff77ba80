// Checks of what callers hand in.
#pragma once

#include <sstream>
#include <string>

#include "knear/error.h"

namespace knear {

// The parts one after the other as text: concat("k = ", 3).
template <class... Parts>
std::string concat(const Parts&... parts) {
  std::ostringstream out;
  (out << ... << parts);
  return std::move(out).str();
}

template <class... Parts>
[[noreturn]] void fail(Error::Kind kind, const Parts&... parts) {
  throw Error(kind, concat(parts...));
}

// The caller's fault: throws Error::invalid_argument with the numbers in the message.
template <class... Parts>
void require(bool condition, const Parts&... parts) {
  if (!condition) [[unlikely]]
    fail(Error::invalid_argument, parts...);
}

}  // namespace knear
