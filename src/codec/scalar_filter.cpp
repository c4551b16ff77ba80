#include "codec/scalar_filter.h"

#include <cmath>
#include <limits>

namespace knear {
namespace {

constexpr double kUnit = 0x1p-24;
constexpr double kCanonical = 2e-11;  // of the canonical distance and of sums here, in float64
constexpr double kTiny = 0x1p-120;    // above what underflow takes from an element
constexpr double kSafe = 1e36;        // below it no float32 sum overflows
constexpr double kMostRelative = 0.01;
constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr std::size_t kCodeBytes = 32 << 10;  // that all queries pass over: they stay in cache
constexpr std::size_t kFirstRows = 12;
constexpr std::size_t kMostRows = 2048;

}  // namespace

ScalarFilter::ScalarFilter(const ScalarCodes& codes, Metric::Kind metric, MatrixView queries)
    : kernels_(kernels::table()),
      codes_(codes),
      l2_(metric == Metric::l2),
      rows_at_once_(std::clamp(kCodeBytes * 8 / (queries.dim() * codes.bits), kFirstRows, kMostRows)),
      next_rows_(kFirstRows),
      relative_(static_cast<double>(queries.dim() + 20) * kUnit * 1.02),
      terms_(queries.rows() * queries.dim()),
      values_(rows_at_once_),
      positions_(rows_at_once_) {
  if (l2_) {
    for (const float step : codes.steps) negated_.push_back(-step);
  }
  std::vector<float> query(queries.dim());
  for (std::size_t q = 0; q < queries.rows(); ++q) {
    queries.copy_row(q, query.data());
    float* const terms = terms_.data() + q * queries.dim();
    infos_.push_back(l2_ ? prepare_l2(query.data(), terms) : prepare_product(query.data(), terms));
  }
}

// Rounded are the query less the offset, the product, the difference, and, when a row is decoded, its product and sum:
// none is larger than this says, and the roots of sums of squares obey the triangle inequality.
ScalarFilter::Info ScalarFilter::prepare_l2(const float* query, float* base) const {
  const double most = (1u << codes_.bits) - 1;
  double error = 0;
  double square = 0;
  for (std::size_t j = 0; j < codes_.offsets.size(); ++j) {
    const double offset = codes_.offsets[j];
    const double reach = codes_.steps[j] * most;
    base[j] = query[j] - codes_.offsets[j];
    const double about = std::abs(query[j]) + std::abs(offset);
    const double off = kUnit * (3 * about + 4 * reach) * 1.001 + kTiny;
    error += off * off;
    square += (about + reach) * (about + reach);
  }
  return {0, std::sqrt(error) * (1 + kCanonical), square < kSafe && relative_ < kMostRelative};
}

ScalarFilter::Info ScalarFilter::prepare_product(const float* query, float* steps) const {
  const double most = (1u << codes_.bits) - 1;
  double base = 0;
  double error = 0;
  double magnitude = 0;
  for (std::size_t j = 0; j < codes_.offsets.size(); ++j) {
    const double offset = codes_.offsets[j];
    const double reach = codes_.steps[j] * most;
    const double element = query[j];
    steps[j] = -query[j] * codes_.steps[j];
    base += element * offset;
    const double about = std::abs(element) * (std::abs(offset) + reach);
    magnitude += about;
    error += about * (relative_ + 4 * kUnit) + kTiny * (1 + std::abs(element) + most);
  }
  return {base, error * (1 + kCanonical) + kCanonical * magnitude, magnitude < kSafe && relative_ < kMostRelative};
}

std::size_t ScalarFilter::select(std::size_t q, const CodeBlock& block, Part part, double threshold) {
  const std::size_t dim = codes_.offsets.size();
  const float* const terms = terms_.data() + q * dim;
  const kernels::CodeSumsJob job{
      block.code(part.first), static_cast<std::size_t>(block.stride), part.count,    dim, codes_.bits,
      l2_ ? terms : nullptr,  l2_ ? negated_.data() : terms,          values_.data()};
  kernels_.code_sums(&job);
  return kernels_.select(values_.data(), part.count, limit(infos_[q], threshold), positions_.data());
}

// Sums above it are of rows beyond the threshold.
float ScalarFilter::limit(const Info& info, double threshold) const {
  if (!info.tells) return std::numeric_limits<float>::quiet_NaN();
  if (threshold == kInfinity) return std::numeric_limits<float>::infinity();
  if (!l2_) return float_above(threshold + info.base + info.error);
  if (threshold < 0) return -1;
  const double root = std::sqrt(threshold) * (1 + kCanonical) + info.error;
  return float_above(root * root * (1 + relative_) + kTiny);
}

Interval ScalarFilter::interval(const Info& info, double sum) const {
  if (!info.tells) return {-kInfinity, kInfinity};
  if (!l2_) return {sum - info.base - info.error, sum - info.base + info.error};
  const double near = std::sqrt(std::max(0.0, sum - kTiny) * (1 - relative_)) - info.error;
  const double far = std::sqrt((sum + kTiny) * (1 + relative_)) + info.error;
  const double least = std::max(0.0, near);
  return {least * least * (1 - kCanonical), far * far * (1 + kCanonical)};
}

}  // namespace knear
