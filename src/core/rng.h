// Random numbers that are the same on every machine, compiler and standard library.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace knear {

// xoshiro256** (Blackman, Vigna: "Scrambled linear pseudorandom number generators", ACM TOMS 47, 2021),
// its state filled by SplitMix64 from the seed and the stream. Two streams of one seed have nothing in common,
// so each task of a parallel loop takes its own: the result does not depend on the number of threads.
class Rng {
 public:
  explicit Rng(std::uint64_t seed, std::uint64_t stream = 0) noexcept;

  std::uint64_t bits() noexcept;                      // 64 random bits
  std::uint64_t below(std::uint64_t bound) noexcept;  // 0 … bound - 1, all equally likely; bound >= 1
  float uniform() noexcept;                           // [0, 1), a multiple of 2^-24
  double uniform_double() noexcept;                   // [0, 1), a multiple of 2^-53
  double normal() noexcept;                           // mean 0, variance 1

  // 0 … n - 1 in random order.
  std::vector<std::uint64_t> permutation(std::size_t n);
  // `count` different numbers below n, in random order; the first ones of permutation(n).
  std::vector<std::uint64_t> sample(std::uint64_t n, std::size_t count);

 private:
  std::array<std::uint64_t, 4> state_;
  double spare_normal_ = 0;
  bool has_spare_normal_ = false;
};

}  // namespace knear
