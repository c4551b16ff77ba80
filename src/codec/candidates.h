// The rows that may be among a query's k nearest, as far as their distance intervals tell.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <functional>
#include <limits>
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
  // What the candidates of all queries of a scan have in common.
  struct Common {
    std::size_t k;
    RankFn rank;
    double share = 1;           // of a random sample of all rows: how much was pushed so far
    std::vector<float> uppers;  // scratch, as the next
    std::vector<Slot> slots;
    std::vector<Hit> hits;
  };

  Candidates(std::size_t query, Common& common);

  // Rows with a canonical distance above this do not matter.
  double threshold() const noexcept { return threshold_; }
  void limit(double threshold) noexcept { threshold_ = std::min(threshold_, threshold); }

  void push(Slot slot, Interval interval) {
    if (interval.lower > threshold_) return;
    if (count_ == entries_.size()) make_room();
    Entry& entry = entries_[count_++];
    entry.lower = below(interval.lower);
    entry.upper = -below(-interval.upper);
    entry.slot = slot;
    entry.hit.id = kNoId;
    if (count_ >= thin_at_) thin();
  }

  // Sets the threshold as low as ranking a few candidates allows, where intervals are wide.
  void tighten();
  // Do k rows lie within the threshold? If not, a guess was too bold, and rows are missing.
  bool sound() const;
  // The k nearest in (distance, id) order.
  std::vector<Hit> finish();
  // The same in any order and, if they are k, with distances that are only near.
  std::vector<Hit> finish_unranked(const SlotTable& table);
  std::size_t ranked() const noexcept { return ranked_; }

 private:
  struct Entry {
    float lower;
    float upper;
    Slot slot;
    Hit hit;  // kNoId: not ranked yet
  };

  // As float_below(), in fewer steps, if a little lower.
  static float below(double value) {
    constexpr float most = std::numeric_limits<float>::max();
    const auto rounded = static_cast<float>(value);
    return rounded <= most ? rounded - (std::abs(rounded) * 0x1p-22f + std::numeric_limits<float>::denorm_min()) : most;
  }

  std::size_t expected() const;
  std::span<float> uppers();
  float upper_bound_of(std::size_t place);
  float bound_for(std::size_t wanted);
  void keep_within(double bound);
  void set_threshold(std::size_t wanted);
  template <class Before>
  void to_front(std::size_t count, Before before);
  std::size_t rank(std::size_t count);
  void make_room();
  void thin();
  void keep_k();

  Common* common_;
  std::size_t query_;
  std::size_t thin_at_;
  double threshold_;
  bool guessed_ = false;
  std::size_t ranked_ = 0;
  std::size_t count_ = 0;  // of the entries, which are the room for them
  std::vector<Entry> entries_;
};

}  // namespace knear
