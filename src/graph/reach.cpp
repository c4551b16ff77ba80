#include "graph/reach.h"

#include <algorithm>

namespace knear {
namespace {

constexpr std::size_t kNear = 64;  // that an edge may come from
constexpr std::size_t kRounds = 8;

// Marks what edges lead to from there.
void flood(const Links& links, Vertex from, std::vector<std::uint8_t>& reached) {
  std::vector<Vertex> edges(links.most_edges(0));
  std::vector<Vertex> todo = {from};
  reached[from] = 1;
  while (!todo.empty()) {
    const Vertex v = todo.back();
    todo.pop_back();
    const std::size_t n = links.edges_of(v, 0, edges.data());
    for (std::size_t i = 0; i < n; ++i) {
      if (!reached[edges[i]]) todo.push_back(edges[i]);
      reached[edges[i]] = 1;
    }
  }
}

// The nearest that has room, else the nearest of all, whose last edge then goes.
Vertex start_of_edge(std::span<const Near> found, const Links& links) {
  const auto has_room = [&](const Near& near) { return links.lowest[near.vertex][Links::edges] < links.most_edges(0); };
  const auto at = std::find_if(found.begin(), found.end(), has_room);
  return at == found.end() ? found.front().vertex : at->vertex;
}

void lead(Vertex from, Vertex v, Links& links) {
  std::vector<Vertex> edges(links.most_edges(0));
  edges.resize(links.edges_of(from, 0, edges.data()));
  if (edges.size() == links.most_edges(0)) edges.pop_back();
  edges.push_back(v);
  links.set_edges(from, 0, edges);
}

}  // namespace

std::vector<Vertex> vertices_of(const Links& links) {
  std::vector<std::uint8_t> stands(links.count, 1);
  for (const Vertex v : links.apart) stands[v] = 0;
  for (std::size_t i = 0; i < links.count; ++i) {
    if (const Vertex next = links.twin_of(static_cast<Vertex>(i)); next != kNoVertex) stands[next] = 0;
  }
  std::vector<Vertex> vertices;
  for (std::size_t i = 0; i < links.count; ++i) {
    if (stands[i]) vertices.push_back(static_cast<Vertex>(i));
  }
  return vertices;
}

// An edge that had to go may have been the only one to another vertex: so once more.
void lead_to_all(Walk& walk, Links& links, const std::function<void(Vertex)>& before) {
  if (links.entry == kNoVertex) return;
  const std::vector<Vertex> vertices = vertices_of(links);
  for (std::size_t round = 0; round < kRounds; ++round) {
    std::vector<std::uint8_t> reached(links.count);
    flood(links, links.entry, reached);
    bool any = false;
    for (const Vertex v : vertices) {
      if (reached[v] || !walk.stand_at_row(links, v)) continue;
      const Vertex from = start_of_edge(walk.nearest(links, 0, walk.descend(links, 0), kNear), links);
      before(from);
      lead(from, v, links);
      flood(links, v, reached);
      any = true;
    }
    if (!any) return;
  }
}

}  // namespace knear
