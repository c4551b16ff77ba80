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

class ImplicitCentroids;

// Over a coarse index whose rows 0 … nlist - 1 are the centroids. Never changes.
class CellFinder {
 public:
  // The coarse index is full.
  explicit CellFinder(std::shared_ptr<Index> coarse);

  std::size_t nlist() const noexcept { return nlist_; }
  // In place, or put into `scratch`, as long as a row, where centroids are combinations.
  const float* centroid(std::size_t cell, float* scratch) const;
  // Are centroids combinations, of which there are many, most with empty lists?
  bool are_combinations() const noexcept { return implicit_ != nullptr; }
  std::size_t memory_bytes() const noexcept { return centroids_.rows() * centroids_.dim() * sizeof(float); }
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
  std::vector<Id> nearest_combinations(MatrixView queries, std::size_t count, const RunOptions& run) const;

  std::shared_ptr<Index> coarse_;
  std::size_t nlist_;
  std::shared_ptr<const ImplicitCentroids> implicit_;  // null: these are all centroids
  Matrix centroids_;
  std::unique_ptr<const NearestCentroids> quick_;  // null: only the coarse index knows
};

// Fills the coarse index with the centroids of k-means; one whose centroids are combinations learns them itself.
void fill_coarse(MatrixView rows, std::size_t nlist, const KmeansOptions& kmeans, const TrainOptions& options,
                 Index& coarse);

// Makes a coarse index what it was before it was filled, which it may not have been yet.
class CoarseBackup {
 public:
  // before: the cells that it finds; null: none.
  CoarseBackup(Index& coarse, std::shared_ptr<const CellFinder> before);
  void restore() const;

 private:
  Index& coarse_;
  std::shared_ptr<const CellFinder> before_;
  std::shared_ptr<const ImplicitCentroids> implicit_;
};

}  // namespace knear
