#include "measure.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <fstream>
#include <string>

#include "text.h"

namespace knear::cli {

double percentile(const std::vector<double>& sorted, double fraction) {
  if (sorted.empty()) return 0;
  const auto rank = static_cast<std::size_t>(std::ceil(fraction * static_cast<double>(sorted.size())));
  return sorted[std::clamp<std::size_t>(rank, 1, sorted.size()) - 1];
}

std::uint64_t peak_memory_bytes() {
  std::ifstream status("/proc/self/status");
  for (std::string word; status >> word;) {
    std::uint64_t kibibytes = 0;
    if (word == "VmHWM:" && status >> kibibytes) return kibibytes * 1024;
  }
  return 0;
}

void add_peak_memory(Result& result) {
  const std::uint64_t bytes = peak_memory_bytes();
  result.add("peak_memory_bytes", bytes, "peak memory", bytes_text(bytes));
}

}  // namespace knear::cli
