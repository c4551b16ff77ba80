// Vectors near whole multiples of a step, as kernels over shadows take them: docs/exact-int8.md.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "kernels/dispatch.h"
#include "knear/matrix.h"

namespace knear {

// Of a vector z and codes c: z is near step * c.
struct ByteImage {
  double step = 0;
  double error = 0;   // |z - step * c| is at most this
  double square = 0;  // |step * c|^2
};

ByteImage image_of(const double* z, std::size_t dim, double step, const int* codes);

// Float32 cannot hold what follows from vectors whose largest element is beyond these, other than 0.
inline bool float32_holds(double largest) noexcept { return largest == 0 || (largest > 1e-16 && largest < 1e15); }

// Rounds z, of a length that is a multiple of 16, to codes of -127 to 127 in as fine steps as they allow, or in steps
// of one where `by_ones` and no element is beyond them: 128 + code goes to `codes`. Nothing, and codes of zero, for NaN
// and where float32 does not hold it. The step is a float32.
std::optional<ByteImage> round_to_bytes(const double* z, std::size_t dim, bool by_ones, Byte* codes);

// Vectors packed so that shadows meet many of them at once: what kernels::ShadowJob calls queries.
class BytePanels {
 public:
  BytePanels() = default;
  // All zero; dim is a multiple of four.
  BytePanels(std::size_t count, std::size_t dim);

  // Rounds a vector as finely as the kernels' sums allow, to `words` (word_count) that stand for it. `codes` gets dim.
  ByteImage round(const double* z, int* codes, std::int32_t* words) const;
  // Puts vector i where it belongs; any words of panels of the same dim.
  void put(std::size_t i, const std::int32_t* words);
  ByteImage set(std::size_t i, const double* z, int* codes);
  std::size_t word_count() const noexcept { return word_count_; }
  // Of tile_queries vectors.
  const std::int32_t* group(std::size_t g) const noexcept {
    return reinterpret_cast<const std::int32_t*>(words_.floats()) + g * group_words_;
  }

 private:
  bool fits(const int* codes) const;

  std::size_t dim_ = 0;
  std::size_t run_ = 0;  // elements that are summed up at once
  std::size_t word_count_ = 0;
  std::size_t group_words_ = 0;
  Matrix words_;
};

}  // namespace knear
