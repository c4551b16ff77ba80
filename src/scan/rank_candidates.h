// Distances to rows that are known by id: what a search over finer codes looks at.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "knear/codec.h"
#include "knear/parallel.h"

namespace knear {

class CodeStore;

// Among which rows each query looks, and how many it wants.
struct RankWanted {
  std::span<const std::vector<Id>> candidates;
  std::size_t k = 0;
};

// hits[q] = query q's nearest candidates, ascending. See Index::rank.
void rank_candidates(const Codec& codec, const CodeStore& store, MatrixView queries, RankWanted wanted,
                     const RunOptions& options, std::span<std::vector<Hit>> hits);

}  // namespace knear
