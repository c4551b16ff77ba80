#include "codec/table_filter.h"

namespace knear {
namespace {

// The tables of one query, `entries` apart.
struct Tables {
  const float* first;
  std::size_t entries;
  std::size_t count;
};

// The numbers of consecutive rows, `stride` apart.
template <class Number>
struct Numbers {
  const Number* first;
  std::ptrdiff_t stride;
  const Number* row(std::size_t i) const { return first + static_cast<std::ptrdiff_t>(i) * stride; }
};

// Four rows side by side: one alone would wait for each addition.
template <class Number>
void add_up(const Tables& tables, const Numbers<Number>& numbers, std::size_t count, float* sums) {
  std::size_t i = 0;
  for (; i + 4 <= count; i += 4) {
    const Number* a = numbers.row(i);
    const Number* b = numbers.row(i + 1);
    const Number* c = numbers.row(i + 2);
    const Number* d = numbers.row(i + 3);
    float of_a = 0, of_b = 0, of_c = 0, of_d = 0;
    const float* table = tables.first;
    for (std::size_t m = 0; m < tables.count; ++m, table += tables.entries) {
      of_a += table[a[m]];
      of_b += table[b[m]];
      of_c += table[c[m]];
      of_d += table[d[m]];
    }
    sums[i] = of_a;
    sums[i + 1] = of_b;
    sums[i + 2] = of_c;
    sums[i + 3] = of_d;
  }
  for (; i < count; ++i) {
    const Number* numbers_of_row = numbers.row(i);
    sums[i] = 0;
    for (std::size_t m = 0; m < tables.count; ++m) sums[i] += tables.first[m * tables.entries + numbers_of_row[m]];
  }
}

}  // namespace

TableFilter::TableFilter(const ProductQuantizer& quantizer, Metric::Kind metric, MatrixView queries)
    : kernels_(kernels::table()),
      quantizer_(quantizer),
      tables_(quantizer, metric, queries),
      numbers_(quantizer.bits() == 8 ? 0 : kMostRows * quantizer.subs()),
      sums_(kMostRows),
      positions_(kMostRows) {}

// Codes of bytes are what they should be.
void TableFilter::unpack(const CodeBlock& block, std::size_t first, std::size_t count) {
  bytes_ = block.code(first);
  stride_ = block.stride;
  if (quantizer_.bits() == 8) return;
  for (std::size_t i = 0; i < count; ++i) {
    quantizer_.unpack(block.code(first + i), numbers_.data() + i * quantizer_.subs());
  }
}

std::size_t TableFilter::select(std::size_t q, std::size_t count, double threshold) {
  const std::size_t subs = quantizer_.subs();
  const Tables tables{tables_.of(q), quantizer_.centroids(), subs};
  if (quantizer_.bits() == 8) {
    add_up(tables, Numbers<Byte>{bytes_, stride_}, count, sums_.data());
  } else {
    add_up(tables, Numbers<std::uint16_t>{numbers_.data(), static_cast<std::ptrdiff_t>(subs)}, count, sums_.data());
  }
  // The sums are float32, too: what they may be too large by is in the bound.
  return kernels_.select(sums_.data(), count, float_above(tables_.most(q, threshold)), positions_.data());
}

}  // namespace knear
