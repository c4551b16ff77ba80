// How many CPUs this process may use.
#pragma once

#include <cstddef>
#include <filesystem>
#include <optional>

namespace knear {

// The CPUs of the process's affinity mask, but no more than the quota of its control group (containers),
// rounded up; at least 1.
std::size_t usable_cpus() noexcept;

// The quota in CPUs of a version 2 control group at `group` below `root`: the least of its own cpu.max and its
// ancestors', or none.
std::optional<double> cgroup_cpus(const std::filesystem::path& root, const std::filesystem::path& group);

}  // namespace knear
