// One thread's walk over a graph: the rows of a snapshot, the edges between them, and what it has seen.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "codec/walk.h"
#include "graph/links.h"

namespace knear {

struct Near {
  float distance;
  Vertex vertex;
  friend bool operator<(const Near& a, const Near& b) noexcept {
    return a.distance < b.distance || (a.distance == b.distance && a.vertex < b.vertex);
  }
};

class Walk {
 public:
  // `queries`, float32, may have no rows. All outlive it.
  Walk(const Codec& codec, const Snapshot& snapshot, const Places& places, MatrixView queries);

  WalkRow row(const Links& links, Vertex v) const noexcept;
  Slot slot(Vertex v) const noexcept {
    const auto place = places_[v];
    return Snapshot::slot(place.chunk, place.row);
  }
  bool alive(Vertex v) const noexcept {
    const auto place = places_[v];
    return places_.chunk(place.chunk).alive(place.row);
  }
  Id id(Vertex v) const noexcept {
    const auto place = places_[v];
    return places_.chunk(place.chunk).id(place.row);
  }

  bool stand_at_query(std::size_t query) { return walker_->stand_at_query(query); }
  bool stand_at_row(const Links& links, Vertex v) { return walker_->stand_at_row(row(links, v)); }
  void distances(const Links& links, std::span<const Vertex> to, float* out);

  // Since forget_visits().
  bool first_visit(Vertex v) noexcept {
    if (visited_[v] == epoch_) return false;
    visited_[v] = epoch_;
    return true;
  }
  void forget_visits();

  // Goes down from the entry to the level, keeping only the nearest; where it ends.
  Near descend(const Links& links, std::size_t level);
  // The `ef` nearest that a walk on a level finds from there, ascending. Holds until the next call.
  std::span<const Near> nearest(const Links& links, std::size_t level, Near from, std::size_t ef);

  // Those whose edges that walk followed, in turn.
  std::span<const Near> trail() const noexcept { return trail_; }

  std::uint64_t scored() const noexcept { return scored_; }

 private:
  struct Kept {
    Near near;
    bool left;  // were its edges followed?
  };
  std::size_t keep(Near near, std::size_t ef);

  const Snapshot& snapshot_;
  const Places& places_;
  bool wants_depth_;
  std::unique_ptr<Walker> walker_;
  std::vector<WalkRow> rows_;
  std::vector<Vertex> edges_;
  std::vector<float> distances_;
  std::vector<Kept> kept_;
  std::vector<Near> found_;
  std::vector<Near> trail_;
  std::vector<std::uint16_t>& visited_;  // when each vertex was last visited
  std::uint16_t& epoch_;
  std::uint64_t scored_ = 0;
};

}  // namespace knear
