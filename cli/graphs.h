// Graphs: what their edges look like.
#pragma once

#include "knear/graph.h"
#include "result.h"

namespace knear::cli {

// The graph that an index is, stands around or finds its cells by; null when there is none.
const GraphIndex* graph_in(const Index& index);

// "degrees", "mean_degree", "max_degree", "orphans", "reachable" and "top_level", and a line for each.
void add_graph(const GraphIndex& graph, Result& result);

}  // namespace knear::cli
