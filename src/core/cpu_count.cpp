#include "core/cpu_count.h"

#include <sched.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <string>
#include <thread>

namespace knear {
namespace {

namespace fs = std::filesystem;

std::size_t affinity_cpus() noexcept {
  // Machines with more CPUs than a cpu_set_t has bits need a longer mask; until it fits, the call fails.
  for (std::size_t cpus = CPU_SETSIZE; cpus <= std::size_t{1} << 20; cpus *= 2) {
    cpu_set_t* mask = CPU_ALLOC(cpus);
    if (mask == nullptr) break;
    const std::size_t bytes = CPU_ALLOC_SIZE(cpus);
    const bool fits = sched_getaffinity(0, bytes, mask) == 0;
    const int count = fits ? CPU_COUNT_S(bytes, mask) : 0;
    CPU_FREE(mask);
    if (fits) return static_cast<std::size_t>(count);
  }
  return std::thread::hardware_concurrency();
}

// cpu.max holds "quota period" in microseconds, or "max period".
std::optional<double> quota_of(const fs::path& group) {
  std::ifstream file(group / "cpu.max");
  double quota = 0;
  double period = 0;
  if (file >> quota >> period && quota > 0 && period > 0) return quota / period;
  return std::nullopt;
}

// This process's version 2 group: the line "0::/path" of /proc/self/cgroup.
fs::path own_group() {
  std::ifstream file("/proc/self/cgroup");
  for (std::string line; std::getline(file, line);)
    if (line.starts_with("0::")) return line.substr(3);
  return "/";
}

}  // namespace

std::optional<double> cgroup_cpus(const fs::path& root, const fs::path& group) {
  std::optional<double> least = quota_of(root);
  fs::path at = root;
  for (const fs::path& part : group.relative_path()) {
    at /= part;
    const std::optional<double> quota = quota_of(at);
    if (quota && (!least || *quota < *least)) least = quota;
  }
  return least;
}

std::size_t usable_cpus() noexcept {
  double cpus = static_cast<double>(affinity_cpus());
  try {
    if (const auto quota = cgroup_cpus("/sys/fs/cgroup", own_group())) cpus = std::min(cpus, std::ceil(*quota));
  } catch (...) {
    // Without memory for a path there is no quota to be found.
  }
  return std::max<std::size_t>(1, static_cast<std::size_t>(cpus));
}

}  // namespace knear
