// What the edges of a graph look like, counted.
#include <algorithm>

#include "graph/graph_file.h"
#include "graph/links.h"
#include "graph/reach.h"
#include "knear/graph.h"

namespace knear {
namespace {

// Counts edges, those to each vertex too.
std::vector<std::uint32_t> count_edges(const Links& links, std::span<const Vertex> vertices, GraphStats& stats) {
  std::vector<std::uint32_t> into(links.count);
  std::vector<Vertex> edges(2 * links.M);
  std::size_t all = 0;
  stats.degrees.resize(links.most_edges(0) + 1);
  for (const Vertex v : vertices) {
    const std::size_t n = links.edges_of(v, 0, edges.data());
    for (std::size_t e = 0; e < n; ++e) ++into[edges[e]];
    ++stats.degrees[n];
    all += n;
    stats.max_degree = std::max(stats.max_degree, n);
  }
  stats.degrees.resize(stats.max_degree + 1);
  stats.mean_degree = vertices.empty() ? 0 : static_cast<double>(all) / static_cast<double>(vertices.size());
  return into;
}

}  // namespace

GraphStats GraphIndex::graph_stats() const {
  GraphStats stats;
  const auto snapshot = view().snapshot;
  const auto links = std::static_pointer_cast<const Links>(snapshot->beside);
  if (!links || links->count == 0) return stats;
  const std::vector<Vertex> vertices = vertices_of(*links);
  const std::vector<std::uint32_t> into = count_edges(*links, vertices, stats);
  for (const Vertex v : vertices) stats.orphans += into[v] == 0 && v != links->entry ? 1 : 0;
  std::size_t wrong = 0;
  const std::vector<std::uint8_t> reached = reached_from_entry(*links, wrong);
  const Places places(*snapshot);
  std::size_t live = 0;
  std::size_t found = 0;
  for (std::size_t i = 0; i < links->count; ++i) {
    const auto place = places[static_cast<Vertex>(i)];
    if (!places.chunk(place.chunk).alive(place.row)) continue;
    ++live;
    found += reached[i];
  }
  if (live) stats.reachable = static_cast<double>(found) / static_cast<double>(live);
  stats.top_level = links->top;
  if (links->entry == kNoVertex) return stats;
  const auto place = places[links->entry];
  stats.entry = places.chunk(place.chunk).id(place.row);
  return stats;
}

}  // namespace knear
