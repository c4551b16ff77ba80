// Rows of numbers, borrowed (MatrixView) or owned (Matrix).
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

namespace knear {

using Byte = std::uint8_t;

// The element types that rows may have. f16 is IEEE binary16, bf16 the upper half of a float32.
enum class DType : std::uint8_t { f32 = 0, f16 = 1, bf16 = 2, i8 = 3, u8 = 4 };

std::size_t bytes_of(DType dtype) noexcept;
const char* name_of(DType dtype) noexcept;  // "float32", "float16", "bfloat16", "int8", "uint8"
DType dtype_of(std::string_view name);      // also "f32", "fp16", …; throws Error::wrong_type

// A borrowed, read-only matrix of `rows` x `dim` elements. The elements of a row are consecutive;
// rows may lie any number of bytes apart (also backwards). Nothing is copied, nothing is kept.
class MatrixView {
 public:
  constexpr MatrixView() = default;
  MatrixView(const void* data, DType dtype, std::size_t rows, std::size_t dim)
      : MatrixView(data, dtype, rows, dim, static_cast<std::ptrdiff_t>(dim * bytes_of(dtype))) {}
  MatrixView(const void* data, DType dtype, std::size_t rows, std::size_t dim, std::ptrdiff_t row_stride_bytes)
      : data_(static_cast<const Byte*>(data)), rows_(rows), dim_(dim), row_stride_(row_stride_bytes), dtype_(dtype) {}
  // Throws Error::invalid_argument unless values.size() is a multiple of dim.
  MatrixView(std::span<const float> values, std::size_t dim);

  std::size_t rows() const noexcept { return rows_; }
  std::size_t dim() const noexcept { return dim_; }
  DType dtype() const noexcept { return dtype_; }
  std::ptrdiff_t row_stride() const noexcept { return row_stride_; }  // in bytes
  const Byte* data() const noexcept { return data_; }
  const Byte* row(std::size_t i) const noexcept { return data_ + static_cast<std::ptrdiff_t>(i) * row_stride_; }
  bool contiguous() const noexcept {
    return rows_ < 2 || row_stride_ == static_cast<std::ptrdiff_t>(dim_ * bytes_of(dtype_));
  }
  MatrixView slice(std::size_t first, std::size_t count) const noexcept {
    return {row(first), dtype_, count, dim_, row_stride_};
  }
  // out[j] = row i as float32; exact for every element type.
  void copy_row(std::size_t i, float* out) const noexcept;

 private:
  const Byte* data_ = nullptr;
  std::size_t rows_ = 0;
  std::size_t dim_ = 0;
  std::ptrdiff_t row_stride_ = 0;
  DType dtype_ = DType::f32;
};

// An owned matrix with consecutive rows, its first element aligned to 64 bytes.
class Matrix {
 public:
  Matrix() = default;
  // Uninitialised. Throws Error::out_of_memory, Error::invalid_argument on overflow.
  Matrix(DType dtype, std::size_t rows, std::size_t dim);

  std::size_t rows() const noexcept { return rows_; }
  std::size_t dim() const noexcept { return dim_; }
  DType dtype() const noexcept { return dtype_; }
  Byte* data() noexcept { return data_.get(); }
  const Byte* data() const noexcept { return data_.get(); }
  // The elements as float; only for DType::f32.
  float* floats() noexcept { return reinterpret_cast<float*>(data_.get()); }
  const float* floats() const noexcept { return reinterpret_cast<const float*>(data_.get()); }
  operator MatrixView() const noexcept { return {data_.get(), dtype_, rows_, dim_}; }

 private:
  struct Free {
    void operator()(Byte* p) const noexcept;
  };
  std::unique_ptr<Byte[], Free> data_;
  std::size_t rows_ = 0;
  std::size_t dim_ = 0;
  DType dtype_ = DType::f32;
};

}  // namespace knear
