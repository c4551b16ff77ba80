// Shadows of rows in a byte a dimension, with an error that is known: docs/exact-int8.md.
//
// A row is centred: y = (x - mean) * scale, under cosine of x / |x|, and turned at random where that spreads outlying
// dimensions. Its shadow is a step s and codes c of -127 to 127 with y near s c, and e >= |y - s c|.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "io/byte_fields.h"
#include "kernels/table.h"
#include "knear/codec.h"
#include "knear/metric.h"

namespace knear {

class ByteShadow final : public Shadow {
 public:
  // Learns mean, scale and whether to turn from n rows of an element type, one after the other; n >= 1.
  ByteShadow(std::size_t dim, Metric::Kind metric, DType stored, const Byte* rows, std::size_t n);
  ByteShadow(std::size_t dim, Metric::Kind metric, DType stored, ByteSource& source);

  std::size_t bytes() const noexcept override { return codes() + sizeof(kernels::ShadowFactors); }
  void cast(const Byte* rows, std::size_t n, Byte* shadows) const override;
  double error(const Byte* rows, std::size_t n) const override;
  bool holds(const Byte* row, const Byte* shadow) const override;
  std::string about() const override;
  void write(ByteSink& sink) const override;

  std::size_t dim() const noexcept { return mean_.size(); }
  // Elements of a shadow: dim, filled up to a multiple of four.
  std::size_t codes() const noexcept { return (dim() + 3) / 4 * 4; }
  Metric::Kind metric() const noexcept { return metric_; }
  const std::vector<float>& mean() const noexcept { return mean_; }
  double mean_length() const noexcept { return mean_length_; }
  double scale() const noexcept { return scale_; }
  // Do whole numbers of 0 to 255 have shadows without error?
  bool lossless() const noexcept { return lossless_; }

  // Turns a row that was centred and scaled (or is not to be), in place.
  void turn(double* y) const;

  // Searches for about k that gave up shadows make the next ones start without; atomics, so that searches may note it.
  bool is_worth_trying(std::size_t k) const noexcept;
  void note(std::size_t k, bool gave_up) const noexcept;

 private:
  static constexpr std::size_t kSizes = 16;  // of k, as powers of two

  std::size_t padded() const noexcept { return (dim() + 15) / 16 * 16; }
  void prepare();
  void learn_centre(const std::vector<float>& rows, std::size_t n);
  std::vector<float> medians_of(const std::vector<float>& rows, std::size_t n) const;
  double square_of(const float* row) const;
  std::vector<std::size_t> usual_rows(const std::vector<float>& rows, std::size_t n) const;
  double mean_error(const std::vector<float>& rows, std::size_t n) const;
  bool centred(const float* row, double* y) const;
  kernels::ShadowFactors cast_row(const double* y, Byte* codes) const;

  Metric::Kind metric_;
  DType stored_;
  std::vector<float> mean_;
  double scale_ = 1;  // a power of two
  bool lossless_ = false;
  std::uint64_t turns_ = 0;  // seed of the signs; 0: rows are not turned
  double mean_length_ = 0;
  std::vector<double> signs_;
  mutable std::atomic<std::uint64_t> tried_ = 0;
  mutable std::atomic<std::uint64_t> gave_up_ = 0;
  mutable std::array<std::atomic<std::uint32_t>, kSizes> rests_{};
};

}  // namespace knear
