// Collectors of hits: the k nearest, or all within a radius. One thread, one query.
#pragma once

#include <algorithm>
#include <cstddef>
#include <limits>
#include <span>
#include <utility>
#include <vector>

#include "core/hit_sort.h"
#include "knear/hit.h"

namespace knear {

// The k smallest hits of all that are pushed, by (distance, id): the same set in whatever order they come.
// NaN never enters. Memory grows with what is kept, so k may be far larger than the number of hits.
//
// Small k: a heap with the worst hit on top. Large k: a reservoir of up to 2k hits, cut back to k when full,
// which costs a constant time per hit instead of log k.
class TopK {
 public:
  static constexpr std::size_t kLargestHeap = 64;

  explicit TopK(std::size_t k) : k_(k), full_at_(k <= kLargestHeap ? k : 2 * std::min(k, kMaxK)) { reset(); }

  std::size_t k() const noexcept { return k_; }

  // Hits with a larger distance do not matter. Equal ones may, by their id.
  double threshold() const noexcept { return std::min(worst_.distance, limit_); }
  // Nothing farther is asked for, although it may come.
  void limit(double distance) noexcept { limit_ = distance; }

  void push(double distance, Id id) {
    const Hit hit{distance, id};
    if (hit < worst_ || (room_ && distance == distance)) enter(hit);
  }

  // Takes the hits out, nearest first. The collector is empty afterwards, ready for another query.
  std::vector<Hit> sorted() {
    keep_nearest(hits_, k_);
    reset();
    return std::exchange(hits_, {});
  }

 private:
  static constexpr std::size_t kMaxK = std::numeric_limits<std::size_t>::max() / 2;
  static constexpr double kInfinity = std::numeric_limits<double>::infinity();

  void enter(Hit hit) {
    if (k_ <= kLargestHeap && !room_) {
      replace_worst(hit);
      return;
    }
    hits_.push_back(hit);
    if (hits_.size() < full_at_) return;
    if (k_ <= kLargestHeap)
      std::make_heap(hits_.begin(), hits_.end());
    else
      keep_best();
    worst_ = k_ <= kLargestHeap ? hits_.front() : hits_.back();
    room_ = false;
  }

  // Puts `hit` into the place of the heap's top and sifts it down.
  void replace_worst(Hit hit) noexcept {
    const std::size_t n = hits_.size();
    std::size_t hole = 0;
    for (std::size_t child = 1; child < n; child = 2 * hole + 1) {
      if (child + 1 < n && hits_[child] < hits_[child + 1]) ++child;
      if (!(hit < hits_[child])) break;
      hits_[hole] = hits_[child];
      hole = child;
    }
    hits_[hole] = hit;
    worst_ = hits_.front();
  }

  // Cuts a reservoir back to its k best; the last one is the worst of them.
  void keep_best() {
    std::nth_element(hits_.begin(), hits_.begin() + static_cast<std::ptrdiff_t>(k_ - 1), hits_.end());
    hits_.resize(k_);
  }

  void reset() noexcept {
    room_ = k_ > 0;
    limit_ = kInfinity;
    worst_ = room_ ? Hit{kInfinity, std::numeric_limits<Id>::max()} : Hit{-kInfinity, std::numeric_limits<Id>::min()};
  }

  std::size_t k_;
  std::size_t full_at_;    // a heap or a reservoir of this many hits is full
  std::vector<Hit> hits_;  // a heap once k small hits are there
  Hit worst_;              // without room, only hits below it enter
  bool room_;              // not yet full for the first time
  double limit_;
};

// All hits with distance < radius.
class RangeHits {
 public:
  explicit RangeHits(double radius) : radius_(radius) {}

  double threshold() const noexcept { return radius_; }
  void limit(double distance) noexcept { radius_ = std::min(radius_, distance); }

  void push(double distance, Id id) {
    if (distance < radius_) hits_.push_back({distance, id});
  }

  // Takes the hits out, nearest first.
  std::vector<Hit> sorted() {
    sort_hits(hits_);
    return std::exchange(hits_, {});
  }

 private:
  double radius_;
  std::vector<Hit> hits_;
};

inline constexpr std::size_t kAllHits = std::numeric_limits<std::size_t>::max();

// The `most` first hits of several ascending lists taken together, ascending.
std::vector<Hit> merge_hits(std::span<const std::vector<Hit>> lists, std::size_t most = kAllHits);

}  // namespace knear
