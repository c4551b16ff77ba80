// Rotations by signs and Walsh-Hadamard transforms: O(dim log dim), and nearly as good as a random rotation.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace knear {

// Three rounds of random signs and Hadamard transforms (Ailon, Chazelle: "The fast Johnson-Lindenstrauss transform and
// approximate nearest neighbors", SIAM J. Comput. 39, 2009, has one round of them). Where the dimension is no power of
// two, a round transforms the longest beginning and the longest end that are, which overlap, and then the sums and
// differences of the two halves: orthogonal, too, and no dimension is added.
//
// Never changes once made; many threads may use it. A row has the same bits in whatever company and on every machine.
class HadamardRotation {
 public:
  HadamardRotation(std::size_t dim, std::uint64_t seed);

  std::size_t dim() const noexcept { return dim_; }
  // In place.
  void apply(float* row) const noexcept;
  void revert(float* row) const noexcept;

 private:
  static constexpr std::size_t kRounds = 3;

  const float* signs(std::size_t round) const noexcept { return signs_.data() + round * (dim_ + block_); }

  std::size_t dim_;
  std::size_t block_;  // the largest power of two that is not above dim
  // Of each round, for the row and again for its end; in the blocks times what makes a transform orthogonal.
  std::vector<float> signs_;
};

}  // namespace knear
