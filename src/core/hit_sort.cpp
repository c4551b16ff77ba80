#include "core/hit_sort.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <utility>

namespace knear {
namespace {

constexpr std::size_t kRadixPays = 96;  // from this many hits on
constexpr unsigned kDigitBits = 8;
constexpr std::size_t kDigits = 4;  // of the upper half of a distance
constexpr std::size_t kBuckets = std::size_t{1} << kDigitBits;

// The upper half of a distance as a number of the same order: sign, exponent and 20 bits of the fraction.
std::uint32_t key_of(const Hit& hit) noexcept {
  const auto bits = static_cast<std::uint32_t>(std::bit_cast<std::uint64_t>(hit.distance + 0.0) >> 32);
  constexpr std::uint32_t kSign = 0x80000000;
  return bits & kSign ? ~bits : bits | kSign;
}

std::size_t digit(std::uint32_t key, std::size_t place) noexcept {
  return key >> (place * kDigitBits) & (kBuckets - 1);
}

using Histogram = std::array<std::uint32_t, kBuckets>;

std::array<Histogram, kDigits> count_digits(std::span<const Hit> hits) {
  std::array<Histogram, kDigits> counts = {};
  for (const Hit& hit : hits) {
    const std::uint32_t key = key_of(hit);
    for (std::size_t place = 0; place < kDigits; ++place) ++counts[place][digit(key, place)];
  }
  return counts;
}

// One stable pass by one digit.
void scatter(std::span<const Hit> from, std::size_t place, Histogram& counts, Hit* to) {
  std::uint32_t start = 0;
  for (std::uint32_t& count : counts) start += std::exchange(count, start);
  for (const Hit& hit : from) to[counts[digit(key_of(hit), place)]++] = hit;
}

// What the key does not tell apart.
void sort_equal_keys(std::span<Hit> hits) {
  for (auto first = hits.begin(); first != hits.end();) {
    auto last = first + 1;
    while (last != hits.end() && key_of(*last) == key_of(*first)) ++last;
    if (last - first > 1) std::sort(first, last);
    first = last;
  }
}

}  // namespace

void sort_hits(std::span<Hit> hits) {
  if (hits.size() < kRadixPays || hits.size() >= UINT32_MAX) return std::sort(hits.begin(), hits.end());
  auto counts = count_digits(hits);
  std::vector<Hit> room(hits.size());
  std::span<Hit> from = hits;
  std::span<Hit> to = room;
  for (std::size_t place = 0; place < kDigits; ++place) {
    // A digit that all have alike needs no pass.
    if (counts[place][digit(key_of(from[0]), place)] == from.size()) continue;
    scatter(from, place, counts[place], to.data());
    std::swap(from, to);
  }
  if (from.data() != hits.data()) std::copy(from.begin(), from.end(), hits.begin());
  sort_equal_keys(hits);
}

void keep_nearest(std::vector<Hit>& hits, std::size_t k) {
  if (hits.size() > k) {
    std::nth_element(hits.begin(), hits.begin() + static_cast<std::ptrdiff_t>(k), hits.end());
    hits.resize(k);
  }
  sort_hits(hits);
}

}  // namespace knear
