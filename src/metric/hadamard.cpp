#include "metric/hadamard.h"

#include <bit>
#include <cmath>

#include "core/rng.h"
#include "kernels/dispatch.h"

namespace knear {
namespace {

void multiply(float* row, const float* factors, std::size_t n) {
  for (std::size_t i = 0; i < n; ++i) row[i] *= factors[i];
}

// Sums and differences of the two halves; of an odd number, the middle one stays. Twice is nothing.
void mix_halves(float* row, std::size_t n) {
  constexpr auto kScale = 0.70710678118654752F;
  float* other = row + (n + 1) / 2;
  for (std::size_t i = 0; i < n / 2; ++i) {
    const float a = row[i] * kScale;
    const float b = other[i] * kScale;
    row[i] = a + b;
    other[i] = a - b;
  }
}

}  // namespace

HadamardRotation::HadamardRotation(std::size_t dim, std::uint64_t seed)
    : dim_(dim), block_(std::bit_floor(dim)), signs_(kRounds * (dim + block_)) {
  const auto scale = static_cast<float>(1 / std::sqrt(static_cast<double>(block_)));
  Rng rng(seed);
  for (std::size_t i = 0; i < signs_.size(); ++i) {
    const std::size_t place = i % (dim + block_);
    const float size = place < block_ || place >= dim ? scale : 1.0f;
    signs_[i] = rng.below(2) != 0 ? size : -size;
  }
}

void HadamardRotation::apply(float* row) const noexcept {
  const auto transform = kernels::table().hadamard;
  float* end = row + dim_ - block_;
  for (std::size_t round = 0; round < kRounds; ++round) {
    multiply(row, signs(round), dim_);
    transform(row, block_);
    if (block_ == dim_) continue;
    multiply(end, signs(round) + dim_, block_);
    transform(end, block_);
    mix_halves(row, dim_);
  }
}

void HadamardRotation::revert(float* row) const noexcept {
  const auto transform = kernels::table().hadamard;
  float* end = row + dim_ - block_;
  for (std::size_t round = kRounds; round-- > 0;) {
    if (block_ != dim_) {
      mix_halves(row, dim_);
      transform(end, block_);
      multiply(end, signs(round) + dim_, block_);
    }
    transform(row, block_);
    multiply(row, signs(round), dim_);
  }
}

}  // namespace knear
