// What the sub-vectors of a batch of queries are away from all centroids of a product quantizer: a row's distance is a
// sum of as many numbers as it has sub-vectors.
//
// Tables hold float32 excesses x over the least of their sub-space, sums of these are S, and with the sum B of the
// least ones |B + S - D| <= relative * D + absolute for the canonical distance D to the decoded row. docs/exactness.md
// says why.
#pragma once

#include <cstddef>
#include <vector>

#include "codec/filter_bound.h"
#include "codec/product_quantizer.h"
#include "knear/metric.h"

namespace knear {

class PqTables {
 public:
  // L2 or inner product.
  PqTables(const ProductQuantizer& quantizer, Metric::Kind metric, MatrixView queries);

  std::size_t queries() const noexcept { return infos_.size(); }
  // Query q's: sub-space m's centroid c at [m * centroids + c], then zeros up to size().
  const float* of(std::size_t q) const noexcept { return tables_.data() + q * size_; }
  std::size_t size() const noexcept { return size_; }  // a multiple of 32

  // Around the distance of a row with this sum, however float32 rounded it.
  Interval interval(std::size_t q, double sum) const noexcept {
    const Info& info = infos_[q];
    if (!info.tells) return kAnything;
    const double value = info.base + sum;
    return {(value - info.absolute) * shrink_, (value + info.absolute) * grow_};
  }
  // Rows with D <= threshold have no larger sum, before rounding; infinity where float32 cannot tell.
  double most(std::size_t q, double threshold) const noexcept {
    const Info& info = infos_[q];
    if (!info.tells) return std::numeric_limits<double>::infinity();
    return threshold * (1 + relative_) + info.absolute - info.base;
  }

 private:
  static constexpr Interval kAnything{-std::numeric_limits<double>::infinity(),
                                      std::numeric_limits<double>::infinity()};
  struct Info {
    double base = 0;
    double absolute = 0;
    bool tells = true;
  };

  struct Out {
    float* values;
    float* least;  // of each sub-space
    float* most;
  };
  void fill(const ProductQuantizer& quantizer, Metric::Kind metric, const float* query, std::size_t q);
  void fill_by_rows(const ProductQuantizer& quantizer, Metric::Kind metric, const float* query, const Out& to) const;

  std::size_t size_;
  double dot_error_;  // of a float32 sum of sub_dim products, relative to the sum of their magnitudes
  double relative_;
  double shrink_;  // 1 / (1 + relative), on the safe side
  double grow_;    // 1 / (1 - relative)
  double tiny_;    // from underflow
  std::vector<float> tables_;
  std::vector<Info> infos_;
};

}  // namespace knear
