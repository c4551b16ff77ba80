#include "core/memory.h"

#include <sys/sysinfo.h>

#include <algorithm>
#include <exception>
#include <fstream>
#include <limits>
#include <string>

#include "core/check.h"

namespace knear {
namespace {

// What a file of a control group says; where it says "max" or is not there, no limit.
std::size_t limit_in(const std::string& path) {
  std::ifstream file(path);
  std::size_t bytes = 0;
  return file >> bytes ? bytes : std::numeric_limits<std::size_t>::max();
}

// Lines of /proc/self/cgroup are number:controllers:path, with no controllers in version 2. Every group above counts.
std::size_t limit_of_groups() {
  std::size_t least = std::numeric_limits<std::size_t>::max();
  std::ifstream groups("/proc/self/cgroup");
  for (std::string line; std::getline(groups, line);) {
    const std::size_t first = line.find(':');
    const std::size_t second = line.find(':', first + 1);
    if (first == std::string::npos || second == std::string::npos) continue;
    const std::string controllers = line.substr(first + 1, second - first - 1);
    if (!controllers.empty() && controllers.find("memory") == std::string::npos) continue;
    const std::string root = controllers.empty() ? "/sys/fs/cgroup" : "/sys/fs/cgroup/memory";
    const std::string file = controllers.empty() ? "/memory.max" : "/memory.limit_in_bytes";
    for (std::string path = line.substr(second + 1); !path.empty(); path.erase(path.find_last_of('/'))) {
      least = std::min(least, limit_in(concat(root, path, file)));
      if (path.find('/') == std::string::npos) break;
    }
    least = std::min(least, limit_in(root + file));
  }
  return least;
}

}  // namespace

std::size_t machine_memory() noexcept {
  struct sysinfo info = {};
  if (sysinfo(&info) != 0) return std::numeric_limits<std::size_t>::max();
  return (std::size_t{info.totalram} + info.totalswap) * info.mem_unit;
}

std::size_t allowed_memory() noexcept {
  try {
    return std::min(machine_memory(), limit_of_groups());
  } catch (const std::exception&) {
    return machine_memory();
  }
}

}  // namespace knear
