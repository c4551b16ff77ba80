#include "codec/pq_tables.h"

#include <algorithm>
#include <cmath>

#include "kernels/dispatch.h"

namespace knear {
namespace {

constexpr double kUnit = 0x1p-24;
constexpr double kFloat64 = 0x1p-50;  // rounding of some operations
constexpr double kSafe = 1e36;        // below it no float32 sum overflows

double length_of(const float* x, std::size_t dim) {
  double square = 0;
  kernels::table().exact[kernels::exact_inner_product](x, &x, 1, dim, 0, &square);
  return std::sqrt(square);
}

}  // namespace

PqTables::PqTables(const ProductQuantizer& quantizer, Metric::Kind metric, MatrixView queries)
    : size_((quantizer.subs() * quantizer.centroids() + 31) / 32 * 32),
      tables_(queries.rows() * size_),
      infos_(queries.rows()) {
  const std::size_t depth = quantizer.sub_dim();
  const std::size_t blocks = (depth + kernels::kTileDepth - 1) / kernels::kTileDepth;
  const auto terms = static_cast<double>(quantizer.subs());
  dot_error_ = static_cast<double>(std::min(depth, kernels::kTileDepth) + blocks + 2) * kUnit * 1.001;
  relative_ = metric == Metric::l2 ? dot_error_ + (terms + 6) * 1.01 * kUnit : 0;
  shrink_ = relative_ > 0 ? 1 / (1 + relative_) * (1 - kFloat64) : 1;
  grow_ = relative_ > 0 ? 1 / (1 - relative_) * (1 + kFloat64) : 1;
  tiny_ = static_cast<double>(quantizer.dim()) * 0x1p-146;
  std::vector<float> query(quantizer.dim());
  for (std::size_t q = 0; q < queries.rows(); ++q) {
    queries.copy_row(q, query.data());
    fill(quantizer, metric, query.data(), q);
  }
}

void PqTables::fill(const ProductQuantizer& quantizer, Metric::Kind metric, const float* query, std::size_t q) {
  const std::size_t subs = quantizer.subs();
  std::vector<float> least(subs);
  std::vector<float> most(subs);
  if (quantizer.turned()) {
    const kernels::SubTablesJob job{query,
                                    quantizer.turned(),
                                    subs,
                                    quantizer.sub_dim(),
                                    quantizer.centroids(),
                                    metric == Metric::l2,
                                    tables_.data() + q * size_,
                                    least.data(),
                                    most.data()};
    kernels::table().sub_tables(&job);
  } else {
    fill_by_rows(quantizer, metric, query, {tables_.data() + q * size_, least.data(), most.data()});
  }
  Info& info = infos_[q];
  double magnitude = 0;
  for (std::size_t m = 0; m < subs; ++m) {
    info.tells &= std::abs(least[m]) < kSafe && std::abs(most[m]) < kSafe;
    info.base += least[m];
    if (metric != Metric::l2) {
      const std::size_t depth = quantizer.sub_dim();
      magnitude += length_of(query + m * depth, depth) * quantizer.longest(m);
    }
  }
  info.tells &= magnitude < kSafe;
  const auto terms = static_cast<double>(subs);
  info.absolute = (dot_error_ + (2 * terms + 6) * 1.01 * kUnit) * magnitude + tiny_;
}

void PqTables::fill_by_rows(const ProductQuantizer& quantizer, Metric::Kind metric, const float* query,
                            const Out& to) const {
  const kernels::Table& table = kernels::table();
  const std::size_t depth = quantizer.sub_dim();
  const std::size_t count = quantizer.centroids();
  float* out = to.values;
  for (std::size_t m = 0; m < quantizer.subs(); ++m, out += count, query += depth) {
    if (metric == Metric::l2) {
      table.l2_rows(query, quantizer.sub_centroids(m), depth, count, depth, out);
    } else {
      table.ip_rows(query, quantizer.sub_centroids(m), depth, count, depth, out);
      for (std::size_t c = 0; c < count; ++c) out[c] = -out[c];
    }
    const auto [least, most] = std::minmax_element(out, out + count);
    to.least[m] = *least;
    to.most[m] = *most;
    for (std::size_t c = 0; c < count; ++c) out[c] -= to.least[m];
  }
}

}  // namespace knear
