// The weighted sum of each cell's rows in float64, from which the centroids and the objective come.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "cluster/training_rows.h"
#include "knear/parallel.h"

namespace knear {

// One task adds all that belongs to a cell, in ascending order of the rows, so that the bits do not depend on the
// threads.
class CentroidSums {
 public:
  // Between two sums of everything at most so many updates, so that rounding does not add up.
  static constexpr std::size_t kUpdates = 16;
  CentroidSums(const TrainingRows& rows, std::size_t k, std::size_t updates = kUpdates);

  // Row i lies in cells[i]. While few rows move, only these are taken off and added; now and then all is summed anew.
  void update(std::span<const std::uint32_t> cells, const RunOptions& run);

  std::size_t cells() const noexcept { return k_; }
  const double* sum(std::size_t cell) const noexcept { return sums_.data() + cell * rows_.dim(); }
  double weight(std::size_t cell) const noexcept { return weights_[cell]; }
  std::size_t size(std::size_t cell) const noexcept { return sizes_[cell]; }
  // Weighted sum of the squared distances of the cell's rows to their mean.
  double spread(std::size_t cell) const noexcept;
  // Weighted sum of the squared distances of all rows to these centroids, k x dim; and of their inner products.
  double squared_distances(const float* centroids) const;
  double inner_products(const float* centroids) const;
  double imbalance() const;

 private:
  struct Change;
  struct ByCell;

  ByCell all_rows(std::span<const std::uint32_t> cells) const;
  ByCell moved_rows(std::span<const std::uint32_t> cells) const;
  void apply(std::size_t cell, std::span<const Change> changes);

  const TrainingRows& rows_;
  std::size_t k_;
  std::size_t updates_;
  std::size_t until_anew_ = 0;
  std::vector<std::uint32_t> cells_;
  std::vector<double> sums_;  // k x dim
  std::vector<double> weights_;
  std::vector<double> squares_;  // weighted sums of squared lengths
  std::vector<std::size_t> sizes_;
};

}  // namespace knear
