// Sums of table entries for codes of any number of bits, row by row: for a few queries.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "codec/pq_tables.h"
#include "codec/table_sums.h"
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
      codes_.take(block.code(first), block.stride, count);
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

  std::size_t select(std::size_t q, std::size_t count, double threshold);

  const kernels::Table& kernels_;
  PqTables tables_;
  TableSums codes_;
  std::size_t next_rows_ = 16;  // few at first, when all rows pass
  std::vector<float> sums_;
  std::vector<std::uint32_t> positions_;
};

}  // namespace knear
