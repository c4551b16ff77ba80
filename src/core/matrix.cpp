#include "knear/matrix.h"

#include <sys/mman.h>

#include <array>
#include <cstdlib>
#include <cstring>
#include <limits>

#include "core/check.h"
#include "core/memory.h"
#include "core/narrow_float.h"

namespace knear {
namespace {

constexpr std::size_t kAlignment = 64;
constexpr std::size_t kHugePage = std::size_t{2} << 20;
constexpr std::size_t kHugePagesFrom = std::size_t{4} << 20;

struct DTypeRow {
  DType dtype;
  std::size_t bytes;
  std::array<const char*, 4> names;  // the first is the one that is shown
};

constexpr DTypeRow kDTypes[] = {
    {DType::f32, 4, {"float32", "f32", "fp32", "float"}},
    {DType::f16, 2, {"float16", "f16", "fp16", "half"}},
    {DType::bf16, 2, {"bfloat16", "bf16", "bfloat16", "bf16"}},
    {DType::i8, 1, {"int8", "i8", "int8", "i8"}},
    {DType::u8, 1, {"uint8", "u8", "uint8", "u8"}},
};

const DTypeRow& row_of(DType dtype) noexcept { return kDTypes[static_cast<std::size_t>(dtype)]; }

// out[j] = convert(element j); `row` needs no alignment.
template <class Element, class Convert>
void convert_row(const Byte* row, std::size_t dim, float* out, Convert convert) noexcept {
  for (std::size_t j = 0; j < dim; ++j) {
    Element element;
    std::memcpy(&element, row + j * sizeof(Element), sizeof(Element));
    out[j] = convert(element);
  }
}

std::size_t checked_bytes(DType dtype, std::size_t rows, std::size_t dim) {
  constexpr std::size_t most = static_cast<std::size_t>(std::numeric_limits<std::ptrdiff_t>::max()) - kHugePage;
  const std::size_t row_limit = dim == 0 ? most : most / bytes_of(dtype) / dim;
  require(rows <= row_limit, "a matrix of ", rows, " x ", dim, ' ', name_of(dtype), " is larger than any memory");
  return rows * dim * bytes_of(dtype);
}

}  // namespace

std::size_t bytes_of(DType dtype) noexcept { return row_of(dtype).bytes; }

const char* name_of(DType dtype) noexcept { return row_of(dtype).names[0]; }

DType dtype_of(std::string_view name) {
  for (const DTypeRow& row : kDTypes)
    for (const char* known : row.names)
      if (name == known) return row.dtype;
  fail(Error::wrong_type, "no element type is called '", name, "'; there are float32, float16, bfloat16, int8, uint8");
}

MatrixView::MatrixView(std::span<const float> values, std::size_t dim)
    : MatrixView(values.data(), DType::f32, dim == 0 ? 0 : values.size() / dim, dim) {
  require(rows_ * dim_ == values.size(), values.size(), " values do not fill rows of dimension ", dim);
}

void MatrixView::copy_row(std::size_t i, float* out) const noexcept {
  const Byte* from = row(i);
  switch (dtype_) {
    case DType::f32:
      if (dim_ != 0) std::memcpy(out, from, dim_ * sizeof(float));
      return;
    case DType::f16:
      return convert_row<std::uint16_t>(from, dim_, out, f32_from_f16);
    case DType::bf16:
      return convert_row<std::uint16_t>(from, dim_, out, f32_from_bf16);
    case DType::i8:
      return convert_row<std::int8_t>(from, dim_, out, [](std::int8_t x) { return static_cast<float>(x); });
    case DType::u8:
      return convert_row<std::uint8_t>(from, dim_, out, [](std::uint8_t x) { return static_cast<float>(x); });
  }
}

Matrix::Matrix(DType dtype, std::size_t rows, std::size_t dim) : rows_(rows), dim_(dim), dtype_(dtype) {
  const std::size_t bytes = checked_bytes(dtype, rows, dim);
  if (bytes == 0) return;
  const bool huge = bytes >= kHugePagesFrom;
  const std::size_t alignment = huge ? kHugePage : kAlignment;
  const std::size_t padded = (bytes + alignment - 1) / alignment * alignment;
  if (padded <= kHugePagesFrom || padded <= machine_memory())
    data_.reset(static_cast<Byte*>(std::aligned_alloc(alignment, padded)));
  if (!data_)
    fail(Error::out_of_memory, "no memory for ", rows, " x ", dim, ' ', name_of(dtype), ": ", bytes, " bytes");
  // Fewer address translations while rows stream by; a system without huge pages may refuse.
  if (huge) static_cast<void>(madvise(data_.get(), padded, MADV_HUGEPAGE));
}

void Matrix::Free::operator()(Byte* p) const noexcept { std::free(p); }

}  // namespace knear
