// The near rows of each of many, without a search for each.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "graph/walk_view.h"
#include "knear/parallel.h"

namespace knear {

// Rows that are compared with each other: those of `vertices`, ascending. Of `links` the depths count.
struct RowsToJoin {
  const Codec& codec;
  const Snapshot& snapshot;
  const Places& places;
  const Links& links;
  std::span<const Vertex> vertices;
};

// k rows near to each vertex, ascending, by its number; of no meaning where that is none of the vertices.
struct NearLists {
  std::size_t k = 0;
  std::vector<Near> all;

  std::span<const Near> of(Vertex v) const noexcept { return std::span(all).subspan(v * k, k); }
};

// NN-descent (Dong, Charikar, Li, WWW 2011): near rows of near rows are tried until few are nearer than those known. As
// each row changes its own list only, threads change nothing. k gets at most the number of other rows. Few rows are all
// compared.
NearLists near_rows(const RowsToJoin& rows, std::size_t k, std::uint64_t seed, const RunOptions& run);

}  // namespace knear
