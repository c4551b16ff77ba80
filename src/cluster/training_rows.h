// The rows that a k-means learns from: a sample of the caller's, in float32.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "knear/cluster.h"
#include "knear/matrix.h"
#include "metric/panels.h"

namespace knear {

class TrainingRows {
 public:
  // Takes at most `most` rows, drawn evenly by `seed` and kept in ascending order; no other row is read. Float32 rows
  // that a kernel can read where they are stay there, when all of them are taken. Error::invalid_argument for NaN or
  // Inf, which names the row, and for weights that do not fit.
  TrainingRows(MatrixView rows, std::size_t most, const KmeansOptions& options);
  // All of some rows; errors count them from `first`.
  TrainingRows(MatrixView rows, std::uint64_t first, const RunOptions& run);

  std::size_t count() const noexcept { return rows_.count; }
  std::size_t dim() const noexcept { return dim_; }
  FloatSpan rows() const noexcept { return rows_; }
  FloatSpan rows(std::size_t first, std::size_t count) const noexcept { return {row(first), count, rows_.stride}; }
  MatrixView view() const noexcept {
    return {rows_.data, DType::f32, rows_.count, dim_, static_cast<std::ptrdiff_t>(rows_.stride * sizeof(float))};
  }
  const float* row(std::size_t i) const noexcept { return rows_.data + i * rows_.stride; }
  bool weighted() const noexcept { return !weights_.empty(); }
  double weight(std::size_t i) const noexcept { return weights_.empty() ? 1 : double{weights_[i]}; }
  double squared_length(std::size_t i) const noexcept { return squared_lengths_[i]; }

 private:
  void refer(MatrixView rows, const RunOptions& run);
  void take(MatrixView rows, const RunOptions& run);
  void measure(const RunOptions& run);
  void check_weights() const;
  std::uint64_t number(std::size_t i) const noexcept { return chosen_.empty() ? i : chosen_[i]; }

  std::size_t dim_;
  std::uint64_t first_ = 0;
  FloatSpan rows_{};
  Matrix copy_;
  std::vector<std::uint64_t> chosen_;  // ascending; empty: all
  std::vector<float> weights_;         // empty: all 1
  std::vector<double> squared_lengths_;
};

}  // namespace knear
