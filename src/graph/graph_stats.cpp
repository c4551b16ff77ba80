// What the edges of a graph look like, counted.
#include <algorithm>

#include "graph/graph_file.h"
#include "graph/links.h"
#include "knear/graph.h"

namespace knear {
namespace {

// Counts edges, those to each vertex too.
std::vector<std::uint32_t> count_edges(const Links& links, std::span<const std::uint8_t> stands, GraphStats& stats) {
  std::vector<std::uint32_t> into(links.count);
  std::vector<Vertex> edges(2 * links.M);
  std::size_t vertices = 0;
  std::size_t all = 0;
  stats.degrees.resize(links.most_edges(0) + 1);
  for (std::size_t i = 0; i < links.count; ++i) {
    if (!stands[i]) continue;
    const std::size_t n = links.edges_of(static_cast<Vertex>(i), 0, edges.data());
    for (std::size_t e = 0; e < n; ++e) ++into[edges[e]];
    ++vertices;
    ++stats.degrees[n];
    all += n;
    stats.max_degree = std::max(stats.max_degree, n);
  }
  stats.degrees.resize(stats.max_degree + 1);
  stats.mean_degree = vertices ? static_cast<double>(all) / static_cast<double>(vertices) : 0;
  return into;
}

// Not behind another, and not apart.
std::vector<std::uint8_t> vertices_of(const Links& links) {
  std::vector<std::uint8_t> stands(links.count, 1);
  for (const Vertex v : links.apart) stands[v] = 0;
  for (std::size_t i = 0; i < links.count; ++i) {
    if (const Vertex next = links.twin_of(static_cast<Vertex>(i)); next != kNoVertex) stands[next] = 0;
  }
  return stands;
}

}  // namespace

GraphStats GraphIndex::graph_stats() const {
  GraphStats stats;
  const auto snapshot = view().snapshot;
  const auto links = std::static_pointer_cast<const Links>(snapshot->beside);
  if (!links || links->count == 0) return stats;
  const std::vector<std::uint8_t> stands = vertices_of(*links);
  const std::vector<std::uint32_t> into = count_edges(*links, stands, stats);
  std::size_t wrong = 0;
  const std::vector<std::uint8_t> reached = reached_from_entry(*links, wrong);
  const Places places(*snapshot);
  std::size_t live = 0;
  std::size_t found = 0;
  for (std::size_t i = 0; i < links->count; ++i) {
    const auto v = static_cast<Vertex>(i);
    if (stands[i] && into[i] == 0 && v != links->entry) ++stats.orphans;
    const auto place = places[v];
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
