// The parts of RaBitQ: codes, what a query becomes, and the estimate of their distance.
//
// A row x less the centre and turned is r. Its code stands for the vector w of half numbers -(2^bits - 1)/2, …, -1/2,
// 1/2, …, (2^bits - 1)/2 that has, as nearly as an inexpensive search finds it, the least angle with r. With the factor
// f = |r|^2 / <w, r>, f <w, q> estimates <r, q>: without bias when r has a random direction. The first bit of each
// number is its sign, so that the signs alone, s = +-1/2, are a code of one bit with a factor of their own.
//
// Every query is taken less the centre c, too, which leaves the least to be estimated: |q - x|^2 is |q - c|^2 + |r|^2 -
// 2 <q - c, r>, and <q, x> is <q, c> + <r, c> + <q - c, r>. So a code has |r| or <r, c>, whichever its metric needs.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "knear/codec.h"

namespace knear {

inline constexpr std::size_t kMostRabitqBits = 9;
// By bits, the mean squared error of a number, when some 200 elements are normal and the angle is least.
inline constexpr std::array<double, kMostRabitqBits> kRabitqRounding{0.0905, 0.103,  0.1,    0.092, 0.0855,
                                                                     0.0834, 0.0833, 0.0833, 0.0833};

// Where the parts of a code are: signs, factors, then the further bits, highest first, as planes of one bit of each
// element. Element j is bit j % 8 of byte j / 8.
class RabitqLayout {
 public:
  RabitqLayout(std::size_t dimensions, std::size_t bits_each)
      : dim(dimensions),
        bits(bits_each),
        plane_bytes((dimensions + 7) / 8),
        levels(plane_bytes + (bits_each > 1 ? 12 : 8)) {}

  float middle() const noexcept { return static_cast<float>((1 << bits) - 1) / 2; }
  std::size_t code_bytes() const noexcept { return levels + (bits - 1) * plane_bytes; }
  // Where the bytes of a float are.
  std::size_t known() const noexcept { return plane_bytes; }
  std::size_t sign_factor() const noexcept { return plane_bytes + 4; }
  std::size_t factor() const noexcept { return plane_bytes + 8; }  // several bits only

  const std::size_t dim;
  const std::size_t bits;
  const std::size_t plane_bytes;
  const std::size_t levels;  // where the further bits start
};

// The floats of a code.
struct RabitqFactors {
  float known;  // <r, c> under inner product and cosine, else |r|
  float sign;   // |r|^2 / <s, r>
  float all;    // |r|^2 / <w, r>
};

// One code, or one code of a group: its bytes are `apart` from each other.
struct RabitqCode {
  const Byte* bytes;
  std::size_t apart;

  Byte byte(std::size_t i) const noexcept { return bytes[i * apart]; }
  float number(std::size_t at) const noexcept;
};

RabitqFactors factors_of(const RabitqLayout& layout, RabitqCode code);
// w + middle: 0 … 2^bits - 1; dim floats, rounded up to whole bytes.
void numbers_of(const RabitqLayout& layout, RabitqCode code, float* u);
// The code of r, which has |r|.
void encode_rabitq(const RabitqLayout& layout, const float* r, Byte* code);
// Has it <r, c> instead.
void put_product(const RabitqLayout& layout, double product, Byte* code);

// A query as tables: each number of four dimensions' signs has a sum of query elements, rounded to whole steps.
struct RabitqQuery {
  std::vector<float> turned;   // q less the centre, turned
  double base;                 // of every distance: L2: its squared length; else -<q, centre>
  double length;               // of `turned`
  double step;                 // of the sums
  double total;                // of the magnitudes of all elements
  double sum;                  // of all elements of `turned`
  std::span<const Byte> sums;  // plane_bytes x (16 of the low nibble, 16 of the high one)
};

// The definition of the distance.
class RabitqEstimator {
 public:
  RabitqEstimator(const RabitqLayout& layout, Metric::Kind metric);

  const RabitqLayout& layout() const noexcept { return layout_; }
  // Fills step, total, sum and sums (plane_bytes * 32, to be written) from `turned`.
  void fill(RabitqQuery& query, std::span<Byte> sums) const;
  // The sum of what the tables say of a code's signs.
  std::uint32_t sum_of(const RabitqQuery& query, RabitqCode code) const;

  // From the signs alone.
  double from_signs(const RabitqQuery& query, const RabitqFactors& factors, std::uint32_t sum) const;
  // What the distance is at the least; of one bit, what it is.
  double least(const RabitqQuery& query, const RabitqFactors& factors, std::uint32_t sum) const;
  // From the whole code; u is scratch, dim rounded up to 8.
  double distance(const RabitqQuery& query, const RabitqFactors& factors, double least, RabitqCode code,
                  float* u) const;
  // A vector of numbers that stands for a row: s of one bit, or w.
  struct Stand {
    float factor;
    double squares;  // its squared length
    std::size_t bits;
  };
  // The standard deviation of the error of an estimate with it.
  double deviation(const RabitqQuery& query, float known, const Stand& stand) const;
  // |r|^2; of a code that has <r, c>, what is to be expected.
  double squared_length_of(float known, const Stand& stand) const;

  // Whether codes have <r, c>.
  bool knows_product() const noexcept { return knows_product_; }
  double product_weight() const noexcept { return knows_product_ ? 1 : 2; }  // of <r, q>
  // Deviations that the further bits may lower the distance by: the fewer, the faster, and the more bits, the more it
  // would harm.
  double most_deviations() const noexcept { return layout_.bits <= 4 ? 3 : 4; }

 private:
  double known_part(float known) const noexcept { return knows_product_ ? -known : double{known} * known; }

  RabitqLayout layout_;
  bool knows_product_;
};

}  // namespace knear
