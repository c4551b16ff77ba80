#include "codec/shadow_filter.h"

#include <limits>

namespace knear {
namespace {

constexpr std::size_t kTileBytes = 96 << 10;     // of shadows that all groups pass over: they stay in L2
constexpr std::size_t kStreamBytes = 128 << 10;  // the same that a few queries pass over: enough to stream well
constexpr std::size_t kDeepRows = 96;            // of more dimensions than a tile sums up at once
constexpr std::size_t kMostRows = 1152;
constexpr std::size_t kFirstRows = 12;
// Nanoseconds, as far as processors are alike. What float32 takes longer for a pair in the tile, and for a row that
// streams by from memory or from a cache:
constexpr double kTileGainPerDim = 0.0135;
constexpr double kMemoryPerDim = 0.2;
constexpr double kCachePerDim = 0.11;
constexpr std::size_t kCacheBytes = 16 << 20;
// What shadows take for such a row, what it takes to prepare a query, and what it costs when a pair passes and when it
// is ranked:
constexpr double kStreamed = 4.1;
constexpr double kStreamedPerByte = 0.055;
constexpr double kPreparedPerDim = 10;
constexpr double kPassed = 60;
constexpr double kRanked = 120;
constexpr double kRankedPerDim = 0.4;

std::size_t rows_of(std::size_t bytes, std::size_t row_bytes, std::size_t most) {
  return std::clamp(bytes / row_bytes / kFirstRows * kFirstRows, kFirstRows, most);
}

}  // namespace

ShadowFilter::ShadowFilter(const Codec& codec, MatrixView queries, const Task& task, Prepared prepared)
    : codec_(codec),
      queries_(queries),
      task_(task),
      are_floats_(RowReader(codec).are_floats()),
      table_(kernels::table()),
      packed_(std::move(prepared.all)),
      which_(std::move(prepared.which)),
      width_(table_.tile_queries) {
  const std::size_t rest = queries.rows() % width_;
  groups_ = queries.rows() / width_ + (rest > width_ / 4 ? 1 : 0);
}

ShadowFilter::~ShadowFilter() {
  if (shadow_ && task_.give_up != GiveUp::never) shadow_->note(task_.k, !on_);
}

BatchFilter& ShadowFilter::plain() {
  if (!plain_) plain_ = std::make_unique<BatchFilter>(codec_, queries_);
  return *plain_;
}

bool ShadowFilter::use(const CodeBlock& block) {
  if (!block.shadow || !on_) return false;
  if (shadow_) return true;
  const auto& shadow = static_cast<const ByteShadow&>(*block.shadow);
  const bool pays = packed_ || gain(task_.rows) > 1.2 * usual_cost();
  on_ = task_.give_up == GiveUp::never || (pays && shadow.is_worth_trying(task_.k));
  if (on_) pack(shadow);
  return on_;
}

void ShadowFilter::pack(const ByteShadow& shadow) {
  shadow_ = &shadow;
  const std::size_t in_groups = std::min(queries_.rows(), groups_ * width_);
  if (!packed_) {
    constexpr auto what = ShadowQueries::For::groups_and_rest;
    packed_ = std::make_shared<ShadowQueries>(shadow, queries_, what, in_groups, RunOptions{.num_threads = 1});
  }
  panels_ = BytePanels(in_groups, shadow.codes());
  for (std::size_t q = 0; q < in_groups; ++q) panels_.put(q, packed_->words(place(q)));
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
  hits_ = std::make_unique_for_overwrite<kernels::ShadowHit[]>(rows_at_once_ * width_);
  scratch_ = Matrix(DType::f32, rows_at_once_, width_);
}

// Brings a query's test up to date with its threshold.
void ShadowFilter::follow(std::size_t q, double threshold) {
  if (thresholds_[q] == threshold) return;
  thresholds_[q] = threshold;
  const auto way = q < groups_ * width_ ? ShadowQueries::Way::tiled : ShadowQueries::Way::streamed;
  const ShadowQueries::Limit limit = packed_->limit(place(q), way, threshold);
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
                               panels_.group(group),
                               weights_.data() + first,
                               errors_.data() + first,
                               limits_.data() + first,
                               reinterpret_cast<std::int32_t*>(scratch_.floats()),
                               hits_.get()};
  return table_.shadow_tile(&job);
}

std::size_t ShadowFilter::stream(std::size_t q, const Part& part) {
  const kernels::ShadowStreamJob job{part.shadows,
                                     stride_,
                                     part.count,
                                     shadow_->codes(),
                                     packed_->coarse(place(q)),
                                     packed_->coarse_start(place(q)),
                                     weights_[q],
                                     errors_[q],
                                     values_.data()};
  table_.shadow_stream(&job);
  return table_.select(values_.data(), part.count, -limits_[q], positions_.data());
}

// Of all queries over so many rows.
double ShadowFilter::gain(std::size_t rows) const {
  const auto dim = static_cast<double>(codec_.dim());
  const std::size_t in_groups = std::min(queries_.rows(), groups_ * width_);
  const bool in_cache = task_.rows * codec_.code_bytes() < kCacheBytes;
  const double streamed = dim * (in_cache ? kCachePerDim : kMemoryPerDim) -
                          std::max(kStreamed, kStreamedPerByte * (dim + sizeof(kernels::ShadowFactors)));
  return static_cast<double>(rows) * (static_cast<double>(in_groups) * dim * kTileGainPerDim +
                                      static_cast<double>(queries_.rows() - in_groups) * streamed);
}

// Of all queries, where shadows do well: more pairs pass than k, as thresholds are not known at first, and one query
// alone waits for each of them.
double ShadowFilter::usual_cost() const {
  const double passed = 50 * std::pow(static_cast<double>(task_.k ? task_.k : 10), 0.65);
  const double wait = groups_ == 0 ? 2 : 1;
  return static_cast<double>(queries_.rows()) *
         (kPreparedPerDim * static_cast<double>(codec_.dim()) + wait * kPassed * passed);
}

// Gives up once pairs that pass and pairs that are ranked cost more than shadows gain. Before there is a threshold,
// nothing can be told.
void ShadowFilter::judge(std::size_t rows, std::size_t ranked) {
  rows_seen_ += rows;
  if (task_.give_up == GiveUp::never) return;
  const double a_rank = kRanked + kRankedPerDim * static_cast<double>(codec_.dim());
  const double cost = kPassed * static_cast<double>(passed_) + a_rank * static_cast<double>(ranked);
  const double grace = static_cast<double>(queries_.rows()) * a_rank * static_cast<double>(16 + task_.k);
  if (cost > gain(rows_seen_) + usual_cost() + grace) on_ = false;
}

}  // namespace knear
