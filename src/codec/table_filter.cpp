#include "codec/table_filter.h"

namespace knear {
namespace {

constexpr std::size_t kAtOnce = 4;  // rows whose sums grow side by side

// sums[r] of `rows` rows: entry numbers[r * subs + m] of table m, the tables `entries` apart.
template <std::size_t rows>
void add_up(const float* table, std::size_t entries, const std::uint16_t* numbers, std::size_t subs, float* sums) {
  float sum[rows] = {};
  for (std::size_t m = 0; m < subs; ++m, table += entries) {
    for (std::size_t r = 0; r < rows; ++r) sum[r] += table[numbers[r * subs + m]];
  }
  std::copy_n(sum, rows, sums);
}

}  // namespace

TableFilter::TableFilter(const ProductQuantizer& quantizer, Metric::Kind metric, MatrixView queries)
    : kernels_(kernels::table()),
      quantizer_(quantizer),
      tables_(quantizer, metric, queries),
      numbers_(kMostRows * quantizer.subs()),
      sums_(kMostRows),
      positions_(kMostRows) {}

void TableFilter::unpack(const CodeBlock& block, std::size_t first, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) {
    quantizer_.unpack(block.code(first + i), numbers_.data() + i * quantizer_.subs());
  }
}

std::size_t TableFilter::select(std::size_t q, std::size_t count, double threshold) {
  const std::size_t subs = quantizer_.subs();
  const std::uint16_t* numbers = numbers_.data();
  std::size_t i = 0;
  for (; i + kAtOnce <= count; i += kAtOnce)
    add_up<kAtOnce>(tables_.of(q), quantizer_.centroids(), numbers + i * subs, subs, sums_.data() + i);
  for (; i < count; ++i) add_up<1>(tables_.of(q), quantizer_.centroids(), numbers + i * subs, subs, sums_.data() + i);
  return kernels_.select(sums_.data(), count, float_above(tables_.most(q, threshold)), positions_.data());
}

}  // namespace knear
