#include "core/memory.h"

#include <sys/sysinfo.h>

#include <limits>

namespace knear {

std::size_t machine_memory() noexcept {
  struct sysinfo info = {};
  if (sysinfo(&info) != 0) return std::numeric_limits<std::size_t>::max();
  return (std::size_t{info.totalram} + info.totalswap) * info.mem_unit;
}

}  // namespace knear
