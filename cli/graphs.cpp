#include "graphs.h"

#include <fmt/format.h>

#include "knear/partition.h"
#include "knear/wrap.h"
#include "text.h"

namespace knear::cli {

const GraphIndex* graph_in(const Index& index) {
  if (const auto* refine = dynamic_cast<const RefineIndex*>(&index)) return graph_in(refine->base());
  if (const auto* chain = dynamic_cast<const PreTransformIndex*>(&index)) return graph_in(chain->inner());
  if (const auto* dedup = dynamic_cast<const DedupIndex*>(&index)) return graph_in(dedup->base());
  if (const auto* partition = dynamic_cast<const IvfIndex*>(&index)) return graph_in(*partition->coarse());
  return dynamic_cast<const GraphIndex*>(&index);
}

void add_graph(const GraphIndex& graph, Result& result) {
  const GraphStats stats = graph.graph_stats();
  result.add_line("edges", fmt::format("{:.1f} of a vector, at most {}", stats.mean_degree, grouped(stats.max_degree)));
  result.add_json("mean_degree", stats.mean_degree);
  result.add_json("max_degree", stats.max_degree);
  result.add_json("degrees", stats.degrees);
  result.add("orphans", stats.orphans, "orphans", grouped(stats.orphans));
  result.add("reachable", stats.reachable, "reachable", fmt::format("{:.4f} %", 100 * stats.reachable));
  result.add("top_level", stats.top_level, "upper levels", grouped(stats.top_level));
}

}  // namespace knear::cli
