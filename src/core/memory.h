// How much memory there is.
#pragma once

#include <cstddef>

namespace knear {

// Bytes of RAM and swap of the machine. What is larger is refused before the system is asked: it may promise
// more than it has, and then end the process.
std::size_t machine_memory() noexcept;

// The same, or less where this process may take less (a control group).
std::size_t allowed_memory() noexcept;

}  // namespace knear
