// Sums of entries of several levels that are near to a query, found level by level.
#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "partition/implicit_centroids.h"

namespace knear {

// |q - sum of entries|^2 = |q|^2 + for each entry (|entry|^2 - 2 q entry) + for each pair of them 2 entry entry':
// what of this no query changes, in float64.
class LevelTables {
 public:
  explicit LevelTables(const ImplicitCentroids& centroids);

  std::size_t memory_bytes() const noexcept { return (norms_.size() + products_.size()) * sizeof(double); }
  // |entry|^2, at [level * entries + number].
  const double* norms() const noexcept { return norms_.data(); }
  // 2 entry entry' of an entry of an earlier level and all of a later one.
  const double* products(std::size_t early, std::size_t number, std::size_t late) const noexcept {
    return products_.data() + ((late * (late - 1) / 2 + early) * entries_ + number) * entries_;
  }
  // Lengths of the longest entry of each level, added up.
  double longest() const noexcept { return longest_; }

 private:
  std::size_t entries_;
  std::vector<double> norms_;
  std::vector<double> products_;  // by pair of levels (0 1, 0 2, 1 2, 0 3, …), earlier entry, later entry
  double longest_ = 0;
};

// Looks for k cells among those that continue the k * beam_factor best sums of each level; a negative factor: among
// all. L2. The centroids and tables outlive it.
std::unique_ptr<CellSearch> make_beam_search(const ImplicitCentroids& centroids, const LevelTables& tables,
                                             float beam_factor);

}  // namespace knear
