// Hits as a caller sees them.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "knear/hit.h"
#include "knear/metric.h"
#include "knear/params.h"

namespace knear {

// The metric's own value of a smaller-is-closer distance, as float32.
float value_of(double distance, Metric metric) noexcept;

// k places from the nearest on, the rest filled up with kNoId and the worst value.
void write_neighbors(std::span<const Hit> hits, std::size_t k, Metric metric, float* distances, Id* ids);

// All hits of each query.
RangeNeighbors range_of(std::span<const std::vector<Hit>> hits, Metric metric);

}  // namespace knear
