// Sums of table entries for codes of two product quantizers, whose centroids a and b add up to the decoded row x: for a
// few queries.
//
// -q·x is near -q·a - q·b, and under L2 |q - x|^2 is |q|^2 - 2 q·a - 2 q·b + |x|^2, where |x|^2 stands in the code.
// docs/exactness.md says how near.
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

// Squared lengths from here on are not kept: NaN stands for them, and lets a code pass every filter.
inline constexpr double kMostSquare = 1e36;

class TwoTableFilter {
 public:
  // Codes are those of `coarse`, then those of `fine`, under L2 then the squared length.
  TwoTableFilter(const ProductQuantizer& coarse, const ProductQuantizer& fine, Metric::Kind metric, MatrixView queries);

  // See filter_scan.h; the row is null.
  template <class Sink>
  void run(const CodeBlock& block, Sink& sink) {
    for (std::size_t first = 0; first < block.count;) {
      const std::size_t count = std::min(next_rows_, block.count - first);
      take(block, first, count);
      for (std::size_t q = 0; q < infos_.size(); ++q) {
        const std::size_t found = select(q, count, sink.threshold(q));
        for (std::size_t p = 0; p < found; ++p) {
          const std::size_t row = positions_[p];
          sink.take(q, first + row, nullptr, interval(infos_[q], double{sums_[row]}));
        }
      }
      first += count;
      next_rows_ = std::min(2 * next_rows_, kMostRows);
    }
  }

 private:
  static constexpr std::size_t kMostRows = 512;
  static constexpr double kSumError = 8 * 0x1p-24;

  // |base + scale * sum - D| <= absolute + kSumError * scale * sum
  struct Info {
    double base;
    double absolute;
  };

  Interval interval(const Info& info, double sum) const noexcept {
    const double value = info.base + scale_ * sum;
    const double error = info.absolute + kSumError * scale_ * sum;
    if (std::isfinite(value) && std::isfinite(error)) return {value - error, value + error};
    return {-std::numeric_limits<double>::infinity(), std::numeric_limits<double>::infinity()};
  }
  void take(const CodeBlock& block, std::size_t first, std::size_t count);
  std::size_t select(std::size_t q, std::size_t count, double threshold);

  const kernels::Table& kernels_;
  bool has_squares_;
  std::size_t coarse_bytes_;
  std::size_t fine_bytes_;
  double scale_;
  PqTables coarse_tables_;
  PqTables fine_tables_;
  TableSums coarse_codes_;
  TableSums fine_codes_;
  std::vector<Info> infos_;
  std::size_t next_rows_ = 16;  // few at first, when all rows pass
  std::vector<float> halves_;   // of the squared lengths; zero where there are none
  std::vector<float> sums_;
  std::vector<float> fine_sums_;
  std::vector<std::uint32_t> positions_;
};

}  // namespace knear
