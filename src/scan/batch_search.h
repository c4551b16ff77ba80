// A batch of queries against all codes of a snapshot: how the work is split over threads and put together again.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "knear/codec.h"
#include "knear/params.h"
#include "storage/snapshot.h"

namespace knear {

// What a query looks for: the k nearest, or (k = 0) all closer than the radius.
struct Wanted {
  std::size_t k = 0;
  double radius = 0;  // smaller-is-closer scale
};

// hits[q] = the results of query q, ascending. Queries with NaN or Inf get none (unless the metric is
// nan_euclidean). Takes filter or filters, threads, stop, timeout and progress from the options, fills its stats.
void search_batch(const Codec& codec, const Snapshot& snapshot, MatrixView queries, Wanted wanted,
                  const SearchOptions& options, std::span<std::vector<Hit>> hits);

}  // namespace knear
