#include "codec/table_filter.h"

namespace knear {

TableFilter::TableFilter(const ProductQuantizer& quantizer, Metric::Kind metric, MatrixView queries)
    : kernels_(kernels::table()),
      tables_(quantizer, metric, queries),
      codes_(quantizer, kMostRows),
      sums_(kMostRows),
      positions_(kMostRows) {}

std::size_t TableFilter::select(std::size_t q, std::size_t count, double threshold) {
  codes_.add_up(tables_.of(q), sums_.data());
  // The sums are float32, too: what they may be too large by is in the bound.
  return kernels_.select(sums_.data(), count, float_above(tables_.most(q, threshold)), positions_.data());
}

}  // namespace knear
