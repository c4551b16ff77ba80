// Which cells are nearest.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "knear/cluster.h"
#include "knear/index.h"
#include "partition/nearest_centroids.h"

namespace knear {

// Over a coarse index whose rows 0 … nlist - 1 are the centroids. Never changes.
class CellFinder {
 public:
  // The coarse index is full.
  explicit CellFinder(std::shared_ptr<Index> coarse);

  std::size_t nlist() const noexcept { return centroids_.rows(); }
  const float* centroid(std::size_t cell) const noexcept { return centroids_.floats() + cell * centroids_.dim(); }
  // Fills the coarse index with these centroids again.
  void put_back() const;
  // The same cells?
  bool means_the_same_as(const CellFinder& other) const;

  // cells[i] = the nearest of row i; rows with NaN or Inf go to cell 0.
  std::vector<std::uint32_t> assign(MatrixView rows, const RunOptions& run) const;
  // The `count` nearest of each query, -1 where there are no more; in order, or about so.
  enum class Order : std::uint8_t { strict, loose };
  std::vector<Id> nearest(MatrixView queries, std::size_t count, Order order, const RunOptions& run) const;

 private:
  std::shared_ptr<Index> coarse_;
  Matrix centroids_;
  std::unique_ptr<const NearestCentroids> quick_;  // null: only the coarse index knows
};

// Fills the coarse index with the centroids of k-means.
void fill_coarse(MatrixView rows, std::size_t nlist, const KmeansOptions& kmeans, const TrainOptions& options,
                 Index& coarse);

}  // namespace knear
