// The table of kernels for this CPU.
#pragma once

#include <span>

#include "kernels/table.h"

namespace knear::kernels {

// The best table that this CPU runs, or the one that KNEAR_ISA names. Chosen at the first call.
// An unknown or unrunnable KNEAR_ISA falls back to the best one, and forced_isa_error() says so.
const Table& table() noexcept;

// All tables of this build that this CPU can run, worst first; tests go over them.
std::span<const Table* const> runnable_tables() noexcept;

// Empty, or why KNEAR_ISA was not followed.
const char* forced_isa_error() noexcept;

}  // namespace knear::kernels
