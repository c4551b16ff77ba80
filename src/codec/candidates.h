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

// Keeps every row whose lower bound is not above a threshold: the k-th smallest upper bound seen, or, while only a
// share of all rows was seen, a smaller one that the final k-th will probably not exceed. sound() tells in the end
// whether such a guess held. When intervals do not thin the rows out (duplicates, intervals wider than the spread
// of the data), they are ranked, so memory stays O(k).
class Candidates {
 public:
  // `share` is read whenever a threshold is set: what part of a random sample of all rows was pushed so far.
  Candidates(std::size_t query, std::size_t k, const RankFn& rank, const double& share);

  // Rows with a canonical distance above this do not matter.
  double threshold() const noexcept { return threshold_; }
  void push(Slot slot, Interval interval);
  // Do k rows lie within the threshold? If not, a guess was too bold, and rows are missing.
  bool sound() const;
  // The k nearest in (distance, id) order.
  std::vector<Hit> finish();
  std::size_t ranked() const noexcept { return ranked_; }

 private:
  struct Candidate {
    float lower;
    float upper;
    Slot slot;
  };

  std::size_t expected() const;
  float upper_bound_of(std::size_t place);
  void thin();
  void rank_all();
  std::vector<Hit> ranked_hits();

  const RankFn* rank_;
  const double* share_;
  std::size_t query_;
  std::size_t k_;
  std::size_t room_;
  double threshold_;
  bool guessed_ = false;
  std::size_t ranked_ = 0;
  std::vector<Candidate> candidates_;
};

}  // namespace knear
