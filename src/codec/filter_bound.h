// What a float32 sum can say for certain about the canonical distance: docs/exactness.md has the proof.
//
// A filter computes, for a query q and a row x, a float32 value s near the distance. These bounds turn it into an
// interval [lower, upper] that holds the canonical float64 distance D (smaller is closer: inner product and
// cosine negated), so a row whose lower bound is above the k-th smallest upper bound cannot be among the k nearest.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>

#include "knear/metric.h"
#include "metric/float_bounds.h"

namespace knear {

struct Interval {
  double lower;
  double upper;
};

// The bounds for one metric and dimension. `row_norm` is the float32 squared length of the row from norm_rows().
class FilterBound {
 public:
  FilterBound(Metric::Kind metric, std::size_t dim);

  // A query as the tile takes it: its elements times scale(), and the two numbers of the tile's test
  //   row_bias(x) * query_bias + dot <= limit,
  // which every row with D <= threshold passes.
  struct Query {
    double norm;    // squared length in float64
    double length;  // its root
  };
  double scale(const Query& query) const;
  // For n rows; NaN where float32 cannot tell: such rows always pass.
  void row_biases(const float* row_norms, std::size_t n, float* biases) const;
  float query_bias(const Query& query, double threshold) const;
  float limit(const Query& query, double threshold) const;
  Interval from_tile(const Query& query, float row_norm, float dot) const {
    if (metric_ != Metric::l2) return similarity_from_tile(query, row_norm, dot);
    if (!safe(row_norm) || !safe(query.norm)) return kAnything;
    const double distance = query.norm + row_norm + dot;
    const double error = query_error_ * query.norm + row_error_ * row_norm + 4 * tiny_;
    return {distance - error, distance + error};
  }

  // The same for the row kernels: `value` from l2_rows (L2; row_norm is not looked at), from ip_rows with the negated
  // query (inner product), or from ip_rows (cosine).
  Interval from_rows(const Query& query, float row_norm, float value) const;
  // L2 and inner product: values above this have D > threshold. `largest` is what ip_rows returned.
  float row_limit(const Query& query, double threshold, float largest) const;

  // Is the squared length safely inside float32's range, so that no sum with it overflows?
  static bool safe(double norm) { return norm < kSafeNorm; }

 private:
  static constexpr float kSafeNorm = 1e36F;
  static constexpr Interval kAnything{-std::numeric_limits<double>::infinity(),
                                      std::numeric_limits<double>::infinity()};

  Interval similarity_from_tile(const Query& query, float row_norm, float dot) const;
  Interval around_cosine(const Query& query, float row_norm, double cosine) const;
  double length_above(float row_norm) const;

  Metric::Kind metric_;
  double root_dim_;
  double error_;        // of a float32 dot product relative to |q| |x|, and of a squared length
  double tiny_;         // absolute, from underflow
  double query_error_;  // of an L2 distance from the tile, relative to |q|^2 …
  double row_error_;    // … and to |x|^2
};

}  // namespace knear
