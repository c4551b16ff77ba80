// One result of a search inside the library.
#pragma once

#include "knear/selector.h"

namespace knear {

// A result. `distance` is the canonical float64 value, smaller is closer for every metric.
struct Hit {
  double distance;
  Id id;
  friend bool operator<(const Hit& a, const Hit& b) noexcept {
    return a.distance < b.distance || (a.distance == b.distance && a.id < b.id);
  }
};

}  // namespace knear
