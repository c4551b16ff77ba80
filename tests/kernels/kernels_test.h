// What the tests of the kernels share: the tables to go over, seeded data, and the error bound of table.h.
#pragma once

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <random>
#include <span>
#include <string>
#include <vector>

#include "kernels/table.h"

namespace knear::kernels {

// Each program that is built from these tests says what it can run.
std::span<const Table* const> tables_under_test();

// A test of one table; instantiated over all.
class EachTable : public testing::TestWithParam<const Table*> {
 protected:
  const Table& table() const { return *GetParam(); }
};

inline std::string table_name(const testing::TestParamInfo<const Table*>& info) { return info.param->name; }

inline constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
inline constexpr float kInf = std::numeric_limits<float>::infinity();

inline std::vector<float> normal_floats(std::size_t n, unsigned seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal;
  std::vector<float> values(n);
  for (float& value : values) value = normal(random);
  return values;
}

// Floats that start at a 64-byte line.
class AlignedFloats {
 public:
  explicit AlignedFloats(std::size_t n) : storage_(n + 16) {
    const auto address = reinterpret_cast<std::uintptr_t>(storage_.data());
    begin_ = storage_.data() + (64 - address % 64) % 64 / sizeof(float);
  }
  AlignedFloats(const AlignedFloats&) = delete;
  AlignedFloats& operator=(const AlignedFloats&) = delete;
  float* data() { return begin_; }
  float& operator[](std::size_t i) { return begin_[i]; }

 private:
  std::vector<float> storage_;
  float* begin_;
};

// How far a float32 sum of `dim` terms may be off, given the sum of their magnitudes.
inline double rounding_bound(std::size_t dim, double magnitudes) {
  const std::size_t depth = dim < kTileDepth ? dim : kTileDepth;
  const std::size_t blocks = (dim + kTileDepth - 1) / kTileDepth;
  return static_cast<double>(depth + blocks + 2) * 0x1p-24 * 1.001 * magnitudes + static_cast<double>(dim) * 0x1p-149;
}

inline const std::vector<std::size_t>& dims_to_test() {
  static const std::vector<std::size_t> dims = [] {
    std::vector<std::size_t> all;
    for (std::size_t dim = 1; dim <= 40; ++dim) all.push_back(dim);
    all.insert(all.end(), {100, 128, 255, 256, 257, 512, 513, 784, 2048, 5000});
    return all;
  }();
  return dims;
}

}  // namespace knear::kernels
