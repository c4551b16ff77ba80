#include "graph/live_links.h"

#include <algorithm>
#include <utility>

#include "core/parallel_for.h"
#include "graph/builder.h"

namespace knear {
namespace {

constexpr std::size_t kTaskRows = 256;
constexpr std::size_t kNearOrphans = 64;
constexpr std::size_t kRounds = 8;

// The numbers stay as they are until the end: distances are those of the old rows.
class Repair {
 public:
  Repair(const Codec& codec, const Snapshot& snapshot, const Links& links)
      : codec_(codec),
        snapshot_(snapshot),
        links_(links),
        places_(snapshot),
        fixed_(static_cast<const LinksForm&>(links)),
        head_(links.count, kNoVertex) {
    find_heads();
  }

  std::shared_ptr<Links> run(const RunOptions& run) {
    copy_vertices();
    parallel_for((links_.count + kTaskRows - 1) / kTaskRows, run, [&](std::size_t task, std::size_t) {
      Walk walk(codec_, snapshot_, places_, MatrixView(std::span<const float>(), codec_.dim()));
      for (std::size_t v = task * kTaskRows; v < std::min(links_.count, (task + 1) * kTaskRows); ++v) {
        const auto vertex = static_cast<Vertex>(v);
        if (!stands(vertex)) continue;
        for (std::size_t level = 0; level <= links_.level_of(vertex); ++level) mend(walk, vertex, level);
      }
    });
    for (std::size_t round = 0; round < kRounds && adopt_orphans(); ++round) continue;
    return renumbered();
  }

 private:
  bool alive(Vertex v) const {
    const auto place = places_[v];
    return places_.chunk(place.chunk).alive(place.row);
  }
  bool stands(Vertex v) const noexcept { return head_[v] != kNoVertex; }

  // Of each place in the graph, the first live row.
  void find_heads() {
    std::vector<std::uint8_t> has_no_place(links_.count);
    for (const Vertex v : links_.apart) has_no_place[v] = 1;
    for (std::size_t i = 0; i < links_.count; ++i) {
      const auto v = static_cast<Vertex>(i);
      if (const Vertex next = links_.twin_of(v); next != kNoVertex) has_no_place[next] = 1;
      if (has_no_place[v]) continue;
      Vertex head = v;
      while (head != kNoVertex && !alive(head)) head = links_.twin_of(head);
      head_[v] = head;
    }
  }

  void copy_vertices() {
    fixed_.lowest.grow(links_.count);
    fixed_.count = links_.count;
    fixed_.most = links_.most;
    for (std::size_t i = 0; i < links_.count; ++i) {
      const auto v = static_cast<Vertex>(i);
      if (!stands(v)) continue;
      const std::size_t levels = links_.level_of(v);
      std::uint32_t* const record = fixed_.lowest.edit(v);
      record[Links::depth] = read_word(links_.lowest[v] + Links::depth);
      record[Links::twin] = record[Links::last_twin] = kNoVertex;
      record[Links::above] = levels ? static_cast<Vertex>(fixed_.upper.size()) : kNoVertex;
      record[Links::levels] = static_cast<std::uint32_t>(levels);
      fixed_.upper.grow(levels);
      if (fixed_.entry != kNoVertex && levels <= fixed_.top) continue;
      fixed_.entry = v;
      fixed_.top = levels;
    }
    if (links_.entry != kNoVertex && stands(links_.entry)) fixed_.entry = links_.entry;
  }

  void mend(Walk& walk, Vertex v, std::size_t level) {
    const std::size_t most = links_.most_edges(level);
    std::vector<Vertex> edges(2 * links_.M);
    std::vector<Vertex> behind(2 * links_.M);
    edges.resize(links_.edges_of(v, level, edges.data()));
    std::vector<Vertex> to;
    for (const Vertex e : edges) {
      if (stands(e)) to.push_back(e);
    }
    if (to.size() == edges.size()) return fixed_.set_edges(v, level, to);
    for (const Vertex e : edges) {
      if (stands(e)) continue;
      const std::size_t n = links_.edges_of(e, level, behind.data());
      for (std::size_t i = 0; i < n; ++i) {
        if (stands(behind[i]) && behind[i] != v) to.push_back(behind[i]);
      }
    }
    std::sort(to.begin(), to.end());
    to.erase(std::unique(to.begin(), to.end()), to.end());
    std::vector<float> distances(to.size());
    walk.stand_at_row(links_, v);
    walk.distances(links_, to, distances.data());
    std::vector<Near> found;
    for (std::size_t i = 0; i < to.size(); ++i) found.push_back({distances[i], to[i]});
    std::sort(found.begin(), found.end());
    std::vector<Vertex> chosen = choose_edges(walk, links_, found, most);
    // Few edges are left where many rows went: then the nearest, too.
    for (std::size_t i = 0; i < found.size() && chosen.size() < links_.M; ++i) {
      if (std::find(chosen.begin(), chosen.end(), found[i].vertex) == chosen.end()) chosen.push_back(found[i].vertex);
    }
    fixed_.set_edges(v, level, chosen);
  }

  std::vector<std::uint8_t> reached() const {
    std::vector<std::uint8_t> reached(links_.count);
    std::vector<Vertex> todo;
    const auto reach = [&](Vertex v) {
      if (!reached[v]) todo.push_back(v);
      reached[v] = 1;
    };
    if (fixed_.entry != kNoVertex) reach(fixed_.entry);
    std::vector<Vertex> edges(2 * links_.M);
    while (!todo.empty()) {
      const Vertex v = todo.back();
      todo.pop_back();
      for (std::size_t level = 0; level <= fixed_.level_of(v); ++level) {
        const std::size_t n = fixed_.edges_of(v, level, edges.data());
        std::for_each_n(edges.begin(), n, reach);
      }
    }
    return reached;
  }

  // Gives rows that nothing leads to an edge from a near one; were there any?
  bool adopt_orphans() {
    const std::vector<std::uint8_t> reached = this->reached();
    Walk walk(codec_, snapshot_, places_, MatrixView(std::span<const float>(), codec_.dim()));
    bool any = false;
    for (std::size_t i = 0; i < links_.count; ++i) {
      const auto v = static_cast<Vertex>(i);
      if (!stands(v) || reached[v] || !walk.stand_at_row(fixed_, v)) continue;
      any = true;
      adopt(v, walk.nearest(fixed_, 0, walk.descend(fixed_, 0), kNearOrphans));
    }
    return any;
  }

  // The nearest that has room, else the nearest for its last edge.
  void adopt(Vertex v, std::span<const Near> found) {
    const auto has_room = [&](const Near& near) {
      return near.vertex != v && fixed_.lowest[near.vertex][Links::edges] < fixed_.most_edges(0);
    };
    const auto at = std::find_if(found.begin(), found.end(), has_room);
    const Vertex from = at == found.end() ? found.front().vertex : at->vertex;
    std::vector<Vertex> edges(2 * links_.M);
    edges.resize(fixed_.edges_of(from, 0, edges.data()));
    if (from == v || std::find(edges.begin(), edges.end(), v) != edges.end()) return;
    if (edges.size() == fixed_.most_edges(0)) edges.pop_back();
    edges.push_back(v);
    fixed_.set_edges(from, 0, edges);
  }

  std::shared_ptr<Links> renumbered() const {
    auto links = std::make_shared<Links>(static_cast<const LinksForm&>(links_));
    std::vector<Vertex> number(links_.count, kNoVertex);
    for (std::size_t i = 0; i < links_.count; ++i) {
      if (alive(static_cast<Vertex>(i))) number[i] = static_cast<Vertex>(links->count++);
    }
    links->lowest.grow(links->count);
    links->upper = fixed_.upper;
    links->most = fixed_.most;
    links->top = fixed_.top;
    if (fixed_.entry != kNoVertex) links->entry = number[head_[fixed_.entry]];
    for (std::size_t i = 0; i < links->count; ++i) {
      std::uint32_t* const record = links->lowest.edit(i);
      record[Links::twin] = record[Links::last_twin] = record[Links::above] = kNoVertex;
    }
    for (const Vertex v : links_.apart) {
      if (alive(v)) links->apart.push_back(number[v]);
    }
    for (std::size_t i = 0; i < links_.count; ++i) {
      if (stands(static_cast<Vertex>(i))) renumber(static_cast<Vertex>(i), number, *links);
    }
    return links;
  }

  void renumber(Vertex v, std::span<const Vertex> number, Links& links) const {
    const Vertex head = head_[v];
    std::uint32_t* const record = links.lowest.edit(number[head]);
    std::copy_n(fixed_.lowest[v], fixed_.lowest.words(), record);
    std::vector<Vertex> edges(2 * links_.M);
    for (std::size_t level = 0; level <= fixed_.level_of(v); ++level) {
      const std::size_t n = fixed_.edges_of(v, level, edges.data());
      for (std::size_t i = 0; i < n; ++i) edges[i] = number[head_[edges[i]]];
      links.set_edges(number[head], level, std::span(edges).first(n));
    }
    Vertex last = number[head];
    for (Vertex next = links_.twin_of(head); next != kNoVertex; next = links_.twin_of(next)) {
      if (!alive(next)) continue;
      links.lowest.edit(last)[Links::twin] = number[next];
      record[Links::last_twin] = last = number[next];
    }
  }

  const Codec& codec_;
  const Snapshot& snapshot_;
  const Links& links_;
  Places places_;
  Links fixed_;
  std::vector<Vertex> head_;
};

}  // namespace

std::shared_ptr<Links> live_links(const Codec& codec, const Snapshot& snapshot, const Links& links,
                                  const RunOptions& run) {
  return Repair(codec, snapshot, links).run(run);
}

}  // namespace knear
