#include "codec/candidates.h"

#include <cmath>
#include <limits>

#include "core/hit_sort.h"

namespace knear {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr std::size_t kLeastSlack = 8;  // newcomers before the threshold is set anew
constexpr std::size_t kMostSlack = 32;

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
    slots_[kept] = slots_[i];
    kept += lower_[i] > bound ? 0 : 1;
  }
  count_ = kept;
}

void Candidates::thin() {
  const std::size_t k = common_->k;
  const std::size_t wanted = common_->share < 1 ? expected() : k;
  if (count_ >= wanted) {
    const double bound = upper_bound_of(wanted - 1);
    if (bound < threshold_) {
      threshold_ = bound;
      guessed_ |= wanted < k;
    }
    keep_within(threshold_);
    if (count_ > 2 * k + kMostSlack) rank_all();
  }
  thin_at_ = count_ + std::max(std::clamp(k, kLeastSlack, kMostSlack), count_ / 2);
}

bool Candidates::sound() const {
  if (!guessed_) return true;
  const auto within = std::count_if(upper_.begin(), upper_.begin() + static_cast<std::ptrdiff_t>(count_),
                                    [&](float upper) { return upper <= threshold_; });
  return static_cast<std::size_t>(within) >= common_->k;
}

// Replaces the intervals by points, and keeps the k nearest.
void Candidates::rank_all() {
  const std::vector<Hit> hits = ranked_hits();
  std::vector<std::pair<Hit, Slot>> order;
  for (std::size_t i = 0; i < hits.size(); ++i) {
    if (std::isfinite(hits[i].distance)) order.emplace_back(hits[i], slots_[i]);
  }
  const auto nearer = [](const auto& a, const auto& b) { return a.first < b.first; };
  const std::size_t k = common_->k;
  if (order.size() > k) {
    std::nth_element(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(k), order.end(), nearer);
    order.resize(k);
  }
  count_ = 0;
  for (const auto& [hit, slot] : order) {
    lower_[count_] = float_below(hit.distance);
    upper_[count_] = float_above(hit.distance);
    slots_[count_++] = slot;
  }
  if (count_ == k) threshold_ = std::min<double>(threshold_, upper_bound_of(k - 1));
}

std::vector<Hit> Candidates::finish() {
  if (count_ > common_->k) keep_within(upper_bound_of(common_->k - 1));
  std::vector<Hit> hits = ranked_hits();
  std::erase_if(hits, [](const Hit& hit) { return !std::isfinite(hit.distance); });
  keep_nearest(hits, common_->k);
  return hits;
}

std::vector<Hit> Candidates::ranked_hits() {
  std::vector<Hit> hits(count_);
  if (count_ != 0) common_->rank(query_, std::span(slots_).first(count_), hits);
  ranked_ += count_;
  return hits;
}

}  // namespace knear
