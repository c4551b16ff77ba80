// Which of some centroids is nearest, settled by the canonical distance: the first of equal ones.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "knear/matrix.h"

namespace knear {

// How near a row is to a centroid.
enum class Nearness { distance, product };

// Where a row belongs, and what is known for certain: its distance to the centroid of its cell is at most `upper`, to
// any other at least `lower`.
struct Place {
  std::uint32_t cell = 0;
  float upper = 0;
  float lower = 0;
};

class Settler {
 public:
  Settler(const Matrix& centroids, Nearness nearness);

  std::size_t count() const noexcept { return rows_.size(); }
  std::size_t dim() const noexcept { return dim_; }
  const float* centroid(std::size_t c) const noexcept { return rows_[c]; }

  // Among all of them.
  std::uint32_t settle(const float* row) const;
  // Among numbers that ascend.
  std::uint32_t settle(const float* row, std::span<const std::uint32_t> numbers) const;

 private:
  std::size_t dim_;
  Nearness nearness_;
  std::vector<const float*> rows_;
};

}  // namespace knear
