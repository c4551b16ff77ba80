// A filter that looks at shadows first: whole numbers instead of floats, a byte a dimension.
//
// Blocks without shadows, and all blocks once shadows turn out to rule out too little, go through float32 arithmetic.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstring>
#include <memory>
#include <vector>

#include "codec/batch_filter.h"
#include "codec/shadow_queries.h"
#include "knear/codec.h"

namespace knear {

class ShadowFilter {
 public:
  // When shadows are not used, although there are some.
  enum class GiveUp { never, when_slower };

  struct Task {
    std::size_t k;     // results asked for; 0: all within a radius
    std::size_t rows;  // to be looked at, about
    GiveUp give_up;
  };
  // Queries made ready before, and which of them these are.
  struct Prepared {
    std::shared_ptr<const ShadowQueries> all;
    std::vector<std::uint32_t> which;
  };

  // The queries, float32, outlive it.
  ShadowFilter(const Codec& codec, MatrixView queries, const Task& task, Prepared prepared = {});
  ~ShadowFilter();

  // As BatchFilter::run. The sink also says how many rows it has ranked: sink.ranked().
  template <class Sink>
  void run(const CodeBlock& block, Sink& sink) {
    if (!use(block)) return plain().run(block, sink);
    for (std::size_t first = 0; first < block.count;) {
      const std::size_t count = std::min(next_rows_, block.count - first);
      run_part(block, first, count, sink);
      first += count;
      next_rows_ = std::min(2 * next_rows_, rows_at_once_);
    }
    judge(block.count, sink.ranked());
  }

 private:
  template <class Sink>
  void run_part(const CodeBlock& block, std::size_t first, std::size_t count, Sink& sink) {
    const Byte* shadows = block.shadows + first * stride_;
    const auto take = [&](std::size_t q, std::size_t row, std::int32_t dot) {
      kernels::ShadowFactors factors;
      std::memcpy(&factors, shadows + (row + 1) * stride_ - sizeof factors, sizeof factors);
      const float* const floats = are_floats_ ? reinterpret_cast<const float*>(block.code(first + row)) : nullptr;
      sink.take(q, first + row, floats, packed_->interval(place(q), factors, dot));
    };
    const bool more = first + 2 * count <= block.count;
    for (std::size_t group = 0; group < groups_; ++group) {
      const std::size_t begin = group * width_;
      const std::size_t queries = std::min(width_, queries_.rows() - begin);
      for (std::size_t q = begin; q < begin + queries; ++q) follow(q, sink.threshold(q));
      const std::size_t found = tile(group, queries, {shadows, count, more && group == 0});
      for (std::size_t h = 0; h < found; ++h) {
        const kernels::ShadowHit& hit = hits_[h];
        if (hit.query >= queries) continue;
        const std::size_t q = begin + hit.query;
        take(q, hit.row, full_dot(q, shadows + hit.row * stride_));
      }
      passed_ += found;
    }
    for (std::size_t q = groups_ * width_; q < queries_.rows(); ++q) {
      follow(q, sink.threshold(q));
      const std::size_t found = stream(q, {shadows, count, false});
      for (std::size_t p = 0; p < found; ++p) take(q, positions_[p], full_dot(q, shadows + positions_[p] * stride_));
      passed_ += found;
    }
  }

  struct Part {
    const Byte* shadows;
    std::size_t count;
    bool fetch_next;
  };

  std::size_t place(std::size_t q) const noexcept { return which_.empty() ? q : which_[q]; }
  BatchFilter& plain();
  bool use(const CodeBlock& block);
  void pack(const ByteShadow& shadow);
  void follow(std::size_t q, double threshold);
  std::size_t tile(std::size_t group, std::size_t queries, const Part& part);
  // With the query in full, not as the tile has it.
  std::int32_t full_dot(std::size_t q, const Byte* row) const {
    const std::size_t p = place(q);
    return table_.shadow_dot(row, packed_->coarse(p), packed_->fine(p), packed_->start(p), shadow_->codes());
  }
  std::size_t stream(std::size_t q, const Part& part);
  double gain(std::size_t rows) const;
  double usual_cost() const;
  void judge(std::size_t rows, std::size_t ranked);

  const Codec& codec_;
  MatrixView queries_;
  Task task_;
  bool are_floats_;
  std::unique_ptr<BatchFilter> plain_;
  const kernels::Table& table_;
  const ByteShadow* shadow_ = nullptr;  // that queries are packed for
  bool on_ = true;
  std::shared_ptr<const ShadowQueries> packed_;
  std::vector<std::uint32_t> which_;  // of them; empty: all, in order
  BytePanels panels_;
  std::size_t width_;
  std::size_t groups_;
  std::size_t stride_ = 0;
  std::size_t rows_at_once_ = 0;
  std::size_t next_rows_ = 0;
  std::vector<double> thresholds_;  // that the limits are for
  std::vector<float> weights_;
  std::vector<float> errors_;
  std::vector<float> limits_;
  std::unique_ptr<kernels::ShadowHit[]> hits_;
  std::vector<std::uint32_t> positions_;  // of one query and the rows at hand, as the next
  std::vector<float> values_;
  Matrix scratch_;
  // What it has cost so far.
  std::size_t rows_seen_ = 0;
  std::size_t passed_ = 0;
};

}  // namespace knear
