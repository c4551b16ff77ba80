// The rows that may be among a query's k nearest, as far as their distance intervals tell.
#pragma once

#include <cstddef>
#include <functional>
#include <span>
#include <vector>

#include "codec/filter_bound.h"
#include "knear/codec.h"

namespace knear {

// Ranks slots by the canonical distance: fills hits[i] for slots[i]. A NaN distance means "never a result".
using RankFn = std::function<void(std::size_t query, std::span<const Slot> slots, std::span<Hit> hits)>;

// Keeps every row whose lower bound is not above the k-th smallest upper bound seen. When that does not thin
// them out (duplicates, intervals wider than the spread of the data), it ranks them, so memory stays O(k).
class Candidates {
 public:
  Candidates(std::size_t query, std::size_t k, const RankFn& rank);

  // No row with a canonical distance above this can be a result.
  double threshold() const noexcept { return threshold_; }
  void push(Slot slot, Interval interval);
  // The k nearest in (distance, id) order.
  std::vector<Hit> finish();
  std::size_t ranked() const noexcept { return ranked_; }

 private:
  struct Candidate {
    float lower;
    float upper;
    Slot slot;
  };

  void thin();
  void rank_all();
  std::vector<Hit> ranked_hits();

  const RankFn* rank_;
  std::size_t query_;
  std::size_t k_;
  std::size_t room_;
  double threshold_;
  std::size_t ranked_ = 0;
  std::vector<Candidate> candidates_;
};

}  // namespace knear
