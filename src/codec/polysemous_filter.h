// Codes that differ from a query's own in few bits; of these, those whose sum of table entries is small enough.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "codec/pq_tables.h"
#include "kernels/dispatch.h"
#include "knear/codec.h"

namespace knear {

// See filter_scan.h; for codes that lie row by row. Codes that differ in most_bits or more are not found at all.
class PolysemousFilter {
 public:
  PolysemousFilter(const ProductQuantizer& quantizer, Metric::Kind metric, MatrixView queries, std::size_t most_bits);

  template <class Sink>
  void run(const CodeBlock& block, Sink& sink) {
    for (std::size_t first = 0; first < block.count; first += kRows) {
      const std::size_t count = std::min(kRows, block.count - first);
      for (std::size_t q = 0; q < tables_.queries(); ++q) {
        const std::size_t near = select(block, first, count, q);
        for (std::size_t i = 0; i < near; ++i) {
          const float sum = sum_of(q, block.code(first + positions_[i]));
          if (sum <= most(q, sink.threshold(q))) sink.take(q, first + positions_[i], nullptr, tables_.interval(q, sum));
        }
      }
    }
  }

  // Pairs of query and code whose sums were made.
  std::uint64_t summed() const noexcept { return summed_; }

 private:
  static constexpr std::size_t kRows = 512;

  std::size_t select(const CodeBlock& block, std::size_t first, std::size_t count, std::size_t q);
  float sum_of(std::size_t q, const Byte* code);
  double most(std::size_t q, double threshold) const { return float_above(tables_.most(q, threshold)); }

  const ProductQuantizer& quantizer_;
  PqTables tables_;
  std::uint32_t most_bits_;
  std::uint64_t summed_ = 0;
  std::vector<Byte> codes_;  // of the queries
  std::vector<std::uint16_t> numbers_;
  std::vector<std::uint32_t> positions_;
  std::vector<std::uint32_t> differences_;
};

}  // namespace knear
