#include <algorithm>
#include <cstring>
#include <memory>

#include "kernels_test.h"

namespace knear::kernels {
namespace {

// Code j of a row, bit by bit.
std::uint32_t code_at(const std::uint8_t* code, std::size_t bits, std::size_t j) {
  std::uint32_t value = 0;
  for (std::size_t b = 0; b < bits; ++b) {
    const std::size_t at = j * bits + b;
    value |= static_cast<std::uint32_t>(code[at / 8] >> (at % 8) & 1) << b;
  }
  return value;
}

class Codes : public EachTable {
 protected:
  // Decodes random codes, which end where their memory ends, and compares every bit.
  void check(std::size_t bits, std::size_t count, std::size_t dim) const {
    std::mt19937 random(static_cast<unsigned>(dim + count));
    const std::size_t code_bytes = (bits * dim + 7) / 8;
    const auto codes = std::make_unique<std::uint8_t[]>(count * code_bytes);
    for (std::size_t i = 0; i < count * code_bytes; ++i) codes[i] = static_cast<std::uint8_t>(random());
    const std::vector<float> offsets = normal_floats(dim, 1);
    const std::vector<float> steps = normal_floats(dim, 2);
    std::vector<float> rows(count * dim + 1, 77);
    const CodesJob job{codes.get(), code_bytes, count, dim, offsets.data(), steps.data(), rows.data()};
    (bits == 8 ? table().rows_from_8bit : bits == 6 ? table().rows_from_6bit : table().rows_from_4bit)(&job);
    for (std::size_t i = 0; i < count * dim; ++i) {
      const float number = static_cast<float>(code_at(codes.get() + i / dim * code_bytes, bits, i % dim));
      const float scaled = steps[i % dim] * number;
      ASSERT_EQ(rows[i], offsets[i % dim] + scaled) << bits << " bits, row " << i / dim << ", element " << i % dim;
    }
    EXPECT_EQ(rows.back(), 77);
  }

  // With and without a base, against float64, within the error that is promised.
  void check_sums(std::size_t bits, std::size_t count, std::size_t dim) const {
    std::mt19937 random(static_cast<unsigned>(dim * count));
    const std::size_t code_bytes = (bits * dim + 7) / 8;
    const auto codes = std::make_unique<std::uint8_t[]>(count * code_bytes);
    for (std::size_t i = 0; i < count * code_bytes; ++i) codes[i] = static_cast<std::uint8_t>(random());
    const std::vector<float> base = normal_floats(dim, 3);
    const std::vector<float> steps = normal_floats(dim, 4);
    for (const bool with_base : {false, true}) {
      std::vector<float> sums(count + 1, 77);
      const CodeSumsJob job{codes.get(),  code_bytes, count, dim, bits, with_base ? base.data() : nullptr,
                            steps.data(), sums.data()};
      table().code_sums(&job);
      for (std::size_t i = 0; i < count; ++i) {
        double sum = 0;
        double magnitude = 0;
        for (std::size_t j = 0; j < dim; ++j) {
          const double product = static_cast<double>(steps[j]) * code_at(codes.get() + i * code_bytes, bits, j);
          const double term = with_base ? (base[j] + product) * (base[j] + product) : product;
          const double larger = std::abs(static_cast<double>(base[j])) + std::abs(product);
          sum += term;
          magnitude += with_base ? larger * larger : std::abs(product);
        }
        EXPECT_NEAR(sums[i], sum, magnitude * static_cast<double>(dim + 24) * 0x1p-24) << bits << " bits, row " << i;
      }
      EXPECT_EQ(sums[count], 77);
    }
  }
};

INSTANTIATE_TEST_SUITE_P(Kernels, Codes, testing::ValuesIn(tables_under_test()), table_name);

TEST_P(Codes, BecomeTheRowsTheyStandFor) {
  for (const std::size_t bits : {4u, 6u, 8u}) {
    for (const std::size_t dim : dims_to_test()) {
      if (dim > 600) continue;
      for (const std::size_t count : {0u, 1u, 3u, 4u, 9u}) check(bits, count, dim);
    }
  }
}

TEST_P(Codes, SumsAreThoseOfTheRows) {
  for (const std::size_t bits : {4u, 6u, 8u}) {
    for (const std::size_t dim : dims_to_test()) {
      if (dim > 600) continue;
      for (const std::size_t count : {0u, 1u, 3u, 4u, 9u}) check_sums(bits, count, dim);
    }
  }
}

TEST_P(Codes, NumbersAreRoundedToEvenAndClamped) {
  std::vector<float> values = {kNan, kInf, -kInf, 3e38f, -3e38f, 0.5f, 1.5f, 2.5f, -0.5f, 62.5f, 63.5f, 254.5f, 255.5f};
  for (float value = -20; value < 300; value += 0.125f) values.push_back(value);
  const std::vector<float> offsets(values.size(), 0.25f);
  const std::vector<float> scales(values.size(), 2.0f);
  for (const float most : {15.0f, 63.0f, 255.0f}) {
    for (const std::size_t n : {values.size(), std::size_t{5}, std::size_t{0}}) {
      std::vector<std::uint8_t> out(n + 1, 77);
      table().quantize(values.data(), offsets.data(), scales.data(), n, most, out.data());
      for (std::size_t i = 0; i < n; ++i) {
        const float number = std::isnan(values[i]) ? 0 : (values[i] - 0.25f) * 2;
        EXPECT_EQ(out[i], static_cast<int>(std::nearbyint(std::clamp(number, 0.0f, most)))) << values[i];
      }
      EXPECT_EQ(out[n], 77);
    }
  }
}

TEST_P(Codes, ASingleValueIsCodeZero) {
  const std::vector<float> values = {5, -3e38f, 3e38f, 1};
  const std::vector<float> offsets = {5, 3e38f, -3e38f, -2};
  const std::vector<float> scales(4, 0.0f);
  std::vector<std::uint8_t> out(4, 77);
  table().quantize(values.data(), offsets.data(), scales.data(), 4, 255, out.data());
  EXPECT_EQ(out, (std::vector<std::uint8_t>{0, 0, 0, 0}));
}

}  // namespace
}  // namespace knear::kernels
