// Few queries over codes of a scalar quantizer: distances are summed up from the codes, and no row is decoded but what
// passes.
//
// Under L2, (q - offset) - step * code is summed up, under inner product (q * step) * code, in float32. Where a query's
// elements would overflow, all rows pass.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "codec/filter_bound.h"
#include "kernels/dispatch.h"
#include "knear/codec.h"

namespace knear {

// Element j of a row is offsets[j] + steps[j] * code.
struct ScalarCodes {
  std::size_t bits;
  std::span<const float> offsets;
  std::span<const float> steps;
};

class ScalarFilter {
 public:
  // L2 or inner product; what `codes` looks at outlives it.
  ScalarFilter(const ScalarCodes& codes, Metric::Kind metric, MatrixView queries);

  // See filter_scan.h; the row is null.
  template <class Sink>
  void run(const CodeBlock& block, Sink& sink) {
    for (std::size_t first = 0; first < block.count;) {
      const std::size_t count = std::min(next_rows_, block.count - first);
      for (std::size_t q = 0; q < infos_.size(); ++q) {
        const std::size_t found = select(q, block, {first, count}, sink.threshold(q));
        for (std::size_t p = 0; p < found; ++p) {
          sink.take(q, first + positions_[p], nullptr, interval(infos_[q], values_[positions_[p]]));
        }
      }
      first += count;
      next_rows_ = std::min(2 * next_rows_, rows_at_once_);
    }
  }

 private:
  // A query whose sums s tell: the root of the distance is within `error` of that of s, but for a factor, or the
  // distance within `error` of s - base.
  struct Info {
    double base = 0;
    double error = 0;
    bool tells = true;
  };
  struct Part {
    std::size_t first;
    std::size_t count;
  };

  Info prepare_l2(const float* query, float* base) const;
  Info prepare_product(const float* query, float* steps) const;
  std::size_t select(std::size_t q, const CodeBlock& block, Part part, double threshold);
  float limit(const Info& info, double threshold) const;
  Interval interval(const Info& info, double sum) const;

  const kernels::Table& kernels_;
  ScalarCodes codes_;
  bool l2_;
  std::size_t rows_at_once_;
  std::size_t next_rows_;       // few at first, when no threshold is known and all of them pass
  double relative_;             // error of a sum
  std::vector<float> terms_;    // query x dim: what meets codes
  std::vector<float> negated_;  // steps
  std::vector<Info> infos_;
  std::vector<float> values_;  // of one query and the rows at hand, as the next
  std::vector<std::uint32_t> positions_;
};

}  // namespace knear
