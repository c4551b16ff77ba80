#include "codec/two_table_filter.h"

#include <cmath>
#include <cstring>

namespace knear {
namespace {

double square_of(MatrixView queries, std::size_t q) {
  std::vector<float> query(queries.dim());
  queries.copy_row(q, query.data());
  double sum = 0;
  for (const float value : query) sum += double{value} * value;
  return sum;
}

}  // namespace

TwoTableFilter::TwoTableFilter(const ProductQuantizer& coarse, const ProductQuantizer& fine, Metric::Kind metric,
                               MatrixView queries)
    : kernels_(kernels::table()),
      has_squares_(metric == Metric::l2),
      coarse_bytes_(coarse.code_bytes()),
      fine_bytes_(fine.code_bytes()),
      scale_(has_squares_ ? 2 : 1),
      coarse_tables_(coarse, Metric::inner_product, queries),
      fine_tables_(fine, Metric::inner_product, queries),
      coarse_codes_(coarse, kMostRows),
      fine_codes_(fine, kMostRows),
      halves_(kMostRows),
      sums_(kMostRows),
      fine_sums_(kMostRows),
      positions_(kMostRows) {
  for (std::size_t q = 0; q < queries.rows(); ++q) {
    const Interval a = coarse_tables_.interval(q, 0);
    const Interval b = fine_tables_.interval(q, 0);
    const double square = has_squares_ ? square_of(queries, q) : 0;
    Info info{square + scale_ * (a.lower + a.upper + b.lower + b.upper) / 2, std::numeric_limits<double>::infinity()};
    const double from_tables = (a.upper - a.lower + b.upper - b.lower) / 2;
    if (std::isfinite(from_tables) && square < kMostSquare) {
      info.absolute = scale_ * 1.125 * from_tables + square * 0x1p-38 + 0x1p-140;
    } else {
      info.base = 0;
    }
    infos_.push_back(info);
  }
}

void TwoTableFilter::take(const CodeBlock& block, std::size_t first, std::size_t count) {
  const Byte* const codes = block.code(first);
  coarse_codes_.take(codes, block.stride, count);
  fine_codes_.take(codes + coarse_bytes_, block.stride, count);
  if (!has_squares_) return;
  const Byte* squares = codes + coarse_bytes_ + fine_bytes_;
  for (std::size_t i = 0; i < count; ++i, squares += block.stride) {
    std::memcpy(&halves_[i], squares, sizeof(float));
    halves_[i] /= 2;
  }
}

std::size_t TwoTableFilter::select(std::size_t q, std::size_t count, double threshold) {
  coarse_codes_.add_up(coarse_tables_.of(q), sums_.data());
  fine_codes_.add_up(fine_tables_.of(q), fine_sums_.data());
  for (std::size_t i = 0; i < count; ++i) sums_[i] = sums_[i] + fine_sums_[i] + halves_[i];
  const double most = (threshold - infos_[q].base + infos_[q].absolute) / (scale_ * (1 - kSumError));
  return kernels_.select(sums_.data(), count, float_above(most), positions_.data());
}

}  // namespace knear
