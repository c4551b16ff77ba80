// Vectors packed so that rows meet many of them at once: the columns of a matrix, or centroids.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "knear/matrix.h"

namespace knear {

// Float32 rows for a kernel: row i at data + i * stride.
struct FloatSpan {
  const float* data;
  std::size_t count;
  std::size_t stride;  // in floats
};

// Never changes once made; many threads may use it. A row's results have the same bits in whatever company it comes.
class Panels {
 public:
  // out = row x vectors^T + bias: `vectors` are the rows of a count x dim matrix; an empty bias is zero.
  static Panels for_products(FloatSpan vectors, std::size_t dim, std::span<const float> bias = {});
  // Which of the vectors is nearest to a row, by squared distance.
  static Panels for_nearest(FloatSpan vectors, std::size_t dim);
  // Which has the largest inner product.
  static Panels for_largest_product(FloatSpan vectors, std::size_t dim);

  std::size_t count() const noexcept { return count_; }
  std::size_t dim() const noexcept { return dim_; }

  // out[r * out_stride + c].
  void products(FloatSpan rows, float* out, std::size_t out_stride) const;

  // Of each row: the number of the best vector, of equal ones the first; its value, and that of the second best. The
  // value of for_nearest is half the squared distance less half the row's squared length; of for_largest_product it is
  // the negated product. A NaN row has the number 0 and the value infinity. `seconds` may be null.
  void nearest(FloatSpan rows, std::uint32_t* numbers, float* values, float* seconds = nullptr) const;

 private:
  Panels(std::size_t count, std::size_t dim);
  void pack(FloatSpan vectors, float scale);
  void nearest_in_lanes(FloatSpan rows, std::uint32_t* numbers, float* values, float* seconds) const;

  std::size_t count_;
  std::size_t dim_;
  std::size_t width_;  // lanes of a group
  std::size_t groups_;
  Matrix panels_;            // float32: groups x dim x width
  std::vector<float> bias_;  // groups x width
  std::vector<float> rows_;  // for_nearest of few dimensions: the vectors as they came, scaled; else empty
};

}  // namespace knear
