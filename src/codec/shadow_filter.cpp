#include "codec/shadow_filter.h"

#include <limits>

#include "core/row_set.h"

namespace knear {
namespace {

constexpr std::size_t kTileBytes = 96 << 10;     // of shadows that all groups pass over: they stay in L2
constexpr std::size_t kStreamBytes = 128 << 10;  // the same that a few queries pass over: enough to stream well
constexpr std::size_t kDeepRows = 96;            // of more dimensions than a tile sums up at once
constexpr std::size_t kMostRows = 1152;
constexpr std::size_t kFirstRows = 12;
// What float32 takes longer for a pair than whole numbers do, and what it costs when a pair passes and when it is
// ranked: nanoseconds, as far as they are alike on all processors.
constexpr double kGainPerDim = 0.012;
constexpr double kGain = 0.2;
constexpr double kPassed = 20;
constexpr double kRanked = 120;
constexpr double kRankedPerDim = 0.4;

std::size_t rows_of(std::size_t bytes, std::size_t row_bytes, std::size_t most) {
  return std::clamp(bytes / row_bytes / kFirstRows * kFirstRows, kFirstRows, most);
}

}  // namespace

ShadowFilter::ShadowFilter(const Codec& codec, MatrixView queries, std::size_t k, GiveUp give_up)
    : codec_(codec),
      queries_(RowSet(queries).floats()),
      k_(k),
      give_up_(give_up),
      are_floats_(RowReader(codec).are_floats()),
      table_(kernels::table()),
      width_(table_.tile_queries) {
  const std::size_t rest = queries.rows() % width_;
  groups_ = queries.rows() / width_ + (rest > width_ / 4 ? 1 : 0);
}

ShadowFilter::~ShadowFilter() {
  if (shadow_ && give_up_ != GiveUp::never) shadow_->note(k_, !on_);
}

BatchFilter& ShadowFilter::plain() {
  if (!plain_) plain_ = std::make_unique<BatchFilter>(codec_, queries_);
  return *plain_;
}

bool ShadowFilter::use(const CodeBlock& block) {
  if (!block.shadow || !on_) return false;
  if (shadow_) return true;
  const auto& shadow = static_cast<const ByteShadow&>(*block.shadow);
  on_ = give_up_ == GiveUp::never || shadow.is_worth_trying(k_);
  if (on_) pack(shadow);
  return on_;
}

void ShadowFilter::pack(const ByteShadow& shadow) {
  shadow_ = &shadow;
  packed_.emplace(shadow, queries_, groups_ * width_);
  stride_ = shadow.bytes();
  const std::size_t most = shadow.codes() > 1024 ? kDeepRows : kMostRows;
  rows_at_once_ = rows_of(groups_ ? kTileBytes : kStreamBytes, stride_, groups_ ? most : kMostRows);
  next_rows_ = std::min(kFirstRows, rows_at_once_);
  const std::size_t padded = std::max(queries_.rows(), groups_ * width_);
  thresholds_.assign(padded, std::numeric_limits<double>::quiet_NaN());
  weights_.assign(padded, 0.0f);
  errors_.assign(padded, 0.0f);
  limits_.assign(padded, std::numeric_limits<float>::infinity());
  positions_.resize(rows_at_once_);
  values_.resize(rows_at_once_);
  if (groups_ == 0) return;
  hits_.resize(rows_at_once_ * width_);
  scratch_ = Matrix(DType::f32, rows_at_once_, width_);
}

// Brings a query's test up to date with its threshold.
void ShadowFilter::follow(std::size_t q, double threshold) {
  if (thresholds_[q] == threshold) return;
  thresholds_[q] = threshold;
  const ShadowQueries::Limit limit = packed_->limit(q, threshold);
  weights_[q] = limit.weight;
  errors_[q] = limit.error;
  limits_[q] = limit.limit;
}

std::size_t ShadowFilter::tile(std::size_t group, std::size_t queries, const Part& part) {
  const std::size_t first = group * width_;
  const kernels::ShadowJob job{part.shadows,
                               stride_,
                               part.count,
                               shadow_->codes(),
                               part.fetch_next ? part.shadows + part.count * stride_ : nullptr,
                               queries,
                               packed_->group(group),
                               weights_.data() + first,
                               errors_.data() + first,
                               limits_.data() + first,
                               reinterpret_cast<std::int32_t*>(scratch_.floats()),
                               hits_.data()};
  return table_.shadow_tile(&job);
}

std::size_t ShadowFilter::stream(std::size_t q, const Part& part) {
  const kernels::ShadowStreamJob job{
      part.shadows, stride_,    part.count,    shadow_->codes(), packed_->coarse(q), packed_->coarse_start(q),
      weights_[q],  errors_[q], values_.data()};
  table_.shadow_stream(&job);
  return table_.select(values_.data(), part.count, -limits_[q], positions_.data());
}

// Any filter lets about k (1 + ln(n / k)) rows pass; what comes on top must cost less than float32 would.
void ShadowFilter::judge(std::size_t rows, std::size_t ranked) {
  rows_seen_ += rows;
  if (give_up_ == GiveUp::never) return;
  const auto seen = static_cast<double>(rows_seen_);
  const auto k = static_cast<double>(k_);
  const auto queries = static_cast<double>(queries_.rows());
  const auto dim = static_cast<double>(codec_.dim());
  const double usual = k_ ? queries * std::min(seen, k * (1.5 + std::log(std::max(1.0, seen / k)))) : 0;
  const double cost = kPassed * std::max(0.0, static_cast<double>(passed_) - 1.5 * usual) +
                      (kRanked + kRankedPerDim * dim) * static_cast<double>(ranked);
  const double gain = queries * seen * (kGain + kGainPerDim * dim);
  // A first threshold needs rows; before, nothing can be told.
  const double grace = queries * (kRanked + kRankedPerDim * dim) * (64 + 2 * k);
  if (cost > gain + grace) on_ = false;
}

}  // namespace knear
