#include "codec/candidates.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace knear {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr std::size_t kLeastRoom = 32;

// Float32 bounds around float64 ones.
float below(double value) {
  const float rounded = static_cast<float>(value);
  return rounded <= value ? rounded : std::nextafter(rounded, -kInfinity);
}
float above(double value) { return -below(-value); }

}  // namespace

Candidates::Candidates(std::size_t query, std::size_t k, const RankFn& rank, const double& share)
    : rank_(&rank),
      share_(&share),
      query_(query),
      k_(k),
      room_(kLeastRoom + std::min(k, kLeastRoom)),
      threshold_(kInfinity) {}

void Candidates::push(Slot slot, Interval interval) {
  if (interval.lower > threshold_) return;
  if (candidates_.size() >= room_) thin();
  candidates_.push_back({below(interval.lower), above(interval.upper), slot});
}

// How many of the k nearest should be among the rows seen, and five standard deviations more.
std::size_t Candidates::expected() const {
  const double mean = static_cast<double>(k_) * *share_;
  const double most = mean + 5 * std::sqrt(mean) + 5;
  return most < static_cast<double>(k_) ? static_cast<std::size_t>(most) : k_;
}

float Candidates::upper_bound_of(std::size_t place) {
  const auto by_upper = [](const Candidate& a, const Candidate& b) { return a.upper < b.upper; };
  const auto nth = candidates_.begin() + static_cast<std::ptrdiff_t>(place);
  std::nth_element(candidates_.begin(), nth, candidates_.end(), by_upper);
  return nth->upper;
}

void Candidates::thin() {
  const std::size_t wanted = *share_ < 1 ? expected() : k_;
  if (candidates_.size() >= wanted) {
    const double bound = upper_bound_of(wanted - 1);
    if (bound < threshold_) {
      threshold_ = bound;
      guessed_ |= wanted < k_;
    }
    std::erase_if(candidates_, [&](const Candidate& c) { return c.lower > threshold_; });
    if (candidates_.size() > 2 * k_ + kLeastRoom) rank_all();
  }
  room_ = candidates_.size() + std::max(kLeastRoom, candidates_.size() / 2);
}

bool Candidates::sound() const {
  if (!guessed_) return true;
  const auto within =
      std::count_if(candidates_.begin(), candidates_.end(), [&](const Candidate& c) { return c.upper <= threshold_; });
  return static_cast<std::size_t>(within) >= k_;
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
    const float last = upper_bound_of(k_ - 1);
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
