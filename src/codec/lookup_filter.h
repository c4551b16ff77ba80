// Register lookups over 4-bit codes in planes, which let pass every row that might matter.
//
// Per query the float32 tables are rounded down to bytes, in steps fine enough that the distance asked for is about
// as large as the sums that fit: a row whose sum is too large is out, and for what passes the float32 sum gives an
// interval around the distance.
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "codec/pq_tables.h"
#include "kernels/dispatch.h"
#include "knear/codec.h"

namespace knear {

class LookupFilter {
 public:
  // The quantizer has 4 bits.
  LookupFilter(const ProductQuantizer& quantizer, Metric::Kind metric, MatrixView queries);

  // See filter_scan.h; the row is null.
  template <class Sink>
  void run(const CodeBlock& block, Sink& sink) {
    const std::size_t groups = (block.count + kGroupRows - 1) / kGroupRows;
    for (std::size_t first = 0; first < groups;) {
      const std::size_t end = end_of_run(block, first, std::min(groups, first + next_groups_));
      if (end > first) {
        run_groups(block, first, end - first, sink);
        next_groups_ = std::min(2 * next_groups_, groups_at_once_);
      }
      first = std::max(end, first + 1);
    }
  }

 private:
  // Groups [first, end) all hold rows that are asked for.
  static std::size_t end_of_run(const CodeBlock& block, std::size_t first, std::size_t end) {
    if (!block.allowed) return end;
    std::size_t run = first;
    while (run < end && block.rows_of_group(run) != 0) ++run;
    return run;
  }

  template <class Sink>
  void run_groups(const CodeBlock& block, std::size_t first, std::size_t count, Sink& sink) {
    for (std::size_t q = 0; q < tables_.queries(); ++q) follow(q, sink.threshold(q));
    const std::size_t found = look_up(block, first, count);
    for (std::size_t h = 0; h < found; ++h) {
      const kernels::LookupHit& hit = hits_[h];
      const std::size_t group = first + hit.group;
      if (const std::uint32_t rows = hit.rows & block.rows_of_group(group)) {
        take_rows(block, group, hit.query, rows, sink);
      }
    }
  }

  // The threshold sinks as rows are taken.
  template <class Sink>
  void take_rows(const CodeBlock& block, std::size_t group, std::size_t q, std::uint32_t rows, Sink& sink) {
    float sums[kGroupRows];
    sum_rows(q, block.group(group), rows, sums);
    double threshold = sink.threshold(q);
    double most = tables_.most(q, threshold);
    for (; rows != 0; rows &= rows - 1) {
      const auto lane = static_cast<std::size_t>(std::countr_zero(rows));
      if (sums[lane] > most) continue;
      sink.take(q, group * kGroupRows + lane, nullptr, tables_.interval(q, sums[lane]));
      if (sink.threshold(q) == threshold) continue;
      threshold = sink.threshold(q);
      most = tables_.most(q, threshold);
    }
  }

  void follow(std::size_t q, double threshold);
  void round_tables(std::size_t q);
  std::size_t look_up(const CodeBlock& block, std::size_t first, std::size_t count);
  // sums[i] of the rows of a group whose bits are set.
  void sum_rows(std::size_t q, const Byte* group, std::uint32_t rows, float* sums) const;
  float sum(std::size_t q, const Byte* lane) const;

  const kernels::Table& kernels_;
  PqTables tables_;
  std::size_t planes_;
  double target_;  // of the bounds: the largest sums that bytes and 16 bits are good for
  std::size_t groups_at_once_;
  std::size_t next_groups_ = 1;     // few at first, when no threshold is known and all rows pass
  std::vector<double> thresholds_;  // that bounds_ are for
  std::vector<float> scales_;       // steps per unit of distance
  std::vector<float> scaled_;
  std::vector<std::uint8_t> bytes_;  // query x plane x 32
  std::vector<std::uint16_t> bounds_;
  std::unique_ptr<kernels::LookupHit[]> hits_;
};

}  // namespace knear
