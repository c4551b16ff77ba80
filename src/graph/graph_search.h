// A batch of queries through a graph.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "graph/links.h"
#include "knear/codec.h"
#include "knear/params.h"

namespace knear {

// What is searched, as of one moment.
struct GraphView {
  const Codec& codec;
  const Snapshot& snapshot;
  const Links& links;
};

// hits[q] = the nearest k that a walk finds, ascending. Returns the queries that want a scan instead: few rows pass
// their filter, or the walk did not find enough.
std::vector<std::size_t> search_graph(const GraphView& view, MatrixView queries, std::size_t k, std::size_t ef,
                                      const SearchOptions& options, std::span<std::vector<Hit>> hits);

}  // namespace knear
