// What this machine can do at most, measured once: multiply-adds and reads per second.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace knear::bench {

// 10^9 float32 multiply-adds per second of one thread by that instruction set; 0 for an unknown name.
double peak_gmacs(const std::string& isa);

// A working set that lies in one level of the memory.
struct Level {
  const char* name;
  std::size_t bytes;
};
inline constexpr Level kLevels[] = {{"L1", 16u << 10}, {"L2", 256u << 10}, {"L3", 8u << 20}, {"DRAM", 512u << 20}};

// 10^9 bytes per second that `threads` threads read together, each its own part of the working set.
double read_gbytes(const Level& level, std::size_t threads);

// All of it as lines of text.
std::vector<std::pair<std::string, std::string>> machine_report();

}  // namespace knear::bench
