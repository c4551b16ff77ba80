// Float32 arithmetic over blocks of rows for a batch of queries, which lets pass every row that might matter.
//
// Queries go through the tile in groups as wide as the instruction set likes; a small rest goes through the row
// kernels, one query at a time. Whoever owns the filter says per query how far is too far, and takes what passes.
#pragma once

#include <algorithm>
#include <cstddef>
#include <memory>
#include <vector>

#include "codec/filter_bound.h"
#include "codec/rows.h"
#include "kernels/dispatch.h"
#include "knear/codec.h"

namespace knear {

class BatchFilter {
 public:
  BatchFilter(const Codec& codec, MatrixView queries);

  std::size_t queries() const noexcept { return queries_.rows(); }
  std::size_t dim() const noexcept { return queries_.dim(); }
  const float* query(std::size_t q) const noexcept { return queries_.floats() + q * dim(); }

  // For every query and code of the block that may have a canonical distance <= sink.threshold(query):
  //   sink.take(query, position in the block, row as float32, interval around the distance)
  template <class Sink>
  void run(const CodeBlock& block, Sink& sink) {
    for (std::size_t first = 0; first < block.count;) {
      const Part part{first, std::min(next_rows_, block.count - first), {}, nullptr};
      run_part(block, part, sink);
      first += part.count;
      next_rows_ = std::min(2 * next_rows_, rows_at_once_);
    }
  }

 private:
  struct Part {
    std::size_t first;
    std::size_t count;
    FloatRows rows;
    const float* next;  // as many rows that come after them; null where that is not known
  };

  template <class Sink>
  void run_part(const CodeBlock& block, Part part, Sink& sink) {
    part.rows = reader_.read(block, part.first, part.count);
    if (part.rows.in_place && part.first + 2 * part.count <= block.count)
      part.next = part.rows.data + part.count * part.rows.stride;
    if (needs_norms_) measure(part);
    for (std::size_t group = 0; group < groups_; ++group) run_group(group, part, sink);
    for (std::size_t q = groups_ * width_; q < queries(); ++q) run_query(q, part, sink);
  }

  template <class Sink>
  void run_group(std::size_t group, const Part& part, Sink& sink) {
    const std::size_t first = group * width_;
    const std::size_t count = std::min(width_, queries() - first);
    for (std::size_t q = first; q < first + count; ++q) follow(q, sink.threshold(q));
    const std::size_t found = tile(group, count, part);
    for (std::size_t h = 0; h < found; ++h) {
      const kernels::TileHit& hit = hits_[h];
      if (hit.query >= count) continue;
      const std::size_t q = first + hit.query;
      sink.take(q, part.first + hit.row, part.rows.data + hit.row * part.rows.stride,
                bound_.from_tile(infos_[q], norms_[hit.row], hit.dot));
    }
  }

  template <class Sink>
  void run_query(std::size_t q, const Part& part, Sink& sink) {
    follow(q, sink.threshold(q));
    const std::size_t found = select(q, part);
    for (std::size_t p = 0; p < found; ++p) {
      const std::size_t row = positions_[p];
      const float* at = part.rows.data + row * part.rows.stride;
      sink.take(q, part.first + row, at,
                bound_.from_rows(infos_[q], needs_norms_ ? norms_[row] : norm_of(at), values_[row]));
    }
  }

  void pack();
  void measure(const Part& part);
  float norm_of(const float* row) const;
  void follow(std::size_t q, double threshold);
  std::size_t tile(std::size_t group, std::size_t queries, const Part& part);
  std::size_t select(std::size_t q, const Part& part);

  const kernels::Table& table_;
  Metric metric_;
  FilterBound bound_;
  RowReader reader_;
  Matrix queries_;     // float32
  Matrix packed_;      // per group: dim x width, scaled
  Matrix negated_;     // inner product: the queries behind the groups
  std::size_t width_;  // queries of a group
  std::size_t groups_;
  std::size_t rows_at_once_;
  std::size_t next_rows_;  // of the next part: few at first, when no threshold is known and all of them pass
  bool needs_norms_;
  std::vector<FilterBound::Query> infos_;
  std::vector<double> thresholds_;  // that limits_ and query_bias_ are for
  std::vector<float> limits_;       // groups x width, then, for cosine, one for each query of the rest
  std::vector<float> query_bias_;
  std::vector<float> norms_;  // of the rows at hand
  std::vector<float> row_bias_;
  std::vector<float> values_;  // of one query and the rows at hand
  std::vector<float> lower_;   // what each of values_ says at the least
  std::vector<std::uint32_t> positions_;
  std::unique_ptr<kernels::TileHit[]> hits_;
  Matrix scratch_;
};

}  // namespace knear
