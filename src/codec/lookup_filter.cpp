#include "codec/lookup_filter.h"

#include <cmath>
#include <limits>

namespace knear {
namespace {

constexpr std::size_t kMostGroups = 128;
constexpr std::size_t kCodeBytes = 16 << 10;  // that many queries pass over: they stay in the first-level cache

// A bound this much below the target is worth finer steps.
constexpr double kCoarse = 0.75;
constexpr double kMostSum = 1e36;
constexpr double kMostScale = 1e30;
// By how much a rounded byte may exceed its number of steps, and a sum of them its own.
constexpr double kAbove = 1 + 0x1p-21;

// More planes than one run has are cut into short ones, which allow fine steps: rounded down, M numbers lose M / 2 of
// them. Each run should seldom overflow before all together reach the bound.
constexpr double kTargetOfPlane = 42;

double target_for(std::size_t planes) {
  return planes <= kernels::kLookupPlanes ? 254 : std::min(60000.0, kTargetOfPlane * static_cast<double>(planes));
}

std::size_t groups_for(std::size_t queries, std::size_t planes) {
  return queries < 4 ? kMostGroups : std::clamp<std::size_t>(kCodeBytes / (kGroupRows * planes), 8, kMostGroups);
}

}  // namespace

LookupFilter::LookupFilter(const ProductQuantizer& quantizer, Metric::Kind metric, MatrixView queries)
    : kernels_(kernels::table()),
      tables_(quantizer, metric, queries),
      planes_(quantizer.code_bytes()),
      target_(target_for(planes_)),
      groups_at_once_(groups_for(queries.rows(), planes_)),
      thresholds_(queries.rows(), std::numeric_limits<double>::quiet_NaN()),
      scales_(queries.rows()),
      scaled_(tables_.size()),
      bytes_(queries.rows() * tables_.size()),
      bounds_(queries.rows(), 1),
      hits_(std::make_unique_for_overwrite<kernels::LookupHit[]>(queries.rows() * groups_at_once_)) {}

// Brings a query's bytes and bound up to date with its threshold. All bytes zero and the bound one let all rows pass.
void LookupFilter::follow(std::size_t q, double threshold) {
  if (thresholds_[q] == threshold) return;
  thresholds_[q] = threshold;
  const double most = tables_.most(q, threshold);
  if (most < 0) {
    bounds_[q] = 0;
    return;
  }
  const double now = scales_[q] * most * kAbove;
  if (!(now >= kCoarse * target_ && now < target_ + 1)) {
    scales_[q] = most < kMostSum ? static_cast<float>(std::min(target_ / most, kMostScale)) : 0.0f;
    round_tables(q);
  }
  bounds_[q] = scales_[q] > 0 ? static_cast<std::uint16_t>(scales_[q] * most * kAbove) + 1 : 1;
}

// Down to whole steps: a half less, then to the nearest.
void LookupFilter::round_tables(std::size_t q) {
  const float* table = tables_.of(q);
  const float scale = scales_[q];
  for (std::size_t i = 0; i < tables_.size(); ++i) scaled_[i] = table[i] * scale - 0.5f;
  kernels_.u8_from_f32(scaled_.data(), tables_.size(), bytes_.data() + q * tables_.size());
}

std::size_t LookupFilter::look_up(const CodeBlock& block, std::size_t first, std::size_t count) {
  const kernels::LookupJob job{block.group(first), block.stride,   count,          planes_,
                               bytes_.data(),      bounds_.data(), bounds_.size(), hits_.get()};
  return kernels_.lookup(&job);
}

void LookupFilter::sum_rows(std::size_t q, const Byte* group, std::uint32_t rows, float* sums) const {
  if (static_cast<std::size_t>(std::popcount(rows)) >= kernels_.lookup_sums_from) {
    return kernels_.lookup_sums(group, planes_, tables_.of(q), rows, sums);
  }
  for (; rows != 0; rows &= rows - 1) {
    const auto lane = static_cast<std::size_t>(std::countr_zero(rows));
    sums[lane] = sum(q, group + lane);
  }
}

// Of the row whose first byte this is. Two planes side by side, since additions wait for each other.
float LookupFilter::sum(std::size_t q, const Byte* lane) const {
  const float* table = tables_.of(q);
  float a = 0, b = 0, c = 0, d = 0;
  std::size_t p = 0;
  for (; p + 2 <= planes_; p += 2, lane += 2 * kGroupRows, table += 64) {
    const Byte first = lane[0];
    const Byte second = lane[kGroupRows];
    a += table[first & 15];
    b += table[16 + (first >> 4)];
    c += table[32 + (second & 15)];
    d += table[48 + (second >> 4)];
  }
  if (p < planes_) {
    a += table[*lane & 15];
    b += table[16 + (*lane >> 4)];
  }
  return a + b + (c + d);
}

}  // namespace knear
