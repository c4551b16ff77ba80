#include "codec/zn_sphere.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "core/check.h"

namespace knear {
namespace {

constexpr std::size_t kMostAtoms = std::size_t{1} << 16;

// a * b / c, which is a whole number below 2^64.
std::uint64_t times_over(std::uint64_t a, std::uint64_t b, std::uint64_t c) {
  std::uint64_t product = 0;
  if (!__builtin_mul_overflow(a, b, &product)) return product / c;
  const std::uint64_t common = std::gcd(a, c);
  return a / common * (b / (c / common));
}

// Adds the product to the total; false when that takes more than 64 bits.
bool add_product(std::uint64_t a, std::uint64_t b, std::uint64_t& total) {
  std::uint64_t product = 0;
  return !__builtin_mul_overflow(a, b, &product) && !__builtin_add_overflow(total, product, &total);
}

// a * C(n, k); false when that takes more than 64 bits.
bool multiply_by_choices(std::size_t n, std::size_t k, std::uint64_t& a) {
  k = std::min(k, n - k);
  std::uint64_t choices = 1;
  for (std::size_t i = 1; i <= k; ++i) {
    // Each step's value is C(n - k + i, i), and they grow.
    const std::uint64_t common = std::gcd(choices, std::uint64_t{i});
    const std::uint64_t factor = (n - k + i) / (i / common);
    if (__builtin_mul_overflow(choices / common, factor, &choices)) return false;
  }
  return !__builtin_mul_overflow(a, choices, &a);
}

}  // namespace

ZnSphere::ZnSphere(std::size_t dim, std::size_t r2) : dim_(dim) {
  require(r2 >= 1 && r2 <= kMostR2, "the squared radius of a lattice sphere is 1 to ", kMostR2, ", not ", r2);
  std::vector<Level> levels;
  add_atoms(r2, dim, static_cast<int>(std::lround(std::sqrt(static_cast<double>(r2)))), levels);
  require(!atoms_.empty(), "no point of ", dim, " whole numbers has the squared length ", r2);
}

// Ways to fill `places` with values of at most `most` whose squares add up to `left`.
void ZnSphere::add_atoms(std::size_t left, std::size_t places, int most, std::vector<Level>& levels) {
  if (left == 0) return add_atom(levels, places);
  for (int value = most; value >= 1; --value) {
    const auto square = static_cast<std::size_t>(value) * static_cast<std::size_t>(value);
    if (places * square < left) return;
    for (std::size_t times = std::min(left / square, places); times >= 1; --times) {
      levels.push_back({value, times});
      add_atoms(left - times * square, places - times, value - 1, levels);
      levels.pop_back();
    }
  }
}

void ZnSphere::add_atom(std::vector<Level> levels, std::size_t zeros) {
  Atom atom{{}, dim_ - zeros, 1, count_};
  if (zeros > 0) levels.push_back({0, zeros});
  bool fits = atoms_.size() < kMostAtoms && atom.nonzero < 64;
  std::size_t places = dim_;
  for (const Level& level : levels) {
    fits = fits && multiply_by_choices(places, level.times, atom.arrangements);
    places -= level.times;
  }
  atom.levels = std::move(levels);
  fits = fits && add_product(atom.arrangements, std::uint64_t{1} << atom.nonzero, count_);
  require(fits, "a sphere of ", dim_,
          " dimensions and this squared radius has more lattice points than 64 bits can number");
  atoms_.push_back(std::move(atom));
}

double ZnSphere::nearest(const float* x, std::span<int> point) const {
  std::vector<std::size_t> order(dim_);
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return std::abs(x[a]) > std::abs(x[b]); });
  std::vector<double> sums(dim_ + 1, 0.0);  // of the largest magnitudes
  for (std::size_t i = 0; i < dim_; ++i) sums[i + 1] = sums[i] + std::abs(double{x[order[i]]});
  const Atom* best = nullptr;
  double most = 0;
  for (const Atom& atom : atoms_) {
    double product = 0;
    std::size_t at = 0;
    for (const Level& level : atom.levels) {
      product += level.value * (sums[at + level.times] - sums[at]);
      at += level.times;
    }
    if (best && !(product > most)) continue;
    best = &atom;
    most = product;
  }
  std::size_t at = 0;
  for (const Level& level : best->levels) {
    for (std::size_t i = 0; i < level.times; ++i, ++at) {
      point[order[at]] = std::signbit(x[order[at]]) ? -level.value : level.value;
    }
  }
  return most;
}

std::uint64_t ZnSphere::number_of(std::span<const int> point) const {
  std::vector<int> sorted(point.size());
  std::transform(point.begin(), point.end(), sorted.begin(), [](int value) { return std::abs(value); });
  std::sort(sorted.begin(), sorted.end(), std::greater<>());
  const auto matches = [&](const Atom& atom) {
    std::size_t at = 0;
    for (const Level& level : atom.levels) {
      if (sorted[at] != level.value || sorted[at + level.times - 1] != level.value) return false;
      at += level.times;
    }
    return true;
  };
  const auto atom = std::find_if(atoms_.begin(), atoms_.end(), matches);
  std::vector<Level> levels = atom->levels;
  std::uint64_t ways = atom->arrangements;  // to fill the places that are left
  std::uint64_t before = 0;
  std::uint64_t signs = 0;
  for (std::size_t i = 0; i < dim_; ++i) {
    if (point[i] != 0) signs = signs << 1 | (point[i] < 0 ? 1u : 0u);
    for (Level& level : levels) {
      if (level.times == 0) continue;
      const std::uint64_t here = times_over(ways, level.times, dim_ - i);
      if (level.value == std::abs(point[i])) {
        ways = here;
        --level.times;
        break;
      }
      before += here;
    }
  }
  return atom->first + (before << atom->nonzero | signs);
}

void ZnSphere::point_at(std::uint64_t number, std::span<int> point) const {
  const auto after = std::upper_bound(atoms_.begin(), atoms_.end(), number,
                                      [](std::uint64_t n, const Atom& atom) { return n < atom.first; });
  const Atom& atom = *(after - 1);
  const std::uint64_t inside = number - atom.first;
  std::uint64_t place = inside >> atom.nonzero;
  std::uint64_t ways = atom.arrangements;
  std::vector<Level> levels = atom.levels;
  std::size_t sign = atom.nonzero;
  for (std::size_t i = 0; i < dim_; ++i) {
    for (Level& level : levels) {
      if (level.times == 0) continue;
      const std::uint64_t here = times_over(ways, level.times, dim_ - i);
      if (place >= here) {
        place -= here;
        continue;
      }
      ways = here;
      --level.times;
      point[i] = level.value != 0 && (inside >> --sign & 1) != 0 ? -level.value : level.value;
      break;
    }
  }
}

}  // namespace knear
