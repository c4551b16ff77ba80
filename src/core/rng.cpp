#include "core/rng.h"

#include <bit>
#include <cassert>
#include <cmath>
#include <numeric>
#include <unordered_map>
#include <utility>

#include "core/mix.h"

namespace knear {
namespace {

constexpr std::uint64_t kGolden = 0x9e3779b97f4a7c15u;

// The natural logarithm of a normal x > 0 in plain IEEE arithmetic, to 3 ulp: the logarithms of the
// C libraries differ in the last bit. x = m 2^e with m near 1, and log m = 2 artanh((m - 1) / (m + 1)).
double portable_log(double x) noexcept {
  constexpr double kLog2 = 0.693147180559945309417232121458;
  constexpr double kSqrt2 = 1.41421356237309504880168872421;
  const std::uint64_t bits = std::bit_cast<std::uint64_t>(x);
  int exponent = static_cast<int>(bits >> 52) - 1023;
  double m = std::bit_cast<double>((bits & 0x000fffffffffffffu) | 0x3ff0000000000000u);
  if (m > kSqrt2) {
    m *= 0.5;
    ++exponent;
  }
  const double s = (m - 1) / (m + 1);
  const double square = s * s;
  double series = 0;
  for (int power = 23; power >= 1; power -= 2) series = series * square + 1.0 / power;
  return 2 * s * series + exponent * kLog2;
}

}  // namespace

Rng::Rng(std::uint64_t seed, std::uint64_t stream) noexcept {
  std::uint64_t x = mix(seed + kGolden) ^ mix(mix(stream + kGolden) + kGolden);
  for (std::uint64_t& word : state_) word = mix(x += kGolden);
}

std::uint64_t Rng::bits() noexcept {
  const std::uint64_t result = std::rotl(state_[1] * 5, 7) * 9;
  const std::uint64_t shifted = state_[1] << 17;
  state_[2] ^= state_[0];
  state_[3] ^= state_[1];
  state_[1] ^= state_[2];
  state_[0] ^= state_[3];
  state_[2] ^= shifted;
  state_[3] = std::rotl(state_[3], 45);
  return result;
}

std::uint64_t Rng::below(std::uint64_t bound) noexcept {
  assert(bound >= 1);
  // The first 2^64 mod bound numbers would make the small remainders likelier.
  const std::uint64_t refused = (std::uint64_t{0} - bound) % bound;
  std::uint64_t x = bits();
  while (x < refused) x = bits();
  return x % bound;
}

float Rng::uniform() noexcept { return static_cast<float>(bits() >> 40) * 0x1p-24f; }

double Rng::uniform_double() noexcept { return static_cast<double>(bits() >> 11) * 0x1p-53; }

// The polar method (Marsaglia, Bray: "A convenient method for generating normal variables", 1964).
double Rng::normal() noexcept {
  if (std::exchange(has_spare_normal_, false)) return spare_normal_;
  double x, y, square;
  do {
    x = 2 * uniform_double() - 1;
    y = 2 * uniform_double() - 1;
    square = x * x + y * y;
  } while (square >= 1 || square == 0);
  const double scale = std::sqrt(-2 * portable_log(square) / square);
  spare_normal_ = y * scale;
  has_spare_normal_ = true;
  return x * scale;
}

std::vector<std::uint64_t> Rng::permutation(std::size_t n) { return sample(n, n); }

// The first `count` steps of a Fisher-Yates shuffle. When they are few, only what has moved is remembered.
std::vector<std::uint64_t> Rng::sample(std::uint64_t n, std::size_t count) {
  assert(count <= n);
  std::vector<std::uint64_t> picked;
  if (count < n / 16) {
    picked.reserve(count);
    std::unordered_map<std::uint64_t, std::uint64_t> moved;  // place -> what lies there
    const auto at = [&](std::uint64_t place) { return moved.try_emplace(place, place).first; };
    for (std::uint64_t i = 0; i < count; ++i) {
      const std::uint64_t here = at(i)->second;
      picked.push_back(std::exchange(at(i + below(n - i))->second, here));
    }
    return picked;
  }
  picked.resize(n);
  std::iota(picked.begin(), picked.end(), std::uint64_t{0});
  for (std::uint64_t i = 0; i < count; ++i) std::swap(picked[i], picked[i + below(n - i)]);
  picked.resize(count);
  return picked;
}

}  // namespace knear
