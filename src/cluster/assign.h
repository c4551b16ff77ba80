// Every row against every centroid.
#pragma once

#include <cstddef>
#include <cstdint>

#include "metric/panels.h"

namespace knear {

inline constexpr std::size_t kAssignRows = 1024;  // of one task

inline std::size_t assign_tasks(std::size_t rows) { return (rows + kAssignRows - 1) / kAssignRows; }

// Numbers of the best of the panels' vectors.
void assign_rows(FloatSpan rows, const Panels& panels, std::uint32_t* numbers);

}  // namespace knear
