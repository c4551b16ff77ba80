// Polysemous codes (Douze, Jégou, Perronnin: "Polysemous codes", ECCV 2016): the centroids of a sub-space are numbered
// such that numbers differ in few bits where centroids lie close together.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace knear {

// What annealing makes small: differences between the bits in which two numbers differ and the distance of their
// centroids, brought to the same mean and deviation; small distances count most.
class PolysemousLoss {
 public:
  // 2^bits centroids of `dim` floats; their numbers are their places.
  PolysemousLoss(std::span<const float> centroids, std::size_t dim);

  std::size_t count() const noexcept { return count_; }
  double value() const;
  // By how much it changes when the centroids at two places change places, and doing so.
  double change(std::size_t a, std::size_t b) const;
  void swap(std::size_t a, std::size_t b);
  // order()[place] = the centroid that is now there.
  const std::vector<std::uint32_t>& order() const noexcept { return order_; }

 private:
  const double* row(const std::vector<double>& matrix, std::size_t i) const { return matrix.data() + i * count_; }

  std::size_t count_;
  std::vector<double> bits_;     // place x place
  std::vector<double> wanted_;   // of the centroids at these places
  std::vector<double> weights_;  // and how much it counts
  std::vector<std::uint32_t> order_;
};

// A good order of centroids, by simulated annealing: the same for the same seed.
std::vector<std::uint32_t> polysemous_order(std::span<const float> centroids, std::size_t dim, std::uint64_t seed);

}  // namespace knear
