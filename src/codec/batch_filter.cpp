#include "codec/batch_filter.h"

#include <cmath>
#include <functional>
#include <limits>

#include "core/row_set.h"

namespace knear {
namespace {

constexpr std::size_t kTileBytes = 192 << 10;    // of rows that all groups pass over: they stay in L2
constexpr std::size_t kRowBytes = 128 << 10;     // of rows that a few queries pass over: enough to stream well
constexpr std::size_t kDecodedBytes = 16 << 10;  // the same of rows that are decoded: they stay in L1
constexpr std::size_t kMostRows = 2048;
constexpr std::size_t kFirstRows = 12;
constexpr float kInfinity = std::numeric_limits<float>::infinity();

// A multiple of what a full tile takes at once on every instruction set.
std::size_t tile_rows(std::size_t row_bytes) {
  constexpr std::size_t step = 12;
  return std::clamp(kTileBytes / row_bytes / step * step, step, kernels::kTileRows);
}

}  // namespace

BatchFilter::BatchFilter(const Codec& codec, MatrixView queries)
    : table_(kernels::table()),
      metric_(codec.metric()),
      bound_(metric_.kind, queries.dim()),
      reader_(codec),
      queries_(RowSet(queries).floats()),
      width_(table_.tile_queries) {
  const std::size_t rest = queries.rows() % width_;
  groups_ = queries.rows() / width_ + (rest > width_ / 4 ? 1 : 0);
  needs_norms_ = groups_ > 0 || metric_ == Metric::cosine;

  const std::size_t row_bytes = dim() * sizeof(float);
  const std::size_t few_query_bytes = reader_.are_floats() ? kRowBytes : kDecodedBytes;
  rows_at_once_ = groups_ ? tile_rows(row_bytes) : std::clamp<std::size_t>(few_query_bytes / row_bytes, 8, kMostRows);
  next_rows_ = std::min(kFirstRows, rows_at_once_);
  const std::size_t padded = std::max(queries.rows(), groups_ * width_);
  infos_.resize(queries.rows());
  thresholds_.assign(queries.rows(), std::numeric_limits<double>::quiet_NaN());
  limits_.assign(padded, -kInfinity);
  query_bias_.assign(padded, 0.0f);
  norms_.resize(rows_at_once_);
  row_bias_.resize(rows_at_once_);
  values_.resize(rows_at_once_);
  lower_.resize(rows_at_once_);
  positions_.resize(rows_at_once_);
  if (groups_) {
    hits_ = std::make_unique_for_overwrite<kernels::TileHit[]>(rows_at_once_ * width_);
    scratch_ = Matrix(DType::f32, kernels::kTileRows, width_);
  }
  pack();
}

void BatchFilter::pack() {
  for (std::size_t q = 0; q < queries(); ++q) {
    const float* row = query(q);
    double norm = 0;
    table_.exact[kernels::exact_inner_product](row, &row, 1, dim(), 0, &norm);
    infos_[q] = {norm, std::sqrt(norm)};
  }
  const std::size_t in_groups = std::min(queries(), groups_ * width_);
  if (metric_ == Metric::inner_product && in_groups < queries()) {
    negated_ = Matrix(DType::f32, queries() - in_groups, dim());
    std::transform(query(in_groups), query(queries()), negated_.floats(), std::negate<>());
  }
  if (!groups_) return;
  packed_ = Matrix(DType::f32, groups_ * dim(), width_);
  std::fill_n(packed_.floats(), groups_ * dim() * width_, 0.0f);
  for (std::size_t q = 0; q < in_groups; ++q) {
    const double scale = bound_.scale(infos_[q]);
    float* lane = packed_.floats() + q / width_ * dim() * width_ + q % width_;
    for (std::size_t j = 0; j < dim(); ++j) lane[j * width_] = static_cast<float>(query(q)[j] * scale);
  }
}

void BatchFilter::measure(const Part& part) {
  table_.norm_rows(part.rows.data, part.rows.stride, part.count, dim(), norms_.data());
  bound_.row_biases(norms_.data(), part.count, row_bias_.data());
}

// Of the few rows whose interval is asked for.
float BatchFilter::norm_of(const float* row) const {
  float norm = 0;
  if (metric_ != Metric::l2) table_.norm_rows(row, dim(), 1, dim(), &norm);
  return norm;
}

// Brings a query's limit up to date with its threshold.
void BatchFilter::follow(std::size_t q, double threshold) {
  if (thresholds_[q] == threshold) return;
  thresholds_[q] = threshold;
  if (q >= groups_ * width_ && metric_ != Metric::cosine) return;
  limits_[q] = bound_.limit(infos_[q], threshold);
  query_bias_[q] = bound_.query_bias(infos_[q], threshold);
}

std::size_t BatchFilter::tile(std::size_t group, std::size_t queries, const Part& part) {
  const kernels::TileJob job{part.rows.data,
                             part.rows.stride,
                             part.count,
                             dim(),
                             group == 0 ? part.next : nullptr,
                             queries,
                             packed_.floats() + group * dim() * width_,
                             row_bias_.data(),
                             query_bias_.data() + group * width_,
                             limits_.data() + group * width_,
                             scratch_.floats(),
                             hits_.get()};
  return table_.tile(&job);
}

// Fills values_ for one query and positions_ with those that pass.
std::size_t BatchFilter::select(std::size_t q, const Part& part) {
  float* values = values_.data();
  const FloatRows& rows = part.rows;
  if (metric_ != Metric::cosine) {
    float largest = 0;
    if (metric_ == Metric::l2) {
      table_.l2_rows(query(q), rows.data, rows.stride, part.count, dim(), values);
    } else {
      const float* negated = negated_.floats() + (q - groups_ * width_) * dim();
      largest = table_.ip_rows(negated, rows.data, rows.stride, part.count, dim(), values);
    }
    return table_.select(values, part.count, bound_.row_limit(infos_[q], thresholds_[q], largest), positions_.data());
  }
  table_.ip_rows(query(q), rows.data, rows.stride, part.count, dim(), values);
  const auto scale = static_cast<float>(bound_.scale(infos_[q]));
  const bool plain = FilterBound::safe(infos_[q].norm) && std::isnormal(scale);
  const float limit = plain ? limits_[q] : std::numeric_limits<float>::quiet_NaN();
  for (std::size_t i = 0; i < part.count; ++i) lower_[i] = values[i] * scale + row_bias_[i] * query_bias_[q];
  return table_.select(lower_.data(), part.count, limit, positions_.data());
}

}  // namespace knear
