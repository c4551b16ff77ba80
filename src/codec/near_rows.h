// How well codes of bits find near rows again: a trial that tells between ways of coding.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "knear/matrix.h"
#include "knear/parallel.h"

namespace knear {

class NearRows {
 public:
  // Looks for the rows nearest to some of these, float32 and finite, by squared distance.
  NearRows(const Matrix& rows, const RunOptions& run);

  // Are there rows enough to tell?
  bool can_tell() const noexcept { return !near_.empty(); }
  // The share of these neighbours, 0 to 1, that are among the few of least Hamming distance; codes lie one after the
  // other, in the order of the rows.
  double found(std::span<const Byte> codes, const RunOptions& run) const;

 private:
  std::size_t rows_;
  std::vector<std::uint32_t> near_;  // of each of the first rows
};

}  // namespace knear
