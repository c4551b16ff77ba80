// The rows of an add or an update that are stored: all of them, or those without NaN and Inf.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "knear/codec.h"
#include "knear/params.h"

namespace knear {

// Borrows the rows and ids.
class RowsToStore {
 public:
  // Error::invalid_argument names the first row that may not be stored.
  RowsToStore(MatrixView rows, const AddOptions& options, const Codec& codec);

  std::size_t count() const noexcept { return some_ ? good_.size() : rows_.rows(); }
  std::span<const Id> ids() const noexcept { return some_ ? std::span<const Id>(good_ids_) : ids_; }
  // Row i of these, as float32.
  void copy_row(std::size_t i, float* row) const { rows_.copy_row(some_ ? good_[i] : i, row); }
  // All of them, in `copy` where they do not lie together.
  MatrixView view(Matrix& copy) const;
  // The codes of `count` rows from `first` on.
  void encode(const Codec& codec, std::size_t first, std::size_t count, Byte* codes) const;

 private:
  MatrixView rows_;
  std::span<const Id> ids_;
  bool some_ = false;
  std::vector<std::size_t> good_;  // some: the rows
  std::vector<Id> good_ids_;
};

}  // namespace knear
