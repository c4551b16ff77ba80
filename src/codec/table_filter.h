// Sums of table entries for codes of any number of bits, row by row: for a few queries.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "codec/pq_tables.h"
#include "kernels/dispatch.h"
#include "knear/codec.h"

namespace knear {

class TableFilter {
 public:
  TableFilter(const ProductQuantizer& quantizer, Metric::Kind metric, MatrixView queries);

  // See filter_scan.h; the row is null.
  template <class Sink>
  void run(const CodeBlock& block, Sink& sink) {
    for (std::size_t first = 0; first < block.count;) {
      const std::size_t count = std::min(next_rows_, block.count - first);
      unpack(block, first, count);
      for (std::size_t q = 0; q < tables_.queries(); ++q) {
        const std::size_t found = select(q, count, sink.threshold(q));
        for (std::size_t p = 0; p < found; ++p) {
          const std::size_t row = positions_[p];
          sink.take(q, first + row, nullptr, tables_.interval(q, sums_[row]));
        }
      }
      first += count;
      next_rows_ = std::min(2 * next_rows_, kMostRows);
    }
  }

 private:
  static constexpr std::size_t kMostRows = 512;

  void unpack(const CodeBlock& block, std::size_t first, std::size_t count);
  std::size_t select(std::size_t q, std::size_t count, double threshold);

  const kernels::Table& kernels_;
  const ProductQuantizer& quantizer_;
  PqTables tables_;
  std::size_t next_rows_ = 16;   // few at first, when all rows pass
  const Byte* bytes_ = nullptr;  // of the rows at hand …
  std::ptrdiff_t stride_ = 0;
  std::vector<std::uint16_t> numbers_;  // … and, unless they are these bytes, row x sub-vector
  std::vector<float> sums_;
  std::vector<std::uint32_t> positions_;
};

}  // namespace knear
