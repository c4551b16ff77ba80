#include "codec/shadow_queries.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <numeric>

#include "core/parallel_for.h"

namespace knear {
namespace {

constexpr double kUnit = 0x1p-24;     // rounding of one float32 operation
constexpr double kCanonical = 2e-11;  // of the canonical distance and of sums here, in float64
constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
constexpr std::size_t kTaskQueries = 64;
constexpr int kMostStreamed = 1016;     // 16 * coarse + fine
constexpr double kMostStreamSum = 8e6;  // of magnitudes

// A file may hold any factors.
Interval sane(const Interval& interval) {
  return interval.lower <= interval.upper ? interval : Interval{-kInfinity, kInfinity};
}

std::int32_t start_of(const std::vector<int>& codes) {
  return static_cast<std::int32_t>(-128 * std::accumulate(codes.begin(), codes.end(), std::int64_t{0}));
}

}  // namespace

ShadowQueries::ShadowQueries(const ByteShadow& shadow, MatrixView queries, For what, std::size_t in_groups,
                             const RunOptions& run)
    : shadow_(shadow),
      dim_(shadow.codes()),
      unit_(1 / shadow.scale()),
      plane_bytes_((dim_ + 31) / 32 * 32),
      panels_(0, dim_),
      words_((what == For::both ? queries.rows() : std::min(in_groups, queries.rows())) * panels_.word_count()),
      planes_(2 * queries.rows() * plane_bytes_),
      queries_(queries.rows()) {
  parallel_for((queries.rows() + kTaskQueries - 1) / kTaskQueries, run, [&](std::size_t task, std::size_t) {
    const std::size_t end = std::min(queries.rows(), (task + 1) * kTaskQueries);
    Scratch scratch{std::vector<double>(dim_), std::vector<int>(dim_)};
    for (std::size_t q = task * kTaskQueries; q < end; ++q) {
      const bool tile = what == For::both || q < in_groups;
      prepare(reinterpret_cast<const float*>(queries.row(q)), q, {tile, what == For::both || !tile}, scratch);
    }
  });
}

void ShadowQueries::prepare(const float* row, std::size_t q, Ways ways, Scratch& scratch) {
  auto& [z, codes] = scratch;
  std::fill(z.begin(), z.end(), 0.0);
  Query& query = queries_[q];
  query.safe = prepared(row, z.data(), query);
  if (!query.safe) return;
  query.full = fit_planes(z.data(), codes.data());
  query.start = start_of(codes);
  put_planes(codes.data(), q);
  if (ways.tiled) query.tiled = panels_.round(z.data(), codes.data(), words_.data() + q * panels_.word_count());
  if (!ways.streamed) return;
  std::copy_n(coarse(q), dim_, codes.data());
  query.streamed = image_of(z.data(), dim_, 16 * query.full.step, codes.data());
  query.coarse_start = start_of(codes);
}

// The query as rows are before they are rounded; false where nothing can be said.
bool ShadowQueries::prepared(const float* row, double* z, Query& query) const {
  const std::size_t dim = shadow_.dim();
  const std::vector<float>& mean = shadow_.mean();
  double square = 0;
  double with_mean = 0;
  for (std::size_t j = 0; j < dim; ++j) {
    square += static_cast<double>(row[j]) * static_cast<double>(row[j]);
    with_mean += static_cast<double>(row[j]) * static_cast<double>(mean[j]);
  }
  const Metric::Kind metric = shadow_.metric();
  if (metric == Metric::cosine && !(square > 1e-60 && square < 1e60)) return false;
  const double factor = metric == Metric::cosine ? 1 / std::sqrt(square) : 1;
  const double centre = metric == Metric::inner_product ? 0 : 1;
  for (std::size_t j = 0; j < dim; ++j)
    z[j] = (row[j] * factor - centre * static_cast<double>(mean[j])) * shadow_.scale();
  shadow_.turn(z);
  double largest = 0;
  double length = 0;
  for (std::size_t j = 0; j < dim; ++j) {
    largest = std::max(largest, std::abs(z[j]));
    length += z[j] * z[j];
  }
  query.length = std::sqrt(length) * (1 + 1e-10);
  query.constant = with_mean;
  return float32_holds(largest) && std::isfinite(length);
}

ByteImage ShadowQueries::fit_planes(const double* z, int* codes) const {
  double largest = 0;
  double sum = 0;
  for (std::size_t j = 0; j < dim_; ++j) {
    largest = std::max(largest, std::abs(z[j]));
    sum += std::abs(z[j]);
  }
  // Rounding adds at most a half to each.
  const double step = std::max(largest / kMostStreamed, sum / (kMostStreamSum - static_cast<double>(dim_)));
  const double whole = step == 0 ? 1 : step;
  for (std::size_t j = 0; j < dim_; ++j) codes[j] = static_cast<int>(std::rint(z[j] / whole));
  return image_of(z, dim_, whole, codes);
}

void ShadowQueries::put_planes(const int* codes, std::size_t query) {
  std::int8_t* coarse_out = planes_.data() + query * 2 * plane_bytes_;
  for (std::size_t j = 0; j < dim_; ++j) {
    const int coarse = (codes[j] + 8 + 1024) / 16 - 64;  // to the nearest
    coarse_out[j] = static_cast<std::int8_t>(coarse);
    coarse_out[plane_bytes_ + j] = static_cast<std::int8_t>(codes[j] - 16 * coarse);
  }
}

ShadowQueries::Limit ShadowQueries::limit(std::size_t q, Way way, double threshold) const {
  const Query& query = queries_[q];
  if (!query.safe || threshold == kInfinity) return {0, 0, kNan};
  const double scale = shadow_.scale();
  const ByteImage& image = way == Way::tiled ? query.tiled : query.streamed;
  const double step = image.step;
  if (shadow_.metric() == Metric::inner_product) {
    const double off = 16 * kUnit * (query.length + image.error) + image.error;
    const double least =
        (-threshold - query.constant) * scale * scale - kCanonical * query.length * shadow_.mean_length() * scale;
    return {float_above(2 * off / step), float_above(2 * query.length / step * (1 + 8 * kUnit)),
            float_below(2 * least / step)};
  }
  // Under cosine, of unit vectors.
  const double square =
      shadow_.metric() == Metric::cosine ? std::max(0.0, 2 + 2 * threshold + 10 * kCanonical) : threshold;
  if (!(square >= 0)) return {0, 0, std::numeric_limits<float>::infinity()};
  const double reach = std::sqrt(square) * scale * (1 + kCanonical) + image.error;
  const double limit = image.square * (1 - 16 * kUnit) - reach * reach * (1 + 8 * kUnit);
  return {static_cast<float>(-1 / step), float_above(2 * reach / step), float_below(limit / step)};
}

Interval ShadowQueries::interval(std::size_t q, const kernels::ShadowFactors& row, std::int32_t dot) const {
  const Query& query = queries_[q];
  if (!query.safe || std::isnan(row.step)) return {-kInfinity, kInfinity};
  const double unit = unit_;
  const double error = row.error;
  const ByteImage& image = query.full;
  const double product = image.step * row.step * dot;  // twice the inner product
  if (shadow_.metric() == Metric::inner_product) {
    const double weight = row.weight;
    const double about = query.constant + product * unit * unit / 2;
    const double off = (query.length * error + image.error * weight) * unit * unit * (1 + 1e-9) +
                       kCanonical * query.length * unit * (shadow_.mean_length() + (weight + error) * unit);
    return sane({-about - off, -about + off});
  }
  const double row_square = (row.weight + error * error) * (1 + 16 * kUnit);
  const double square = image.square + row_square - product;
  const double off = 20 * kUnit * (row_square + error * error) + 1e-10 * image.square;
  const double reach = image.error + error;
  // (root - reach)^2 and (root + reach)^2, with the same root, which is the larger one, in both.
  const double least = square - off;
  const double most = std::max(0.0, square + off);
  const double twice = 2 * reach * std::sqrt(most) * (1 + kCanonical);
  const double near = least > reach * reach ? (least - twice + reach * reach) * unit * unit : 0;
  const double far = (most + twice + reach * reach) * unit * unit * (1 + 2 * kCanonical);
  const double surely_near = std::max(0.0, near) * (1 - 2 * kCanonical);
  if (shadow_.metric() == Metric::cosine)
    return sane({surely_near / 2 - 1 - 10 * kCanonical, far / 2 - 1 + 10 * kCanonical});
  return sane({surely_near, far});
}

}  // namespace knear
