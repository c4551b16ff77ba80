// A batch of queries as codes, ready to meet shadows, and what their sums say for certain: docs/exact-int8.md.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "codec/byte_shadow.h"
#include "codec/filter_bound.h"
#include "kernels/dispatch.h"
#include "knear/matrix.h"
#include "knear/parallel.h"
#include "metric/byte_image.h"

namespace knear {

class ShadowQueries {
 public:
  // How kernels meet a query: in a group of others, or alone.
  enum class Way : std::uint8_t { tiled, streamed };
  // Which of them the queries are made ready for.
  enum class For : std::uint8_t { groups_and_rest, both };

  // float32 queries; groups_and_rest: the first `in_groups` are to be tiled, the others to be streamed. `shadow`
  // outlives it.
  ShadowQueries(const ByteShadow& shadow, MatrixView queries, For what, std::size_t in_groups, const RunOptions& run);

  // What a walk estimates distances by: whether it can, the step of the query in full, and its squared length.
  bool safe(std::size_t query) const noexcept { return queries_[query].safe; }
  double step(std::size_t query) const noexcept { return queries_[query].full.step; }
  double square(std::size_t query) const noexcept { return queries_[query].full.square; }

  const ByteShadow& shadow() const noexcept { return shadow_; }

  // What a kernel's test takes: weight and error meet the row's factors.
  struct Limit {
    float weight;
    float error;
    float limit;
  };
  // For which every row with a canonical distance of at most `threshold` passes.
  Limit limit(std::size_t query, Way way, double threshold) const;
  // Around the canonical distance of a row that passed; `dot` with the query in full, coarse and fine.
  Interval interval(std::size_t query, const kernels::ShadowFactors& row, std::int32_t dot) const;

  // Tiled: what panels take.
  const std::int32_t* words(std::size_t query) const noexcept { return words_.data() + query * panels_.word_count(); }
  // The query in full, as kernels::Table::shadow_dot wants it. The coarse part alone is streamed.
  const std::int8_t* coarse(std::size_t query) const noexcept { return plane(query, 0); }
  const std::int8_t* fine(std::size_t query) const noexcept { return plane(query, 1); }
  std::int32_t start(std::size_t query) const noexcept { return queries_[query].start; }
  std::int32_t coarse_start(std::size_t query) const noexcept { return queries_[query].coarse_start; }

 private:
  struct Query {
    ByteImage tiled;      // that kernels test with …
    ByteImage streamed;   // … either way
    ByteImage full;       // coarse and fine
    double length = 0;    // of the query itself
    double constant = 0;  // inner product with the mean
    std::int32_t start = 0;
    std::int32_t coarse_start = 0;
    bool safe = false;  // else nothing can be said
  };

  const std::int8_t* plane(std::size_t query, std::size_t which) const noexcept {
    return planes_.data() + (query * 2 + which) * plane_bytes_;
  }
  struct Ways {
    bool tiled;
    bool streamed;
  };
  struct Scratch {
    std::vector<double> z;
    std::vector<int> codes;
  };
  void prepare(const float* row, std::size_t q, Ways ways, Scratch& scratch);
  bool prepared(const float* row, double* z, Query& query) const;
  ByteImage fit_planes(const double* z, int* codes) const;
  void put_planes(const int* codes, std::size_t query);

  const ByteShadow& shadow_;
  std::size_t dim_;  // of shadows
  double unit_;      // 1 / scale: exact
  std::size_t plane_bytes_;
  BytePanels panels_;  // of none, to round by
  std::vector<std::int32_t> words_;
  std::vector<std::int8_t> planes_;
  std::vector<Query> queries_;
};

}  // namespace knear
