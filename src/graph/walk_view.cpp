#include "graph/walk_view.h"

namespace knear {
namespace {

// Reused from call to call: clearing it would cost more than a search.
struct Visits {
  std::vector<std::uint16_t> when;
  std::uint16_t now = 0;
};

Visits& visits_of_thread() {
  thread_local Visits visits;
  return visits;
}

}  // namespace

Walk::Walk(const Codec& codec, const Snapshot& snapshot, const Places& places, MatrixView queries)
    : snapshot_(snapshot),
      places_(places),
      wants_depth_(codec.metric() == Metric::inner_product),
      walker_(make_walker(codec, snapshot, snapshot.shadow.get(), queries)),
      visited_(visits_of_thread().when),
      epoch_(visits_of_thread().now) {
  if (visited_.size() < places.count()) visited_.resize(places.count());
}

WalkRow Walk::row(const Links& links, Vertex v) const noexcept {
  const auto place = places_[v];
  const Chunk& chunk = places_.chunk(place.chunk);
  return {Snapshot::slot(place.chunk, place.row),
          chunk.shadows ? chunk.shadows + place.row * snapshot_.shadow_bytes() : nullptr,
          wants_depth_ ? links.depth_of(v) : 0};
}

void Walk::distances(const Links& links, std::span<const Vertex> to, float* out) {
  rows_.clear();
  for (const Vertex v : to) {
    rows_.push_back(row(links, v));
    walker_->fetch(rows_.back());
  }
  walker_->distances(rows_, out);
  scored_ += to.size();
}

void Walk::forget_visits() {
  if (++epoch_ != 0) return;
  std::fill(visited_.begin(), visited_.end(), std::uint16_t{0});
  epoch_ = 1;
}

Near Walk::descend(const Links& links, std::size_t level) {
  Near best{0, links.entry};
  distances(links, std::span(&best.vertex, 1), &best.distance);
  edges_.resize(2 * links.M);
  distances_.resize(2 * links.M);
  for (std::size_t at = links.top; at > level; --at) {
    for (bool nearer = true; nearer;) {
      nearer = false;
      const std::size_t n = links.edges_of(best.vertex, at, edges_.data());
      distances(links, std::span(edges_).first(n), distances_.data());
      for (std::size_t i = 0; i < n; ++i) {
        const Near other{distances_[i], edges_[i]};
        if (!(other < best)) continue;
        best = other;
        nearer = true;
      }
    }
  }
  return best;
}

// Its place among the kept, or ef when it is too far.
std::size_t Walk::keep(Near near, std::size_t ef) {
  if (kept_.size() == ef) {
    if (!(near < kept_.back().near)) return ef;
    kept_.pop_back();
  }
  const auto at = std::lower_bound(kept_.begin(), kept_.end(), near,
                                   [](const Kept& kept, const Near& wanted) { return kept.near < wanted; });
  const auto place = static_cast<std::size_t>(at - kept_.begin());
  kept_.insert(at, {near, false});
  return place;
}

std::span<const Near> Walk::nearest(const Links& links, std::size_t level, Near from, std::size_t ef) {
  forget_visits();
  edges_.resize(2 * links.M);
  distances_.resize(2 * links.M);
  trail_.clear();
  kept_.clear();
  kept_.push_back({from, false});
  first_visit(from.vertex);
  for (std::size_t next = 0; next < kept_.size();) {
    if (kept_[next].left) {
      ++next;
      continue;
    }
    kept_[next].left = true;
    trail_.push_back(kept_[next].near);
    const std::size_t n = links.edges_of(kept_[next].near.vertex, level, edges_.data());
    std::size_t fresh = 0;
    for (std::size_t i = 0; i < n; ++i) {
      if (first_visit(edges_[i])) edges_[fresh++] = edges_[i];
    }
    distances(links, std::span(edges_).first(fresh), distances_.data());
    std::size_t back_to = next + 1;
    for (std::size_t i = 0; i < fresh; ++i) back_to = std::min(back_to, keep({distances_[i], edges_[i]}, ef));
    next = back_to;
  }
  found_.clear();
  for (const Kept& kept : kept_) found_.push_back(kept.near);
  return found_;
}

}  // namespace knear
