// Rows to learn from or to look for: all of them, or a sample.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "core/rng.h"
#include "knear/matrix.h"

namespace knear {

// Borrows the rows. The sample is the same whenever there are as many rows, in ascending order.
class RowSet {
 public:
  explicit RowSet(MatrixView rows) : rows_(rows), count_(rows.rows()) {}
  RowSet(MatrixView rows, std::size_t most) : rows_(rows), count_(std::min(rows.rows(), most)) {
    if (count_ == rows.rows()) return;
    constexpr std::uint64_t kSeed = 1234;
    chosen_ = Rng(kSeed).sample(rows.rows(), count_);
    std::sort(chosen_.begin(), chosen_.end());
  }

  std::size_t count() const noexcept { return count_; }
  std::size_t dim() const noexcept { return rows_.dim(); }
  void copy_row(std::size_t i, float* out) const noexcept { rows_.copy_row(chosen_.empty() ? i : chosen_[i], out); }
  Matrix floats() const {
    Matrix copy(DType::f32, count_, dim());
    for (std::size_t i = 0; i < count_; ++i) copy_row(i, copy.floats() + i * dim());
    return copy;
  }

 private:
  MatrixView rows_;
  std::size_t count_;
  std::vector<std::uint64_t> chosen_;
};

// The rows numbered in `which`, as float32.
inline Matrix rows_of(MatrixView rows, std::span<const std::uint32_t> which) {
  Matrix copy(DType::f32, which.size(), rows.dim());
  for (std::size_t i = 0; i < which.size(); ++i) rows.copy_row(which[i], copy.floats() + i * rows.dim());
  return copy;
}

}  // namespace knear
