// What this processor family offers and what this processor can run of it. One of the files in cpu/ is built.
#pragma once

#include <span>

#include "kernels/table.h"

namespace knear::kernels {

struct Candidate {
  const Table* table;
  bool runs;  // on this processor and operating system
};

// `rest` with these kernels over shadows. Put together at run time: a constant would have to be in the object of
// `rest`, or to repeat all of its functions in another's.
inline Table with_shadows(const char* name, const ShadowTable& shadows, Table rest) {
  static_cast<ShadowTable&>(rest) = shadows;
  rest.name = name;
  return rest;
}

// The tables of this build, worst first; the first one runs everywhere.
std::span<const Candidate> candidates() noexcept;

}  // namespace knear::kernels
