#include "codec/candidates.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace knear {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();

// Float32 bounds around float64 ones.
float below(double value) {
  const float rounded = static_cast<float>(value);
  return rounded <= value ? rounded : std::nextafter(rounded, -kInfinity);
}
float above(double value) { return -below(-value); }

}  // namespace

Candidates::Candidates(std::size_t query, std::size_t k, const RankFn& rank)
    : rank_(&rank), query_(query), k_(k), room_(k + std::max<std::size_t>(k, 32)), threshold_(kInfinity) {}

void Candidates::push(Slot slot, Interval interval) {
  if (interval.lower > threshold_) return;
  if (candidates_.size() >= room_) thin();
  candidates_.push_back({below(interval.lower), above(interval.upper), slot});
}

void Candidates::thin() {
  const auto by_upper = [](const Candidate& a, const Candidate& b) { return a.upper < b.upper; };
  std::nth_element(candidates_.begin(), candidates_.begin() + static_cast<std::ptrdiff_t>(k_ - 1), candidates_.end(),
                   by_upper);
  threshold_ = std::min<double>(threshold_, candidates_[k_ - 1].upper);
  std::erase_if(candidates_, [&](const Candidate& c) { return c.lower > threshold_; });
  if (candidates_.size() > k_ + (room_ - k_) / 2) rank_all();
}

// Replaces the intervals by points.
void Candidates::rank_all() {
  std::vector<Slot> slots;
  for (const Candidate& candidate : candidates_) slots.push_back(candidate.slot);
  std::vector<Hit> hits(slots.size());
  (*rank_)(query_, slots, hits);
  ranked_ += slots.size();
  std::vector<std::pair<Hit, Slot>> order;
  for (std::size_t i = 0; i < slots.size(); ++i) {
    if (std::isfinite(hits[i].distance)) order.emplace_back(hits[i], slots[i]);
  }
  const auto nearer = [](const auto& a, const auto& b) { return a.first < b.first; };
  const std::size_t kept = std::min(k_, order.size());
  std::partial_sort(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(kept), order.end(), nearer);
  candidates_.clear();
  for (std::size_t i = 0; i < kept; ++i) {
    const double distance = order[i].first.distance;
    candidates_.push_back({below(distance), above(distance), order[i].second});
  }
  if (kept == k_) threshold_ = std::min<double>(threshold_, candidates_.back().upper);
}

std::vector<Hit> Candidates::finish() {
  if (candidates_.size() > k_) {
    const auto by_upper = [](const Candidate& a, const Candidate& b) { return a.upper < b.upper; };
    std::nth_element(candidates_.begin(), candidates_.begin() + static_cast<std::ptrdiff_t>(k_ - 1), candidates_.end(),
                     by_upper);
    const float last = candidates_[k_ - 1].upper;
    std::erase_if(candidates_, [&](const Candidate& c) { return c.lower > last; });
  }
  std::sort(candidates_.begin(), candidates_.end(),
            [](const Candidate& a, const Candidate& b) { return a.slot < b.slot; });
  std::vector<Hit> hits = ranked_hits();
  std::erase_if(hits, [](const Hit& hit) { return !std::isfinite(hit.distance); });
  const std::size_t kept = std::min(k_, hits.size());
  std::partial_sort(hits.begin(), hits.begin() + static_cast<std::ptrdiff_t>(kept), hits.end());
  hits.resize(kept);
  return hits;
}

std::vector<Hit> Candidates::ranked_hits() {
  std::vector<Slot> slots;
  slots.reserve(candidates_.size());
  for (const Candidate& candidate : candidates_) slots.push_back(candidate.slot);
  std::vector<Hit> hits(slots.size());
  if (!slots.empty()) (*rank_)(query_, slots, hits);
  ranked_ += slots.size();
  return hits;
}

}  // namespace knear
