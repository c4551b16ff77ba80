#include <algorithm>

#include "kernels_test.h"

namespace knear::kernels {
namespace {

std::uint32_t bits_of(float value) { return std::bit_cast<std::uint32_t>(value); }

// float16 by its definition; NaN is made quiet.
float plain_f16(std::uint16_t half) {
  const double sign = (half & 0x8000) != 0 ? -1 : 1;
  const int exponent = (half >> 10) & 31;
  const int mantissa = half & 1023;
  if (exponent == 0) return static_cast<float>(sign * std::ldexp(mantissa, -24));
  if (exponent < 31) return static_cast<float>(sign * std::ldexp(1024 + mantissa, exponent - 25));
  const std::uint32_t quiet = mantissa == 0 ? 0 : 0x00400000u;
  return std::bit_cast<float>((half & 0x8000u) << 16 | 0x7f800000u | quiet |
                              static_cast<std::uint32_t>(mantissa) << 13);
}

std::vector<std::uint16_t> all_16_bits() {
  std::vector<std::uint16_t> all(65536);
  for (std::size_t i = 0; i < all.size(); ++i) all[i] = static_cast<std::uint16_t>(i);
  return all;
}

// Of the 16-bit floats, sorted, the nearest; the even one of two. `value` lies within their range.
std::uint16_t nearest(float value, const std::vector<float>& ladder) {
  const float size = std::fabs(value);
  const auto above = std::lower_bound(ladder.begin(), ladder.end(), size);
  auto index = static_cast<std::size_t>(above - ladder.begin());
  if (*above != size) {
    const double up = double{ladder[index]} - size;
    const double down = double{size} - ladder[index - 1];
    if (down < up || (down == up && index % 2 == 1)) --index;
  }
  return static_cast<std::uint16_t>(index | (std::signbit(value) ? 0x8000 : 0));
}

// Values around every step of the ladder: each, the middle of two, and its neighbours.
std::vector<float> around(const std::vector<float>& ladder) {
  std::vector<float> values;
  for (std::size_t i = 0; i + 1 < ladder.size(); ++i) {
    const auto middle = static_cast<float>((double{ladder[i]} + double{ladder[i + 1]}) / 2);
    for (const float value : {ladder[i], std::nextafter(middle, 0.0f), middle, std::nextafter(middle, kInf)})
      for (const float sign : {1.0f, -1.0f}) values.push_back(sign * value);
  }
  return values;
}

class Convert : public EachTable {};
INSTANTIATE_TEST_SUITE_P(Kernels, Convert, testing::ValuesIn(tables_under_test()), table_name);

TEST_P(Convert, EveryFloat16HasItsDefinedValue) {
  const std::vector<std::uint16_t> all = all_16_bits();
  std::vector<float> out(all.size());
  table().f32_from_f16(all.data(), all.size(), out.data());
  for (std::size_t i = 0; i < all.size(); ++i) ASSERT_EQ(bits_of(out[i]), bits_of(plain_f16(all[i]))) << i;
}

TEST_P(Convert, EveryBfloat16HasItsDefinedValue) {
  const std::vector<std::uint16_t> all = all_16_bits();
  std::vector<float> out(all.size());
  table().f32_from_bf16(all.data(), all.size(), out.data());
  for (std::size_t i = 0; i < all.size(); ++i) ASSERT_EQ(bits_of(out[i]), std::uint32_t{all[i]} << 16) << i;
}

TEST_P(Convert, Float16RoundsToNearestEven) {
  std::vector<float> ladder;
  for (std::uint16_t half = 0; half < 0x7c00; ++half) ladder.push_back(plain_f16(half));
  const std::vector<float> values = around(ladder);
  std::vector<std::uint16_t> out(values.size());
  table().f16_from_f32(values.data(), values.size(), out.data());
  for (std::size_t i = 0; i < values.size(); ++i) ASSERT_EQ(out[i], nearest(values[i], ladder)) << values[i];
}

TEST_P(Convert, Bfloat16RoundsToNearestEven) {
  std::vector<float> ladder;
  for (std::uint32_t half = 0; half < 0x7f80; ++half) ladder.push_back(std::bit_cast<float>(half << 16));
  const std::vector<float> values = around(ladder);
  std::vector<std::uint16_t> out(values.size());
  table().bf16_from_f32(values.data(), values.size(), out.data());
  for (std::size_t i = 0; i < values.size(); ++i) ASSERT_EQ(out[i], nearest(values[i], ladder)) << values[i];
}

TEST_P(Convert, SpecialValuesStaySpecial) {
  const std::vector<float> values = {kInf,    -kInf, 65504,    65519.996f,      65520, -1e30f, 1e-30f,
                                     -1e-30f, -0.0f, 0x1p-25f, 0x1.000002p-25f, kNan,  -kNan};
  std::vector<std::uint16_t> f16(values.size());
  table().f16_from_f32(values.data(), values.size(), f16.data());
  EXPECT_EQ(f16, (std::vector<std::uint16_t>{0x7c00, 0xfc00, 0x7bff, 0x7bff, 0x7c00, 0xfc00, 0, 0x8000, 0x8000, 0, 1,
                                             0x7e00, 0xfe00}));
  const std::vector<float> wide = {
      kInf, -kInf, std::numeric_limits<float>::max(), kNan, std::bit_cast<float>(0x7f800001u), -0.0f};
  std::vector<std::uint16_t> bf16(wide.size());
  table().bf16_from_f32(wide.data(), wide.size(), bf16.data());
  EXPECT_EQ(bf16, (std::vector<std::uint16_t>{0x7f80, 0xff80, 0x7f80, 0x7fc0, 0x7fc0, 0x8000}));
}

TEST_P(Convert, NanKeepsItsBits) {
  std::vector<float> values;
  for (std::uint32_t low = 1; low < 0x7fffff; low += 4099) values.push_back(std::bit_cast<float>(0x7f800000u | low));
  std::vector<std::uint16_t> out(values.size());
  table().f16_from_f32(values.data(), values.size(), out.data());
  for (std::size_t i = 0; i < values.size(); ++i) ASSERT_EQ(out[i], 0x7e00 | ((bits_of(values[i]) >> 13) & 0x3ff));
}

TEST_P(Convert, BytesBecomeTheirNumber) {
  std::vector<std::int8_t> small(256);
  std::vector<std::uint8_t> byte(256);
  for (int i = 0; i < 256; ++i) {
    small[static_cast<std::size_t>(i)] = static_cast<std::int8_t>(i - 128);
    byte[static_cast<std::size_t>(i)] = static_cast<std::uint8_t>(i);
  }
  std::vector<float> from_small(256);
  std::vector<float> from_byte(256);
  table().f32_from_i8(small.data(), 256, from_small.data());
  table().f32_from_u8(byte.data(), 256, from_byte.data());
  for (std::size_t i = 0; i < 256; ++i) {
    EXPECT_EQ(from_small[i], static_cast<float>(i) - 128);
    EXPECT_EQ(from_byte[i], static_cast<float>(i));
  }
}

TEST_P(Convert, NumbersBecomeTheNearestByte) {
  std::vector<float> values = {kNan, kInf, -kInf, 1e30f, -1e30f, -0.0f, 1e-45f, 0.49999997f, -128.5f, 127.5f, 255.5f};
  for (float value = -200; value < 300; value += 0.125f) values.push_back(value);
  std::vector<std::int8_t> small(values.size());
  std::vector<std::uint8_t> byte(values.size());
  table().i8_from_f32(values.data(), values.size(), small.data());
  table().u8_from_f32(values.data(), values.size(), byte.data());
  for (std::size_t i = 0; i < values.size(); ++i) {
    const float number = std::isnan(values[i]) ? 0 : values[i];
    EXPECT_EQ(small[i], static_cast<int>(std::nearbyint(std::clamp(number, -128.0f, 127.0f)))) << values[i];
    EXPECT_EQ(byte[i], static_cast<int>(std::nearbyint(std::clamp(number, 0.0f, 255.0f)))) << values[i];
  }
}

TEST_P(Convert, WritesNothingBehindTheEnd) {
  for (std::size_t n = 0; n <= 70; ++n) {
    const std::vector<float> values = normal_floats(n, 1);
    std::vector<std::uint16_t> half(n + 1, 77);
    table().f16_from_f32(values.data(), n, half.data());
    EXPECT_EQ(half[n], 77);
    table().bf16_from_f32(values.data(), n, half.data());
    EXPECT_EQ(half[n], 77);
    std::vector<std::int8_t> small(n + 1, 77);
    table().i8_from_f32(values.data(), n, small.data());
    EXPECT_EQ(small[n], 77);
    std::vector<float> back(n + 1, 77);
    table().f32_from_f16(half.data(), n, back.data());
    EXPECT_EQ(back[n], 77);
  }
}

TEST_P(Convert, AllFiniteSeesOneBadValueAnywhere) {
  for (const std::size_t n : {0u, 1u, 31u, 1024u, 3000u}) {
    std::vector<float> values = normal_floats(n, 1);
    EXPECT_TRUE(table().all_finite(values.data(), n));
    for (std::size_t at = 0; at < n; at += n / 20 + 1) {
      const float good = values[at];
      for (const float bad : {kNan, kInf, -kInf}) {
        values[at] = bad;
        EXPECT_FALSE(table().all_finite(values.data(), n));
      }
      values[at] = good;
    }
  }
  const std::vector<float> extremes = {std::numeric_limits<float>::max(), -std::numeric_limits<float>::max(), 1e-45f};
  EXPECT_TRUE(table().all_finite(extremes.data(), extremes.size()));
}

}  // namespace
}  // namespace knear::kernels
