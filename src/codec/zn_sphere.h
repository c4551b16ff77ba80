// The integer points on a sphere, numbered. A spherical code for directions (Sablayrolles, Douze, Schmid, Jégou:
// "Spreading vectors for similarity search", ICLR 2019).
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace knear {

// All points of Z^dim with the squared length r2. Their magnitudes, sorted, are an atom; a point's number is what all
// atoms before its own have, then the number of its arrangement of the atom times the number of signs, then its signs.
class ZnSphere {
 public:
  static constexpr std::size_t kMostR2 = 1024;

  // Error::invalid_argument when there are no points or 2^64 of them or more.
  ZnSphere(std::size_t dim, std::size_t r2);

  std::size_t dim() const noexcept { return dim_; }
  std::uint64_t count() const noexcept { return count_; }

  // The point that has the largest inner product with x, which is returned.
  double nearest(const float* x, std::span<int> point) const;
  std::uint64_t number_of(std::span<const int> point) const;
  // number < count().
  void point_at(std::uint64_t number, std::span<int> point) const;

 private:
  struct Level {
    int value;
    std::size_t times;
  };
  struct Atom {
    std::vector<Level> levels;  // the largest value first; the last may be 0
    std::size_t nonzero;
    std::uint64_t arrangements;
    std::uint64_t first;  // number of its first point
  };

  void add_atoms(std::size_t left, std::size_t places, int most, std::vector<Level>& levels);
  void add_atom(std::vector<Level> levels, std::size_t zeros);

  std::size_t dim_;
  std::uint64_t count_ = 0;
  std::vector<Atom> atoms_;
};

}  // namespace knear
