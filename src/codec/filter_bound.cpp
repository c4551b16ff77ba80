#include "codec/filter_bound.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "kernels/table.h"

namespace knear {
namespace {

constexpr double kUnit = 0x1p-24;  // rounding of one float32 operation
constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
// Below this, a float32 squared length may have lost its digits to underflow.
constexpr double kSmallNorm = 0x1p-100;

}  // namespace

FilterBound::FilterBound(Metric::Kind metric, std::size_t dim)
    : metric_(metric), root_dim_(std::sqrt(static_cast<double>(dim))) {
  const std::size_t blocks = (dim + kernels::kTileDepth - 1) / kernels::kTileDepth;
  const auto depth = static_cast<double>(std::min(dim, kernels::kTileDepth) + blocks + 2);
  error_ = depth * kUnit * 1.001;
  tiny_ = static_cast<double>(dim) * 0x1p-147;
  query_error_ = error_ + 4 * kUnit;
  row_error_ = 2 * error_ + 4 * kUnit;
}

double FilterBound::length_above(float row_norm) const { return std::sqrt(row_norm * (1 + error_) + tiny_); }

double FilterBound::scale(const Query& query) const {
  if (metric_ == Metric::l2) return -2;
  if (metric_ == Metric::inner_product) return -1;
  return query.length > 0 ? -1 / query.length : 0;
}

// All in float32, so that loops become vectors; the margins have room for these roundings.
void FilterBound::row_biases(const float* norms, std::size_t n, float* biases) const {
  if (metric_ == Metric::l2) {
    const float least = float_below(1 - 2 * error_ - 10 * kUnit);
    for (std::size_t i = 0; i < n; ++i) biases[i] = norms[i] < kSafeNorm ? norms[i] * least : kNan;
  } else if (metric_ == Metric::inner_product) {
    const float most = float_above(1 + error_ + 8 * kUnit);
    const float tiny = float_above(4 * tiny_);
    for (std::size_t i = 0; i < n; ++i) biases[i] = norms[i] < kSafeNorm ? std::sqrt(norms[i] * most + tiny) : kNan;
  } else {
    const auto small = static_cast<float>(kSmallNorm);
    for (std::size_t i = 0; i < n; ++i)
      biases[i] = norms[i] >= small && norms[i] < kSafeNorm ? std::sqrt(norms[i]) : kNan;
  }
}

float FilterBound::query_bias(const Query& query, double threshold) const {
  if (metric_ == Metric::cosine) {
    const double nearest = std::clamp(threshold, -1.01, 1.01);
    return threshold == kInfinity ? -std::numeric_limits<float>::infinity()
                                  : float_below(-nearest - 2 * error_ - 14 * kUnit);
  }
  if (!safe(query.norm)) return kNan;
  return metric_ == Metric::l2 ? 1.0f : float_below(-(error_ + 8 * kUnit) * query.length);
}

float FilterBound::limit(const Query& query, double threshold) const {
  if (metric_ == Metric::cosine) return float_above(2 * tiny_);
  if (metric_ == Metric::inner_product) return float_above(threshold + 2 * tiny_);
  return float_above(threshold - query.norm * (1 - error_ - 8 * kUnit) + 4 * tiny_);
}

Interval FilterBound::similarity_from_tile(const Query& query, float row_norm, float dot) const {
  if (metric_ == Metric::cosine) {
    return around_cosine(query, row_norm, dot / std::sqrt(static_cast<double>(row_norm)));
  }
  if (!safe(row_norm) || !safe(query.norm)) return kAnything;
  const double error = (error_ + 4 * kUnit) * query.length * length_above(row_norm) + 2 * tiny_;
  return {dot - error, dot + error};
}

Interval FilterBound::from_rows(const Query& query, float row_norm, float value) const {
  if (metric_ == Metric::cosine) {
    if (!safe(query.norm) || query.norm < kSmallNorm) return {-1, 1};
    return around_cosine(query, row_norm, -value / (query.length * std::sqrt(static_cast<double>(row_norm))));
  }
  if (metric_ == Metric::inner_product) return from_tile(query, row_norm, value);
  if (std::isnan(value)) return kAnything;
  if (!safe(value)) return {1e35, kInfinity};
  const double error = error_ + 4 * kUnit;
  return {value / (1 + error) - tiny_, value / (1 - error) + tiny_};
}

// No row is longer than sqrt(d) times its largest element.
float FilterBound::row_limit(const Query& query, double threshold, float largest) const {
  if (metric_ == Metric::l2) {
    if (!safe(threshold)) return std::numeric_limits<float>::infinity();
    return float_above((threshold + tiny_) * (1 + error_ + 6 * kUnit));
  }
  const double longest = root_dim_ * largest;
  if (!safe(query.norm) || !safe(longest * longest)) return std::numeric_limits<float>::infinity();
  return float_above(threshold + (error_ + 8 * kUnit) * query.length * longest + 2 * tiny_);
}

Interval FilterBound::around_cosine(const Query& query, float row_norm, double cosine) const {
  if (query.norm == 0) return {0, 0};
  if (!safe(row_norm) || row_norm < kSmallNorm) return {-1, 1};
  const double small = tiny_ / std::sqrt(static_cast<double>(row_norm)) * (1 + 1 / query.length);
  const double error = 2 * error_ + 8 * kUnit + small;
  return {std::max(-1.0, cosine - error), std::min(1.0, cosine + error)};
}

}  // namespace knear
