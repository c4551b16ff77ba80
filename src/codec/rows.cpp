#include "codec/rows.h"

#include <algorithm>
#include <cstring>

#include "core/planes.h"
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

RowReader::RowReader(const Codec& codec)
    : codec_(codec), are_floats_(codec.exact() && codec.dtype() == DType::f32), code_(codec.code_bytes()) {}

// Not cleared, since all of it will be written.
float* RowReader::room_for(std::size_t rows) {
  const std::size_t floats = rows * codec_.dim();
  if (floats > scratch_floats_) {
    scratch_ = std::make_unique_for_overwrite<float[]>(floats);
    scratch_floats_ = floats;
  }
  return scratch_.get();
}

bool RowReader::in_place(const Byte* code, std::ptrdiff_t stride) const noexcept {
  return are_floats_ && stride >= 0 && stride % 4 == 0 && reinterpret_cast<std::uintptr_t>(code) % 4 == 0;
}

FloatRows RowReader::read(const CodeBlock& block, std::size_t first, std::size_t count) {
  if (codec_.layout() == CodeLayout::planes) return read_planes(block, first, count);
  const Byte* start = block.code(first);
  if (in_place(start, block.stride)) {
    return {reinterpret_cast<const float*>(start), static_cast<std::size_t>(block.stride) / 4, true};
  }
  const std::size_t dim = codec_.dim();
  float* const rows = room_for(count);
  if (block.stride == static_cast<std::ptrdiff_t>(codec_.code_bytes())) {
    codec_.decode(start, count, rows);
  } else {
    for (std::size_t i = 0; i < count; ++i) codec_.decode(block.code(first + i), 1, rows + i * dim);
  }
  return {rows, dim, false};
}

FloatRows RowReader::read_planes(const CodeBlock& block, std::size_t first, std::size_t count) {
  const std::size_t code_bytes = codec_.code_bytes();
  code_.resize(std::max(code_.size(), count * code_bytes));
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t at = first + i;
    from_group(block.group(at / kGroupRows), code_bytes, at % kGroupRows, code_.data() + i * code_bytes);
  }
  float* const rows = room_for(count);
  codec_.decode(code_.data(), count, rows);
  return {rows, codec_.dim(), false};
}

void RowReader::read(const SlotTable& table, std::span<const Slot> slots, const float** rows) {
  float* const scratch = are_floats_ ? nullptr : room_for(slots.size());
  for (std::size_t i = 0; i < slots.size(); ++i) {
    const Byte* code = table.code(slots[i], code_.data());
    if (in_place(code, 0)) {
      rows[i] = reinterpret_cast<const float*>(code);
      continue;
    }
    float* row = (scratch ? scratch : room_for(slots.size())) + i * codec_.dim();
    codec_.decode(code, 1, row);
    rows[i] = row;
  }
}

}  // namespace knear
