#include "codec/candidates.h"

#include <array>
#include <cmath>
#include <limits>
#include <utility>

#include "core/hit_sort.h"

namespace knear {
namespace {

constexpr auto kInfinity = std::numeric_limits<float>::infinity();
constexpr std::size_t kLeastSlack = 8;  // newcomers before the threshold is set anew
constexpr std::size_t kMostSlack = 32;
constexpr std::size_t kFewMore = 4;  // candidates that are ranked without thinking
constexpr std::size_t kNear = 8;     // bounds may be those of an eighth more than are wanted
constexpr int kSteps = 12;

// Eight of each side by side: compilers keep the order of comparisons otherwise.
std::pair<float, float> range_of(std::span<const float> values) {
  std::array<float, 8> least;
  std::array<float, 8> most;
  least.fill(values[0]);
  most.fill(values[0]);
  std::size_t i = 0;
  for (; i + 8 <= values.size(); i += 8) {
    for (std::size_t j = 0; j < 8; ++j) {
      least[j] = values[i + j] < least[j] ? values[i + j] : least[j];
      most[j] = values[i + j] > most[j] ? values[i + j] : most[j];
    }
  }
  for (; i < values.size(); ++i) {
    least[0] = std::min(least[0], values[i]);
    most[0] = std::max(most[0], values[i]);
  }
  return {*std::min_element(least.begin(), least.end()), *std::max_element(most.begin(), most.end())};
}

std::size_t count_within(std::span<const float> values, float bound) {
  std::uint32_t within = 0;
  for (const float value : values) within += value <= bound ? 1 : 0;
  return within;
}

}  // namespace

Candidates::Candidates(std::size_t query, Common& common)
    : common_(&common),
      query_(query),
      thin_at_(std::min(common.k, kMostSlack) + std::clamp(common.k, kLeastSlack, kMostSlack)),
      threshold_(kInfinity) {}

void Candidates::make_room() { entries_.resize(std::max(thin_at_, 2 * count_)); }

// How many of the k nearest are among the rows seen at the most, but for one query in 50,000 or so.
std::size_t Candidates::expected() const {
  const std::size_t k = common_->k;
  const double mean = static_cast<double>(k) * common_->share;
  const double most = mean + 4.3 * std::sqrt(mean) + 3;
  return most < static_cast<double>(k) ? static_cast<std::size_t>(most) : k;
}

std::span<float> Candidates::uppers() {
  std::vector<float>& uppers = common_->uppers;
  if (uppers.size() < count_) uppers.resize(2 * count_);
  for (std::size_t i = 0; i < count_; ++i) uppers[i] = entries_[i].upper;
  return std::span(uppers).first(count_);
}

float Candidates::upper_bound_of(std::size_t place) {
  const std::span<float> all = uppers();
  const auto nth = all.begin() + static_cast<std::ptrdiff_t>(place);
  std::nth_element(all.begin(), nth, all.end());
  return *nth;
}

// A number with `wanted` upper bounds, or few more, that are not above it: faster than to find the least such number.
float Candidates::bound_for(std::size_t wanted) {
  const std::span<const float> all = uppers();
  auto [low, high] = range_of(all);
  const std::size_t enough = wanted + wanted / kNear;
  for (int step = 0; step < kSteps && high - low < kInfinity; ++step) {
    const float middle = low + (high - low) / 2;
    const std::size_t within = count_within(all, middle);
    (within < wanted ? low : high) = middle;
    if (within >= wanted && within <= enough) break;
  }
  return high;
}

void Candidates::keep_within(double bound) {
  std::size_t kept = 0;
  for (std::size_t i = 0; i < count_; ++i) {
    entries_[kept] = entries_[i];
    kept += entries_[i].lower > bound ? 0 : 1;
  }
  count_ = kept;
}

// From the `wanted` smallest upper bounds.
void Candidates::set_threshold(std::size_t wanted) {
  const double bound = bound_for(wanted);
  if (bound < threshold_) {
    threshold_ = bound;
    guessed_ |= wanted < common_->k;
  }
  keep_within(threshold_);
}

// Brings the `count` candidates that come first in some order to the front.
template <class Before>
void Candidates::to_front(std::size_t count, Before before) {
  const auto at = [&](std::size_t i) { return entries_.begin() + static_cast<std::ptrdiff_t>(i); };
  std::nth_element(at(0), at(count), at(count_), before);
}

// Replaces the intervals of the first `count` by points. Returns how many were none yet.
std::size_t Candidates::rank(std::size_t count) {
  std::vector<Slot>& slots = common_->slots;
  slots.clear();
  for (std::size_t i = 0; i < count; ++i) {
    if (entries_[i].hit.id == kNoId) slots.push_back(entries_[i].slot);
  }
  if (slots.empty()) return 0;
  std::vector<Hit>& hits = common_->hits;
  hits.resize(slots.size());
  common_->rank(query_, slots, hits);
  std::size_t next = 0;
  for (std::size_t i = 0; i < count; ++i) {
    Entry& entry = entries_[i];
    if (entry.hit.id != kNoId) continue;
    entry.hit = hits[next++];
    if (!std::isfinite(entry.hit.distance)) entry.hit.distance = kInfinity;
    entry.lower = float_below(entry.hit.distance);
    entry.upper = float_above(entry.hit.distance);
  }
  ranked_ += next;
  return next;
}

void Candidates::tighten() {
  const std::size_t wanted = expected();
  if (count_ < wanted) return;
  set_threshold(wanted);
  if (count_ <= wanted + wanted / 4 + kFewMore) return;
  to_front(wanted, [](const Entry& a, const Entry& b) { return a.lower < b.lower; });
  if (rank(wanted)) set_threshold(wanted);
}

void Candidates::thin() {
  const std::size_t k = common_->k;
  const std::size_t wanted = common_->share < 1 ? expected() : k;
  if (count_ >= wanted) {
    set_threshold(wanted);
    if (count_ > 4 * k + 4 * kMostSlack) tighten();
    if (count_ > 4 * k + 4 * kMostSlack) keep_k();
  }
  thin_at_ = count_ + std::max(std::clamp(k, kLeastSlack, kMostSlack), count_ / 2);
}

bool Candidates::sound() const {
  if (!guessed_) return true;
  const auto within = std::count_if(entries_.begin(), entries_.begin() + static_cast<std::ptrdiff_t>(count_),
                                    [&](const Entry& entry) { return entry.upper <= threshold_; });
  return static_cast<std::size_t>(within) >= common_->k;
}

// Of more than k.
void Candidates::keep_k() {
  const std::size_t k = common_->k;
  rank(count_);
  to_front(k, [](const Entry& a, const Entry& b) { return a.hit < b.hit; });
  count_ = k;
  set_threshold(k);
}

// Ranks in order of lower bounds, until the next one is above the k-th distance.
std::vector<Hit> Candidates::finish() {
  const std::size_t k = common_->k;
  for (bool ranked = true; ranked && count_ > k + kFewMore;) {
    keep_within(upper_bound_of(k - 1));
    if (count_ <= k + kFewMore) break;
    to_front(k, [](const Entry& a, const Entry& b) { return a.lower < b.lower; });
    ranked = rank(k) != 0;
  }
  if (count_ > k) keep_within(upper_bound_of(k - 1));
  rank(count_);
  std::vector<Hit> hits;
  for (std::size_t i = 0; i < count_; ++i) {
    if (std::isfinite(entries_[i].hit.distance)) hits.push_back(entries_[i].hit);
  }
  keep_nearest(hits, k);
  return hits;
}

// What is nearer, at its farthest, than the k + 1 that may be nearest is among the k nearest. Only what is left is
// ranked.
std::vector<Hit> Candidates::finish_unranked(const SlotTable& table) {
  const std::size_t k = common_->k;
  if (count_ > k) keep_within(upper_bound_of(k - 1));
  if (count_ < k) return finish();
  float safe = kInfinity;
  if (count_ > k) {
    to_front(k, [](const Entry& a, const Entry& b) { return a.lower < b.lower; });
    safe = entries_[k].lower;
  }
  const auto end = entries_.begin() + static_cast<std::ptrdiff_t>(count_);
  const auto open = std::partition(entries_.begin(), end, [&](const Entry& entry) { return !(entry.upper < safe); });
  const auto left = static_cast<std::size_t>(open - entries_.begin());
  rank(left);
  std::vector<Hit> hits;
  for (std::size_t i = 0; i < left; ++i) {
    if (std::isfinite(entries_[i].hit.distance)) hits.push_back(entries_[i].hit);
  }
  const std::size_t missing = k - (count_ - left);
  if (hits.size() < missing) return finish();
  keep_nearest(hits, missing);
  for (auto entry = open; entry != end; ++entry) hits.push_back({entry->upper, table.id(entry->slot)});
  return hits;
}

}  // namespace knear
