#include "codec/rabitq.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>

#include "kernels/dispatch.h"

namespace knear {
namespace {

void put(float value, Byte* to) { std::memcpy(to, &value, sizeof value); }

// Bit i of a byte as byte i of a word.
constexpr std::array<std::uint64_t, 256> spread_bits() {
  std::array<std::uint64_t, 256> words{};
  for (std::size_t byte = 0; byte < 256; ++byte) {
    for (std::size_t i = 0; i < 8; ++i) words[byte] |= std::uint64_t{byte >> i & 1} << 8 * i;
  }
  return words;
}
constexpr std::array<std::uint64_t, 256> kSpread = spread_bits();

// How well numbers fit a vector: their product with it, and their own squared length.
struct Fit {
  double product = 0;
  double squares = 0;

  double squared_cosine() const { return product * product / squares; }
};

// The magnitudes of a vector, the largest of them 1, to be rounded to (level + 1/2) steps.
class Magnitudes {
 public:
  Magnitudes(const float* r, std::size_t dim, std::size_t bits)
      : sizes_(dim), levels_(dim), most_((1 << (bits - 1)) - 1) {
    for (std::size_t j = 0; j < dim; ++j) sizes_[j] = std::abs(r[j]);
    const float largest = *std::max_element(sizes_.begin(), sizes_.end());
    for (float& size : sizes_) size /= largest;
  }

  // Of all steps on a grid, those between the neighbours of the best, and then single levels.
  const std::vector<int>& best() {
    const float finest = static_cast<float>(most_ + 1) * kGrid;
    int found = kGrid;
    double best = -1;
    const auto try_step = [&](int step) {
      const double cosine = fit(finest / static_cast<float>(step)).squared_cosine();
      if (cosine > best) {
        best = cosine;
        found = step;
      }
    };
    for (int step = kGrid; step >= kCoarse; step -= kCoarse) try_step(step);
    for (int apart = kCoarse / 2; apart >= 1; apart /= 2) {
      const int middle = found;
      try_step(middle - apart);
      if (middle + apart <= kGrid) try_step(middle + apart);
    }
    round_all(finest / static_cast<float>(found));
    improve();
    return levels_;
  }

 private:
  static constexpr int kGrid = 64;
  static constexpr int kCoarse = 4;

  int level(float size, float steps) const { return std::min(static_cast<int>(size * steps), most_); }

  // Two sums side by side, since additions wait for each other.
  Fit fit(float steps) const {
    Fit even;
    Fit odd;
    std::size_t j = 0;
    for (; j + 2 <= sizes_.size(); j += 2) {
      add(sizes_[j], steps, even);
      add(sizes_[j + 1], steps, odd);
    }
    if (j < sizes_.size()) add(sizes_[j], steps, even);
    return {even.product + odd.product, even.squares + odd.squares};
  }

  void add(float size, float steps, Fit& fit) const {
    const double number = level(size, steps) + 0.5;
    fit.product += number * size;
    fit.squares += number * number;
  }

  void round_all(float steps) {
    for (std::size_t j = 0; j < sizes_.size(); ++j) levels_[j] = level(sizes_[j], steps);
  }

  // Moves levels one up or down where that alone lessens the angle.
  void improve() {
    Fit fit;
    for (std::size_t j = 0; j < sizes_.size(); ++j) {
      const double number = levels_[j] + 0.5;
      fit.product += number * sizes_[j];
      fit.squares += number * number;
    }
    for (std::size_t j = 0; j < sizes_.size(); ++j) {
      const double number = levels_[j] + 0.5;
      // Where the angle would be least, if the element were free.
      const int move = number * fit.product < sizes_[j] * fit.squares ? 1 : -1;
      if (levels_[j] + move < 0 || levels_[j] + move > most_) continue;
      const Fit moved{fit.product + move * double{sizes_[j]}, fit.squares + 2 * move * number + 1};
      if (moved.squared_cosine() <= fit.squared_cosine()) continue;
      levels_[j] += move;
      fit = moved;
    }
  }

  std::vector<float> sizes_;
  std::vector<int> levels_;
  int most_;
};

// Writes the further bits of w, and gives <w, r>. A negative number has the bits of its magnitude inverted.
double put_levels(const RabitqLayout& layout, const float* r, Byte* planes) {
  Magnitudes magnitudes(r, layout.dim, layout.bits);
  const std::vector<int>& levels = magnitudes.best();
  double product = 0;
  for (std::size_t j = 0; j < layout.dim; ++j) {
    product += (levels[j] + 0.5) * std::abs(r[j]);
    const auto level = static_cast<unsigned>(std::signbit(r[j]) ? ~levels[j] : levels[j]);
    for (std::size_t p = 0; p + 1 < layout.bits; ++p) {
      const unsigned bit = level >> (layout.bits - 2 - p) & 1u;
      planes[p * layout.plane_bytes + j / 8] |= static_cast<Byte>(bit << j % 8);
    }
  }
  return product;
}

// Of four signs, those that agree with the elements count, in steps, and the others do not: so the least sum is 0.
void fill_table(const float* q, double per_step, Byte* sums) {
  std::array<double, 4> low;
  std::array<double, 4> high;
  for (std::size_t i = 0; i < 4; ++i) {
    low[i] =
        (std::max(0.0f, (i & 1) != 0 ? q[0] : -q[0]) + double{std::max(0.0f, (i & 2) != 0 ? q[1] : -q[1])}) * per_step;
    high[i] =
        (std::max(0.0f, (i & 1) != 0 ? q[2] : -q[2]) + double{std::max(0.0f, (i & 2) != 0 ? q[3] : -q[3])}) * per_step;
  }
  for (std::size_t nibble = 0; nibble < 16; ++nibble) {
    sums[nibble] = static_cast<Byte>(std::floor(low[nibble % 4] + high[nibble / 4] + 0.5));
  }
}

}  // namespace

float RabitqCode::number(std::size_t at) const noexcept {
  std::uint32_t bits = 0;
  for (std::size_t i = 0; i < 4; ++i) bits |= std::uint32_t{byte(at + i)} << 8 * i;
  return std::bit_cast<float>(bits);
}

RabitqFactors factors_of(const RabitqLayout& layout, RabitqCode code) {
  RabitqFactors factors{code.number(layout.known()), code.number(layout.sign_factor()), 0};
  factors.all = layout.bits > 1 ? code.number(layout.factor()) : factors.sign;
  return factors;
}

void numbers_of(const RabitqLayout& layout, RabitqCode code, float* u) {
  constexpr std::size_t kAtOnce = 64;  // bytes of a plane
  constexpr std::size_t kWordBits = 8;
  const bool wide = layout.bits > kWordBits;
  const auto take = kernels::table().f32_from_u8;
  std::array<std::uint64_t, kAtOnce> words;
  std::array<float, 8 * kAtOnce> signs;
  for (std::size_t first = 0; first < layout.plane_bytes; first += kAtOnce, u += 8 * kAtOnce) {
    const std::size_t count = std::min(kAtOnce, layout.plane_bytes - first);
    for (std::size_t i = 0; i < count; ++i) words[i] = kSpread[code.byte(first + i)];
    if (wide) {
      take(reinterpret_cast<const Byte*>(words.data()), 8 * count, signs.data());
      words.fill(0);
    }
    for (std::size_t p = 0; p + 1 < layout.bits; ++p) {
      const std::size_t plane = layout.levels + p * layout.plane_bytes + first;
      for (std::size_t i = 0; i < count; ++i) words[i] = words[i] << 1 | kSpread[code.byte(plane + i)];
    }
    take(reinterpret_cast<const Byte*>(words.data()), 8 * count, u);
    for (std::size_t j = 0; wide && j < 8 * count; ++j) u[j] += signs[j] * (1 << kWordBits);
  }
}

void encode_rabitq(const RabitqLayout& layout, const float* r, Byte* code) {
  std::fill_n(code, layout.code_bytes(), Byte{0});
  double squares = 0;
  double sizes = 0;
  for (std::size_t j = 0; j < layout.dim; ++j) {
    squares += double{r[j]} * r[j];
    sizes += std::abs(r[j]);
    if (!std::signbit(r[j])) code[j / 8] |= static_cast<Byte>(1u << j % 8);
  }
  RabitqFactors factors{static_cast<float>(std::sqrt(squares)), 0, 0};
  if (!std::isfinite(squares)) {
    factors = {std::numeric_limits<float>::quiet_NaN(), factors.known, factors.known};
  } else if (sizes > 0) {
    factors.sign = static_cast<float>(squares / (sizes / 2));
    if (layout.bits > 1) factors.all = static_cast<float>(squares / put_levels(layout, r, code + layout.levels));
  }
  put(factors.known, code + layout.known());
  put(factors.sign, code + layout.sign_factor());
  if (layout.bits > 1) put(factors.all, code + layout.factor());
}

void put_product(const RabitqLayout& layout, double product, Byte* code) {
  put(static_cast<float>(product), code + layout.known());
}

RabitqEstimator::RabitqEstimator(const RabitqLayout& layout, Metric::Kind metric)
    : layout_(layout), knows_product_(metric == Metric::inner_product || metric == Metric::cosine) {}

void RabitqEstimator::fill(RabitqQuery& query, std::span<Byte> sums) const {
  query.turned.resize(layout_.plane_bytes * 8, 0.0f);
  const std::size_t tables = layout_.plane_bytes * 2;
  query.total = 0;
  query.sum = 0;
  double widest = 0;
  for (std::size_t t = 0; t < tables; ++t) {
    const float* q = query.turned.data() + 4 * t;
    double width = 0;
    for (std::size_t i = 0; i < 4; ++i) {
      width += std::abs(q[i]);
      query.sum += q[i];
    }
    query.total += width;
    widest = std::max(widest, width);
  }
  const std::size_t most = std::min<std::size_t>(255 / (2 * kernels::kEstimatePlanes), 65535 / tables);
  query.step = widest > 0 ? widest / static_cast<double>(most) : 1;
  for (std::size_t t = 0; t < tables; ++t) fill_table(query.turned.data() + 4 * t, 1 / query.step, &sums[16 * t]);
  query.sums = sums;
}

std::uint32_t RabitqEstimator::sum_of(const RabitqQuery& query, RabitqCode code) const {
  std::uint32_t sum = 0;
  for (std::size_t i = 0; i < layout_.plane_bytes; ++i) {
    const Byte signs = code.byte(i);
    sum += std::uint32_t{query.sums[32 * i + signs % 16]} + query.sums[32 * i + 16 + signs / 16];
  }
  return sum;
}

double RabitqEstimator::from_signs(const RabitqQuery& query, const RabitqFactors& factors, std::uint32_t sum) const {
  const double product = query.step * sum - query.total / 2;
  return known_part(factors.known) + query.base - product_weight() * factors.sign * product;
}

double RabitqEstimator::least(const RabitqQuery& query, const RabitqFactors& factors, std::uint32_t sum) const {
  const double estimate = from_signs(query, factors, sum);
  if (layout_.bits == 1) return estimate;
  const auto dim = static_cast<double>(layout_.dim);
  return estimate - most_deviations() * deviation(query, factors.known, {factors.sign, dim / 4, 1});
}

double RabitqEstimator::distance(const RabitqQuery& query, const RabitqFactors& factors, double least, RabitqCode code,
                                 float* u) const {
  if (layout_.bits == 1) return least;
  numbers_of(layout_, code, u);
  double product = 0;
  const float* row = u;
  kernels::table().exact[kernels::exact_inner_product](query.turned.data(), &row, 1, layout_.dim, 0, &product);
  product -= layout_.middle() * query.sum;
  const double estimate = known_part(factors.known) + query.base - product_weight() * factors.all * product;
  return std::max(least, estimate);
}

// With the angle a between r and w, f <w, q> is <r, q> and |r| tan(a) times the part of q in a random direction
// perpendicular to r.
double RabitqEstimator::deviation(const RabitqQuery& query, float known, const Stand& stand) const {
  const double beside = double{stand.factor} * stand.factor * stand.squares - squared_length_of(known, stand);
  const auto freedom = static_cast<double>(std::max<std::size_t>(layout_.dim - 1, 1));
  return product_weight() * query.length * std::sqrt(std::max(0.0, beside) / freedom);
}

double RabitqEstimator::squared_length_of(float known, const Stand& stand) const {
  if (!knows_product_) return double{known} * known;
  const double error = kRabitqRounding[stand.bits - 1] * static_cast<double>(layout_.dim - 1);
  return double{stand.factor} * stand.factor * (stand.squares - error);
}

}  // namespace knear
