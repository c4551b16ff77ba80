// Sums of table entries for consecutive codes of a product quantizer, of any number of bits, row by row.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "codec/product_quantizer.h"

namespace knear {

class TableSums {
 public:
  TableSums(const ProductQuantizer& quantizer, std::size_t most_rows);

  // Codes `stride` bytes apart, which stay where they are until the next ones come.
  void take(const Byte* codes, std::ptrdiff_t stride, std::size_t count);
  // sums[i] = of what a table (sub-space x centroid) has for code i, in float32.
  void add_up(const float* table, float* sums) const;

 private:
  const ProductQuantizer& quantizer_;
  const Byte* bytes_ = nullptr;
  std::ptrdiff_t stride_ = 0;
  std::size_t count_ = 0;
  std::vector<std::uint16_t> numbers_;  // unless they are bytes: row x sub-vector
};

}  // namespace knear
