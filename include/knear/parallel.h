// Threads, stopping and progress: what every long call shares.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <stop_token>
#include <string_view>

namespace knear {

// Threads that a call uses when it does not say: KNEAR_THREADS, else the CPUs this process may run on.
std::size_t num_threads() noexcept;
// Sets that default for the process; 0 goes back to the automatic value.
void set_num_threads(std::size_t n) noexcept;

// The instruction set in use: "portable", "avx2", "avx512", "avx512_vnni", "neon", "neon_dot".
// KNEAR_ISA in the environment forces one ("scalar" means "portable").
const char* cpu_level() noexcept;

// Where a long call stands.
struct Progress {
  std::string_view phase;  // "add", "search", "read", …
  std::size_t done = 0;    // rows or queries
  std::size_t total = 0;   // 0 when unknown
  double rate = 0;         // per second, since the start
  double eta_seconds = 0;  // time left at that rate; 0 when unknown
};

// Called now and then, never from two threads at once. Returning false stops the work.
using ProgressFn = std::function<bool(const Progress&)>;

// What every call that may take longer than a second accepts. Stopped or late, the call throws
// Error::stopped or Error::timeout and the index is as it was before.
struct RunOptions {
  std::size_t num_threads = 0;  // 0: the process-wide default
  std::stop_token stop = {};    // request_stop() ends the call early
  std::chrono::steady_clock::duration timeout = std::chrono::steady_clock::duration::zero();  // 0: none
  ProgressFn progress = {};
};

}  // namespace knear
