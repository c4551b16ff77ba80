// The weighted sum of each cell's rows in float64, from which the centroids and the objective come.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "cluster/training_rows.h"
#include "knear/parallel.h"

namespace knear {

// Each cell's rows are added in ascending order by one task, so that the bits do not depend on the threads.
class CentroidSums {
 public:
  CentroidSums(const TrainingRows& rows, std::size_t k);

  // From the beginning: row i lies in cells[i].
  void recompute(std::span<const std::uint32_t> cells, const RunOptions& run);

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
  const TrainingRows& rows_;
  std::size_t k_;
  std::vector<double> sums_;  // k x dim
  std::vector<double> weights_;
  std::vector<double> squares_;  // weighted sums of squared lengths
  std::vector<std::size_t> sizes_;
};

}  // namespace knear
