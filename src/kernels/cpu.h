// What this processor family offers and what this processor can run of it. One of the files in cpu/ is built.
#pragma once

#include <span>

#include "kernels/table.h"

namespace knear::kernels {

struct Candidate {
  const Table* table;
  bool runs;  // on this processor and operating system
};

// The tables of this build, worst first; the first one runs everywhere.
std::span<const Candidate> candidates() noexcept;

}  // namespace knear::kernels
