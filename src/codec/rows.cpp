#include "codec/rows.h"

#include <cstring>

#include "kernels/dispatch.h"

namespace knear {

void widen(DType dtype, const Byte* in, std::size_t n, float* out) {
  const kernels::Table& table = kernels::table();
  switch (dtype) {
    case DType::f32:
      std::memcpy(out, in, n * sizeof(float));
      break;
    case DType::f16:
      table.f32_from_f16(reinterpret_cast<const std::uint16_t*>(in), n, out);
      break;
    case DType::bf16:
      table.f32_from_bf16(reinterpret_cast<const std::uint16_t*>(in), n, out);
      break;
    case DType::i8:
      table.f32_from_i8(reinterpret_cast<const std::int8_t*>(in), n, out);
      break;
    case DType::u8:
      table.f32_from_u8(in, n, out);
      break;
  }
}

void narrow(DType dtype, const float* in, std::size_t n, Byte* out) {
  const kernels::Table& table = kernels::table();
  switch (dtype) {
    case DType::f32:
      std::memcpy(out, in, n * sizeof(float));
      break;
    case DType::f16:
      table.f16_from_f32(in, n, reinterpret_cast<std::uint16_t*>(out));
      break;
    case DType::bf16:
      table.bf16_from_f32(in, n, reinterpret_cast<std::uint16_t*>(out));
      break;
    case DType::i8:
      table.i8_from_f32(in, n, reinterpret_cast<std::int8_t*>(out));
      break;
    case DType::u8:
      table.u8_from_f32(in, n, out);
      break;
  }
}

bool RowReader::in_place(const Byte* code, std::ptrdiff_t stride) const noexcept {
  return dtype_ == DType::f32 && stride >= 0 && stride % 4 == 0 && reinterpret_cast<std::uintptr_t>(code) % 4 == 0;
}

FloatRows RowReader::read(const CodeBlock& block, std::size_t first, std::size_t count) {
  const Byte* start = block.code(first);
  if (in_place(start, block.stride)) {
    return {reinterpret_cast<const float*>(start), static_cast<std::size_t>(block.stride) / 4};
  }
  scratch_.resize(std::max(scratch_.size(), count * dim_));
  for (std::size_t i = 0; i < count; ++i) widen(dtype_, block.code(first + i), dim_, scratch_.data() + i * dim_);
  return {scratch_.data(), dim_};
}

const float* RowReader::read(const Byte* code) {
  if (in_place(code, 0)) return reinterpret_cast<const float*>(code);
  scratch_.resize(std::max(scratch_.size(), dim_));
  widen(dtype_, code, dim_, scratch_.data());
  return scratch_.data();
}

}  // namespace knear
