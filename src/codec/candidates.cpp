#include "codec/candidates.h"

#include <cmath>
#include <limits>
#include <numeric>

#include "core/hit_sort.h"

namespace knear {
namespace {

constexpr auto kInfinity = std::numeric_limits<float>::infinity();
constexpr std::size_t kLeastSlack = 8;  // newcomers before the threshold is set anew
constexpr std::size_t kMostSlack = 32;
constexpr std::size_t kFewMore = 4;  // candidates that are ranked without thinking

}  // namespace

Candidates::Candidates(std::size_t query, Common& common)
    : common_(&common),
      query_(query),
      thin_at_(std::min(common.k, kMostSlack) + std::clamp(common.k, kLeastSlack, kMostSlack)),
      threshold_(kInfinity) {}

void Candidates::make_room() {
  const std::size_t room = std::max(thin_at_, 2 * count_);
  lower_.resize(room);
  upper_.resize(room);
  hits_.resize(room);
  slots_.resize(room);
}

// How many of the k nearest should be among the rows seen, and five standard deviations more.
std::size_t Candidates::expected() const {
  const std::size_t k = common_->k;
  const double mean = static_cast<double>(k) * common_->share;
  const double most = mean + 5 * std::sqrt(mean) + 5;
  return most < static_cast<double>(k) ? static_cast<std::size_t>(most) : k;
}

float Candidates::upper_bound_of(std::size_t place) {
  std::vector<float>& uppers = common_->uppers;
  uppers.assign(upper_.begin(), upper_.begin() + static_cast<std::ptrdiff_t>(count_));
  const auto nth = uppers.begin() + static_cast<std::ptrdiff_t>(place);
  std::nth_element(uppers.begin(), nth, uppers.end());
  return *nth;
}

void Candidates::keep_within(double bound) {
  std::size_t kept = 0;
  for (std::size_t i = 0; i < count_; ++i) {
    lower_[kept] = lower_[i];
    upper_[kept] = upper_[i];
    hits_[kept] = hits_[i];
    slots_[kept] = slots_[i];
    kept += lower_[i] > bound ? 0 : 1;
  }
  count_ = kept;
}

// From the `wanted` smallest upper bounds.
void Candidates::set_threshold(std::size_t wanted) {
  const double bound = upper_bound_of(wanted - 1);
  if (bound < threshold_) {
    threshold_ = bound;
    guessed_ |= wanted < common_->k;
  }
  keep_within(threshold_);
}

// Brings `count` candidates that come first in some order to the front.
template <class Before>
void Candidates::to_front(std::size_t count, Before before) {
  std::vector<std::size_t>& order = common_->order;
  order.resize(count_);
  std::iota(order.begin(), order.end(), std::size_t{0});
  const auto nth = order.begin() + static_cast<std::ptrdiff_t>(count);
  std::nth_element(order.begin(), nth, order.end(), before);
  std::sort(order.begin(), nth);
  for (std::size_t i = 0; i < count; ++i) {
    std::swap(lower_[i], lower_[order[i]]);
    std::swap(upper_[i], upper_[order[i]]);
    std::swap(hits_[i], hits_[order[i]]);
    std::swap(slots_[i], slots_[order[i]]);
  }
}

// Replaces the intervals of the first `count` by points. Returns how many were none yet.
std::size_t Candidates::rank(std::size_t count) {
  std::vector<std::size_t>& places = common_->order;
  places.clear();
  for (std::size_t i = 0; i < count; ++i) {
    if (hits_[i].id == kNoId) places.push_back(i);
  }
  std::vector<Slot> slots;
  for (const std::size_t place : places) slots.push_back(slots_[place]);
  std::vector<Hit> hits(slots.size());
  if (!slots.empty()) common_->rank(query_, slots, hits);
  for (std::size_t i = 0; i < places.size(); ++i) {
    const double distance = std::isfinite(hits[i].distance) ? hits[i].distance : kInfinity;
    hits_[places[i]] = {distance, hits[i].id};
    lower_[places[i]] = float_below(distance);
    upper_[places[i]] = float_above(distance);
  }
  ranked_ += places.size();
  return places.size();
}

void Candidates::tighten() {
  const std::size_t wanted = expected();
  if (count_ < wanted) return;
  set_threshold(wanted);
  if (count_ <= wanted + wanted / 4 + kFewMore) return;
  to_front(wanted, [&](std::size_t a, std::size_t b) { return lower_[a] < lower_[b]; });
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
  const auto within = std::count_if(upper_.begin(), upper_.begin() + static_cast<std::ptrdiff_t>(count_),
                                    [&](float upper) { return upper <= threshold_; });
  return static_cast<std::size_t>(within) >= common_->k;
}

// Of more than k.
void Candidates::keep_k() {
  const std::size_t k = common_->k;
  rank(count_);
  to_front(k, [&](std::size_t a, std::size_t b) { return hits_[a] < hits_[b]; });
  count_ = k;
  set_threshold(k);
}

// Ranks in order of lower bounds, until the next one is above the k-th distance.
std::vector<Hit> Candidates::finish() {
  const std::size_t k = common_->k;
  for (bool ranked = true; ranked && count_ > k + kFewMore;) {
    keep_within(upper_bound_of(k - 1));
    if (count_ <= k + kFewMore) break;
    to_front(k, [&](std::size_t a, std::size_t b) { return lower_[a] < lower_[b]; });
    ranked = rank(k) != 0;
  }
  if (count_ > k) keep_within(upper_bound_of(k - 1));
  rank(count_);
  std::vector<Hit> hits(hits_.begin(), hits_.begin() + static_cast<std::ptrdiff_t>(count_));
  std::erase_if(hits, [](const Hit& hit) { return !std::isfinite(hit.distance); });
  keep_nearest(hits, k);
  return hits;
}

}  // namespace knear
