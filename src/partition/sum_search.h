// Cells whose distance is a sum of one number for each codebook: exact.
#pragma once

#include <memory>

#include "partition/implicit_centroids.h"

namespace knear {

// Book m meets the query from element m * step on: step is the width of an entry under L2, or 0, where a centroid is
// the sum of its entries, under inner product. The centroids outlive it.
std::unique_ptr<CellSearch> make_sum_search(const ImplicitCentroids& centroids, std::size_t step);

}  // namespace knear
