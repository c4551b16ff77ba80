#include "codec/table_sums.h"

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
void sum(const Tables& tables, const Numbers<Number>& numbers, std::size_t count, float* sums) {
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

TableSums::TableSums(const ProductQuantizer& quantizer, std::size_t most_rows)
    : quantizer_(quantizer), numbers_(quantizer.bits() == 8 ? 0 : most_rows * quantizer.subs()) {}

// Codes of bytes are what they should be.
void TableSums::take(const Byte* codes, std::ptrdiff_t stride, std::size_t count) {
  bytes_ = codes;
  stride_ = stride;
  count_ = count;
  if (quantizer_.bits() == 8) return;
  for (std::size_t i = 0; i < count; ++i) {
    quantizer_.unpack(codes + static_cast<std::ptrdiff_t>(i) * stride, numbers_.data() + i * quantizer_.subs());
  }
}

void TableSums::add_up(const float* table, float* sums) const {
  const std::size_t subs = quantizer_.subs();
  const Tables tables{table, quantizer_.centroids(), subs};
  if (quantizer_.bits() == 8) {
    sum(tables, Numbers<Byte>{bytes_, stride_}, count_, sums);
  } else {
    sum(tables, Numbers<std::uint16_t>{numbers_.data(), static_cast<std::ptrdiff_t>(subs)}, count_, sums);
  }
}

}  // namespace knear
