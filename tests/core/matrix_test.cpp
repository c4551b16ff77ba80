#include "knear/matrix.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <limits>
#include <vector>

#include "core/narrow_float.h"
#include "expect_error.h"

namespace knear {
namespace {

TEST(DType, IsFoundByAllItsNames) {
  for (const DType dtype : {DType::f32, DType::f16, DType::bf16, DType::i8, DType::u8})
    EXPECT_EQ(dtype_of(name_of(dtype)), dtype);
  EXPECT_EQ(dtype_of("f32"), DType::f32);
  EXPECT_EQ(dtype_of("fp16"), DType::f16);
  EXPECT_EQ(dtype_of("bf16"), DType::bf16);
  expect_error(Error::wrong_type, "'float64'", [] { dtype_of("float64"); });
  expect_error(Error::wrong_type, "bfloat16", [] { dtype_of(""); });
}

// The value of a binary16 by its definition.
double value_of_f16(std::uint16_t bits) {
  const int exponent = (bits >> 10) & 31;
  const int mantissa = bits & 1023;
  const double sign = bits >> 15 ? -1 : 1;
  if (exponent == 31) return mantissa ? std::nan("") : sign * std::numeric_limits<double>::infinity();
  if (exponent == 0) return sign * std::ldexp(mantissa, -24);
  return sign * std::ldexp(1024 + mantissa, exponent - 25);
}

TEST(NarrowFloat, ConvertsEveryFloat16Exactly) {
  for (std::uint32_t bits = 0; bits < 65536; ++bits) {
    const double expected = value_of_f16(static_cast<std::uint16_t>(bits));
    const float converted = f32_from_f16(static_cast<std::uint16_t>(bits));
    if (std::isnan(expected)) {
      ASSERT_TRUE(std::isnan(converted)) << bits;
    } else {
      ASSERT_EQ(converted, expected) << bits;
    }
    ASSERT_EQ(std::signbit(converted), bits >> 15 == 1) << bits;
  }
}

TEST(NarrowFloat, ConvertsEveryBfloat16Exactly) {
  for (std::uint32_t bits = 0; bits < 65536; ++bits)
    ASSERT_EQ(std::bit_cast<std::uint32_t>(f32_from_bf16(static_cast<std::uint16_t>(bits))), bits << 16);
}

TEST(MatrixView, CopiesRowsOfEveryType) {
  const std::uint16_t halves[] = {0x3c00, 0xc000, 0x0001};
  const std::uint16_t brains[] = {0x3f80, 0xc000, 0x0001};
  const std::int8_t signed_bytes[] = {-128, 0, 127};
  const std::uint8_t unsigned_bytes[] = {0, 128, 255};
  const float floats[] = {1.5f, -2, std::numeric_limits<float>::denorm_min()};
  const auto row_of = [](const void* data, DType dtype) {
    std::vector<float> row(3);
    MatrixView(data, dtype, 1, 3).copy_row(0, row.data());
    return row;
  };
  EXPECT_EQ(row_of(floats, DType::f32), std::vector<float>(floats, floats + 3));
  EXPECT_EQ(row_of(halves, DType::f16), (std::vector<float>{1, -2, 0x1p-24f}));
  EXPECT_EQ(row_of(brains, DType::bf16), (std::vector<float>{1, -2, 0x1p-133f}));
  EXPECT_EQ(row_of(signed_bytes, DType::i8), (std::vector<float>{-128, 0, 127}));
  EXPECT_EQ(row_of(unsigned_bytes, DType::u8), (std::vector<float>{0, 128, 255}));
}

TEST(MatrixView, ReadsUnalignedRowsThatLieBackwards) {
  const float values[] = {1, 2, 3, 4, 5, 6};
  std::vector<Byte> bytes(sizeof values + 1);
  std::copy_n(reinterpret_cast<const Byte*>(values), sizeof values, bytes.data() + 1);
  const MatrixView backwards(bytes.data() + 1 + 4 * sizeof(float), DType::f32, 3, 2, -2 * std::ptrdiff_t{4});
  EXPECT_FALSE(backwards.contiguous());
  std::vector<float> row(2);
  backwards.copy_row(0, row.data());
  EXPECT_EQ(row, (std::vector<float>{5, 6}));
  backwards.slice(1, 2).copy_row(1, row.data());
  EXPECT_EQ(row, (std::vector<float>{1, 2}));
}

TEST(MatrixView, TakesValuesThatFillItsRows) {
  const std::vector<float> values(12);
  EXPECT_EQ(MatrixView(values, 4).rows(), 3u);
  EXPECT_EQ(MatrixView(std::span<const float>(), 4).rows(), 0u);
  EXPECT_EQ(MatrixView(std::span<const float>(), 0).rows(), 0u);
  expect_error(Error::invalid_argument, "12 values do not fill rows of dimension 5", [&] { MatrixView(values, 5); });
  expect_error(Error::invalid_argument, "dimension 0", [&] { MatrixView(values, 0); });
}

TEST(Matrix, IsAlignedAndWritable) {
  for (const std::size_t rows : {1u, 3u, 1000u, 20'000u}) {
    Matrix matrix(DType::f32, rows, 100);
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(matrix.data()) % 64, 0u);
    std::fill_n(matrix.floats(), rows * 100, 1.0f);
    const MatrixView view = matrix;
    EXPECT_EQ(view.rows(), rows);
    EXPECT_EQ(view.dim(), 100u);
    EXPECT_TRUE(view.contiguous());
  }
}

TEST(Matrix, MayBeEmpty) {
  EXPECT_EQ(Matrix().rows(), 0u);
  EXPECT_EQ(Matrix(DType::i8, 0, 5).dim(), 5u);
  EXPECT_EQ(Matrix(DType::i8, 5, 0).rows(), 5u);
}

TEST(Matrix, RefusesSizesThatOverflow) {
  constexpr std::size_t most = std::numeric_limits<std::size_t>::max();
  expect_error(Error::invalid_argument, "float32", [] { Matrix(DType::f32, most, 2); });
  expect_error(Error::invalid_argument, "float16", [] { Matrix(DType::f16, most / 4, 3); });
  expect_error(Error::invalid_argument, "int8", [] { Matrix(DType::i8, 2, most); });
  expect_error(Error::out_of_memory, "bytes", [] { Matrix(DType::u8, most / 4, 1); });
}

}  // namespace
}  // namespace knear
