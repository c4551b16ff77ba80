// A good mix of the bits of a number, for hash tables and seeds.
#pragma once

#include <cstdint>

namespace knear {

// Every input bit changes every output bit with probability 1/2; one to one.
// (Steele, Lea, Flood: "Fast splittable pseudorandom number generators", 2014; Stafford's variant 13.)
constexpr std::uint64_t mix(std::uint64_t x) noexcept {
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
  return x ^ (x >> 31);
}

}  // namespace knear
