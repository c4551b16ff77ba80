// Fills cells that no row came to.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "cluster/centroid_sums.h"

namespace knear {

// A cell without weight takes half of the cell with the largest spread (of equal ones the first): of that one's
// farthest row, the two centroids lie a little towards it and a little away from it. A cell is split once; none whose
// rows are all the same. The first `frozen` centroids stay where they are. Returns how many cells were filled.
std::size_t split_cells(const TrainingRows& rows, const CentroidSums& sums, std::span<const std::uint32_t> cells,
                        std::size_t frozen, float* centroids);

}  // namespace knear
