// Time and memory of this process.
#pragma once

#include <chrono>
#include <cstdint>
#include <vector>

#include "result.h"

namespace knear::cli {

class Stopwatch {
 public:
  // Seconds since the last lap or the start.
  double lap() {
    const auto now = Clock::now();
    return std::chrono::duration<double>(now - std::exchange(start_, now)).count();
  }

 private:
  using Clock = std::chrono::steady_clock;
  Clock::time_point start_ = Clock::now();
};

// The value below which `fraction` of the sorted values lie: the nearest rank, so always one of them.
double percentile(const std::vector<double>& sorted, double fraction);

// Most memory that the process ever held, pages of mapped files included; 0 where the system does not tell.
std::uint64_t peak_memory_bytes();
void add_peak_memory(Result& result);

}  // namespace knear::cli
