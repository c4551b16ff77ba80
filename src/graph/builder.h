// Puts rows into a graph, batch by batch: the same graph for any number of threads.
#pragma once

#include <cstddef>
#include <span>
#include <tuple>
#include <vector>

#include "core/parallel_for.h"
#include "graph/walk_view.h"
#include "knear/graph.h"

namespace knear {

class Builder {
 public:
  // Changes `links`, which no walk sees yet, and records that it shares with others, of which it keeps the old words.
  Builder(const Codec& codec, const Snapshot& snapshot, Links& links, std::size_t ef);

  // All rows of the snapshot that are no vertices yet.
  void insert_rest(const RunOptions& run);
  // After insertions: makes sure now and then that a walk may get everywhere.
  void keep_reachable();
  // All rows at once, of which none is a vertex yet, in a graph of one level.
  void build(const GraphOptions& options, const RunOptions& run);

 private:
  // What a row of a batch is to become.
  struct Picked {
    std::vector<std::vector<Vertex>> edges;  // by level
    Vertex same = kNoVertex;                 // the row whose place it shares
    bool apart = false;
  };
  // An edge to be, back to a row of the batch.
  struct Back {
    std::size_t level;
    Vertex at;
    Vertex to;
    friend bool operator<(const Back& a, const Back& b) noexcept {
      return std::tie(a.level, a.at, a.to) < std::tie(b.level, b.at, b.to);
    }
  };

  void find_depths(std::size_t first, const RunOptions& run);
  std::vector<Vertex> same_in_batch(Vertex first, std::size_t count) const;
  void pick(Walk& walk, Vertex v, Picked& picked) const;
  Vertex same_among(Vertex v, std::span<const Near> found) const;
  bool same_code(Vertex a, Vertex b) const;
  void insert_batch(Vertex first, std::size_t count, const RunOptions& run);
  void place(Vertex v, const Picked& picked, std::vector<Back>& back);
  void join(Vertex v, Vertex same);
  void link_back(std::vector<Back>& back, const RunOptions& run);
  void link_back(Walk& walk, std::span<const Back> group);
  void keep_old(Vertex v, std::size_t level);

  // Of keep_reachable() and build(), in bulk_builder.cpp.
  void lead_everywhere();
  void start_from_near_rows(const GraphOptions& options, const RunOptions& run);
  void settle(const RunOptions& run);
  void choose_again(std::span<const Vertex> rows, const RunOptions& run);
  std::vector<Vertex> choose_again(Walk& walk, Vertex v) const;
  void link_all_back(std::span<const Vertex> rows, const RunOptions& run);
  std::vector<double> mean_row(std::span<const Vertex> rows, const RunOptions& run) const;
  Vertex middle(std::span<const Vertex> rows, const RunOptions& run) const;

  const Codec& codec_;
  const Snapshot& snapshot_;
  Links& links_;
  Places places_;
  std::size_t ef_;
  std::size_t old_;        // vertices that were there before
  std::size_t old_upper_;  // records of theirs
};

// Of rows near `v`, ascending, those that are nearer to it than to one chosen before; up to `most`. The walk stands
// elsewhere afterwards.
std::vector<Vertex> choose_edges(Walk& walk, const Links& links, std::span<const Near> found, std::size_t most);

}  // namespace knear
