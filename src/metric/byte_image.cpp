#include "metric/byte_image.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "metric/float_bounds.h"

namespace knear {
namespace {

constexpr int kMostSum = 255;  // of magnitudes that meet in 16 bits
constexpr Byte kZero = 128;    // the code of

// The largest sum of magnitudes that meet in one sum of 16 bits: elements 0 and 1, or 2 and 3, of each four of a run.
template <class Number>
Number largest_sum(const Number* codes, std::size_t dim, std::size_t run) {
  Number most = 0;
  for (std::size_t first = 0; first < dim; first += run) {
    Number sums[2] = {0, 0};
    for (std::size_t j = first; j < std::min(first + run, dim); ++j) sums[j % 4 / 2] += std::abs(codes[j]);
    most = std::max({most, sums[0], sums[1]});
  }
  return most;
}

double error_of(double errors, double elements) {
  return std::sqrt(errors) * (1 + 1e-10) + 1e-13 * std::sqrt(elements);
}

ByteImage rounded(const double* z, std::size_t dim, double step, int* codes) {
  for (std::size_t j = 0; j < dim; ++j) codes[j] = static_cast<int>(std::rint(z[j] / step));
  return image_of(z, dim, step, codes);
}

}  // namespace

ByteImage image_of(const double* z, std::size_t dim, double step, const int* codes) {
  double errors = 0;
  double code_squares = 0;
  double elements = 0;
  for (std::size_t j = 0; j < dim; ++j) {
    const double rest = z[j] - codes[j] * step;
    errors += rest * rest;
    code_squares += static_cast<double>(codes[j]) * codes[j];
    elements += z[j] * z[j];
  }
  return {step, error_of(errors, elements), code_squares * step * step};
}

std::optional<ByteImage> round_to_bytes(const double* z, std::size_t dim, bool by_ones, Byte* codes) {
  const kernels::Table& table = kernels::table();
  kernels::ShadowRange range;
  table.shadow_range(z, dim, &range);
  const double largest = std::max(-range.least, range.most);
  if (largest == 0 || !float32_holds(largest) || std::isnan(range.odd)) {
    std::fill_n(codes, dim, kZero);
    if (largest == 0 && range.odd == 0) return ByteImage{};
    return std::nullopt;
  }
  const bool whole = by_ones && range.odd == 0 && range.least >= -128 && range.most <= 127;
  const double step = whole ? 1.0 : static_cast<double>(float_above(largest / 127));
  kernels::ShadowSums sums;
  table.shadow_codes(z, dim, step, codes, &sums);
  return ByteImage{step, error_of(sums.errors, sums.elements), step * step * sums.codes};
}

BytePanels::BytePanels(std::size_t count, std::size_t dim) : dim_(dim) {
  const kernels::Table& table = kernels::table();
  run_ = table.shadow_run ? 4 * table.shadow_run : dim;
  word_count_ = (dim + run_ - 1) / run_ + dim / 4;
  group_words_ = word_count_ * table.tile_queries;
  const std::size_t groups = (count + table.tile_queries - 1) / table.tile_queries;
  if (groups == 0) return;
  words_ = Matrix(DType::f32, groups, group_words_);
  std::memset(words_.data(), 0, groups * group_words_ * sizeof(std::int32_t));
}

// No sum overflows.
bool BytePanels::fits(const int* codes) const {
  const int most = *std::max_element(codes, codes + dim_, [](int a, int b) { return std::abs(a) < std::abs(b); });
  if (std::abs(most) > kernels::table().shadow_most) return false;
  return !kernels::table().shadow_run || largest_sum(codes, dim_, run_) <= kMostSum;
}

ByteImage BytePanels::round(const double* z, int* codes, std::int32_t* words) const {
  double largest = 0;
  for (std::size_t j = 0; j < dim_; ++j) largest = std::max(largest, std::abs(z[j]));
  double step = largest / kernels::table().shadow_most;
  // Rounding makes sums larger at times.
  if (kernels::table().shadow_run) step = std::max(step, largest_sum(z, dim_, run_) / (kMostSum - 3));
  if (step == 0) step = 1;
  ByteImage image = rounded(z, dim_, step, codes);
  while (!fits(codes)) image = rounded(z, dim_, step *= 1.01, codes);
  for (std::size_t first = 0; first < dim_; first += run_) {
    const std::size_t end = std::min(first + run_, dim_);
    std::int32_t* const start = words++;
    int sums[2] = {0, 0};
    for (std::size_t j = first; j < end; j += 4, ++words) {
      std::int8_t four[4];
      for (std::size_t e = 0; e < 4; ++e) {
        four[e] = static_cast<std::int8_t>(codes[j + e]);
        sums[e / 2] += codes[j + e];
      }
      std::memcpy(words, four, sizeof four);
    }
    if (kernels::table().shadow_run) {
      const std::int16_t halves[2] = {static_cast<std::int16_t>(-128 * sums[0]),
                                      static_cast<std::int16_t>(-128 * sums[1])};
      std::memcpy(start, halves, sizeof halves);
    } else {
      *start = -128 * (sums[0] + sums[1]);
    }
  }
  return image;
}

void BytePanels::put(std::size_t i, const std::int32_t* words) {
  const std::size_t width = kernels::table().tile_queries;
  auto* const lane = reinterpret_cast<std::int32_t*>(words_.floats()) + i / width * group_words_ + i % width;
  for (std::size_t w = 0; w < word_count_; ++w) lane[w * width] = words[w];
}

ByteImage BytePanels::set(std::size_t i, const double* z, int* codes) {
  std::vector<std::int32_t> words(word_count_);
  const ByteImage image = round(z, codes, words.data());
  put(i, words.data());
  return image;
}

}  // namespace knear
