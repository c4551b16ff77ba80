#include "partition/nearest_centroids.h"
#include "knear/codecs.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numeric>

#include "codec/ranker.h"
#include "core/parallel_for.h"

namespace knear {
namespace {

constexpr double kUnit = 0x1p-24;         // rounding of one float32 operation
constexpr double kUnit64 = 0x1p-53;       // of one float64 operation
constexpr double kMostProduct = 0x1p120;  // of lengths: sums of float32 do not overflow
constexpr std::size_t kSumDepth = 272;    // terms that kernels sum up at once
constexpr std::size_t kValueBytes = 384 << 10;
constexpr std::size_t kLeastRows = 12;  // that share a pass over all centroids
constexpr std::size_t kMostRows = 96;
constexpr std::size_t kGroups = 2;  // for each centroid that is wanted

const float* floats_of(MatrixView rows, std::size_t i) { return reinterpret_cast<const float*>(rows.row(i)); }

double length_of(const float* row, std::size_t dim) {
  double square = 0;
  for (std::size_t j = 0; j < dim; ++j) square += static_cast<double>(row[j]) * static_cast<double>(row[j]);
  return std::sqrt(square);
}

// Smaller values are nearer: half the squared length less the inner product, or just that product, negated.
Panels panels_of(MatrixView centroids, Metric metric) {
  const std::size_t dim = centroids.dim();
  std::vector<float> negated(centroids.rows() * dim);
  std::vector<float> halves(centroids.rows(), 0.0f);
  for (std::size_t c = 0; c < centroids.rows(); ++c) {
    const float* const row = floats_of(centroids, c);
    std::transform(row, row + dim, negated.begin() + static_cast<std::ptrdiff_t>(c * dim), std::negate<>());
    const double length = length_of(row, dim);
    if (metric == Metric::l2) halves[c] = static_cast<float>(length * length / 2);
  }
  return Panels::for_products({negated.data(), centroids.rows(), dim}, dim, halves);
}

}  // namespace

NearestCentroids::NearestCentroids(MatrixView centroids, Metric metric)
    : centroids_(centroids),
      codec_(make_flat_codec(centroids.dim(), metric, DType::f32, ExactBy::fp32)),
      panels_(panels_of(centroids, metric)) {
  for (std::size_t c = 0; c < centroids.rows(); ++c) {
    longest_ = std::max(longest_, length_of(floats_of(centroids, c), centroids.dim()));
  }
}

void NearestCentroids::find(MatrixView queries, std::size_t count, const RunOptions& run, Id* cells) const {
  const std::size_t nlist = centroids_.rows();
  const std::size_t at_once =
      std::clamp(kValueBytes / (nlist * sizeof(float)) / kLeastRows * kLeastRows, kLeastRows, kMostRows);
  parallel_for((queries.rows() + at_once - 1) / at_once, run, [&](std::size_t task, std::size_t) {
    const std::size_t first = task * at_once;
    const std::size_t rows = std::min(at_once, queries.rows() - first);
    Scratch scratch;
    const auto values = std::make_unique_for_overwrite<float[]>(rows * nlist);
    panels_.products({floats_of(queries, first), rows, queries.dim()}, values.get(), nlist);
    for (std::size_t i = 0; i < rows; ++i) {
      choose(floats_of(queries, first + i), values.get() + i * nlist, count, scratch, cells + (first + i) * count);
    }
  });
}

// What the `count` smallest values do not exceed, and not many others: the least of more groups than are wanted, of
// values that lie apart, so that the groups go side by side.
float NearestCentroids::bound(const float* values, std::size_t count, std::vector<float>& least) const {
  const std::size_t groups = kGroups * count;
  const std::size_t each = centroids_.rows() / groups;
  if (each < 4) return std::numeric_limits<float>::infinity();
  least.assign(values, values + groups);
  for (std::size_t i = 1; i < each; ++i) {
    values += groups;
    for (std::size_t g = 0; g < groups; ++g) least[g] = values[g] < least[g] ? values[g] : least[g];
  }
  const auto nth = least.begin() + static_cast<std::ptrdiff_t>(count - 1);
  std::nth_element(least.begin(), nth, least.end());
  return *nth;
}

// The value of a pair is off by no more from what the canonical distance says, which has its own rounding: that counts
// where a query is longer than all centroids by far. Infinity: values may have overflowed.
double NearestCentroids::error_for(const float* query) const {
  const std::size_t dim = centroids_.dim();
  const std::size_t blocks = (dim + kSumDepth - 1) / kSumDepth;
  const auto depth = static_cast<double>(std::min(dim, kSumDepth) + blocks + 2);
  const double length = length_of(query, dim);
  const double product = length * longest_;
  if (!(product < kMostProduct)) return std::numeric_limits<double>::infinity();
  const double farthest = length + longest_;
  const bool squares = codec_->metric() == Metric::l2;
  const double canonical = squares ? kUnit64 * (static_cast<double>(dim) / 16 + 8) * farthest * farthest : 0;
  return 1.01 * (kUnit * (depth * product + 4 * (product + longest_ * longest_)) + canonical) + 0x1p-120;
}

void NearestCentroids::choose(const float* query, const float* values, std::size_t count, Scratch& scratch,
                              Id* cells) const {
  const std::size_t nlist = centroids_.rows();
  const double error = error_for(query);
  if (std::isinf(error)) {
    scratch.border.resize(nlist);
    std::iota(scratch.border.begin(), scratch.border.end(), std::uint32_t{0});
    return rank_border(query, scratch.border, count, cells);
  }
  const double most = bound(values, count, scratch.least) + 2 * error;
  std::vector<Near>& near = scratch.near;
  near.resize(nlist);
  std::size_t found = 0;
  for (std::uint32_t c = 0; c < nlist; ++c) {
    near[found] = {values[c], c};
    found += values[c] <= most ? 1 : 0;
  }
  std::sort(near.begin(), near.begin() + static_cast<std::ptrdiff_t>(found));
  const double last = near[count - 1].value;
  std::size_t certain = 0;
  for (; near[certain].value < last - 2 * error; ++certain) cells[certain] = static_cast<Id>(near[certain].cell);
  std::size_t end = count;
  while (end < found && near[end].value <= last + 2 * error) ++end;
  scratch.border.clear();
  for (std::size_t i = certain; i < end; ++i) scratch.border.push_back(near[i].cell);
  rank_border(query, scratch.border, count - certain, cells + certain);
}

void NearestCentroids::rank_border(const float* query, std::span<const std::uint32_t> border, std::size_t wanted,
                                   Id* cells) const {
  if (border.size() == wanted) {
    std::copy(border.begin(), border.end(), cells);
    return;
  }
  const Ranker ranker(*codec_);
  std::vector<Hit> hits(border.size());
  for (std::size_t i = 0; i < border.size(); ++i) {
    const float* const row = floats_of(centroids_, border[i]);
    ranker.distances(query, std::span(&row, 1), &hits[i].distance);
    hits[i].id = static_cast<Id>(border[i]);
  }
  std::sort(hits.begin(), hits.end());
  for (std::size_t i = 0; i < wanted; ++i) cells[i] = hits[i].id;
}

}  // namespace knear
