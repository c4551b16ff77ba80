// arm64: NEON is part of it.
#include <arm_neon.h>

#include "kernels/isa/tables.h"
#include "kernels/rare.h"

namespace knear::kernels {
namespace {

#include "kernels/body/vector_neon.inl"

// Four instructions for 16 products, as many as the tile of floats needs for them, and half of the processors' units
// multiply floats only: shadows do not pay without the dot products of isa/neon_dot.cpp.
constexpr bool kShadowPays = false;

[[gnu::always_inline]] inline int32x4_t add_products(int32x4_t sum, int8x16_t row, int8x16_t queries) {
  const int16x8_t low = vmull_s8(vget_low_s8(row), vget_low_s8(queries));
  return vpadalq_s16(sum,
                     vpaddq_s16(low, vmull_high_s8(row, queries)));  // two products fit 16 bits, as no code is -128
}

#include "kernels/body/dots_neon.inl"

struct Bytes {
  using B = uint8x16_t;
  struct Wide {
    uint16x8_t low;   // lanes 0 to 7
    uint16x8_t high;  // the others
  };
  using Sums = Wide;
  static constexpr size_t lanes = 16;
  static constexpr size_t queries = 4;  // at a time: their sums fill half of the registers

  static B load(const uint8_t* p) { return vld1q_u8(p); }
  static B table(const uint8_t* p) { return vld1q_u8(p); }
  static B low_nibbles(B x) { return vandq_u8(x, vdupq_n_u8(15)); }
  static B high_nibbles(B x) { return vshrq_n_u8(x, 4); }
  static B lookup(B table, B nibbles) { return vqtbl1q_u8(table, nibbles); }
  // Saturates.
  static B add(B a, B b) { return vqaddq_u8(a, b); }
  // Bit i is set when lane i is less than the bound.
  static uint32_t below(B x, uint8_t bound) { return bits(vcltq_u8(x, vdupq_n_u8(bound))); }

  static Wide widened(B x) { return {vmovl_u8(vget_low_u8(x)), vmovl_high_u8(x)}; }
  static Wide add_wide(Wide sum, B x) {
    const Wide more = widened(x);
    return {vqaddq_u16(sum.low, more.low), vqaddq_u16(sum.high, more.high)};
  }
  static uint32_t below_wide(Wide x, uint16_t bound) {
    const uint16x8_t all = vdupq_n_u16(bound);
    return bits(vcombine_u8(vmovn_u16(vcltq_u16(x.low, all)), vmovn_u16(vcltq_u16(x.high, all))));
  }

  // Does not saturate.
  static Sums add_to(Sums sums, B x) { return {vaddw_u8(sums.low, vget_low_u8(x)), vaddw_high_u8(sums.high, x)}; }
  static void store(Sums sums, float* out) {
    vst1q_f32(out, vcvtq_f32_u32(vmovl_u16(vget_low_u16(sums.low))));
    vst1q_f32(out + 4, vcvtq_f32_u32(vmovl_high_u16(sums.low)));
    vst1q_f32(out + 8, vcvtq_f32_u32(vmovl_u16(vget_low_u16(sums.high))));
    vst1q_f32(out + 12, vcvtq_f32_u32(vmovl_high_u16(sums.high)));
  }
  // Float i from bytes i of four planes, lowest first.
  static void interleave(const uint8_t* planes, float* out) {
    uint8_t bytes[4 * lanes];
    const uint8x16x4_t four = {{load(planes), load(planes + 32), load(planes + 64), load(planes + 96)}};
    vst4q_u8(bytes, four);  // a macro with some compilers, which braces would confuse
    __builtin_memcpy(out, bytes, sizeof bytes);
  }

 private:
  static uint32_t bits(B mask) {
    static constexpr uint8_t kBits[lanes] = {1, 2, 4, 8, 16, 32, 64, 128, 1, 2, 4, 8, 16, 32, 64, 128};
    const B set = vandq_u8(mask, vld1q_u8(kBits));
    return vaddv_u8(vget_low_u8(set)) | static_cast<uint32_t>(vaddv_u8(vget_high_u8(set))) << 8;
  }
};

// float16 is a type of the machine here.
void f32_from_f16(const uint16_t* in, size_t n, float* out) {
  for (size_t i = 0; i < n; ++i) out[i] = static_cast<float>(__builtin_bit_cast(__fp16, in[i]));
}

void f16_from_f32(const float* in, size_t n, uint16_t* out) {
  for (size_t i = 0; i < n; ++i) out[i] = __builtin_bit_cast(uint16_t, static_cast<__fp16>(in[i]));
}

#include "kernels/body/sums.inl"
//
#include "kernels/body/tile.inl"
//
#include "kernels/body/panels.inl"
//
#include "kernels/body/shadow.inl"
//
#include "kernels/body/cast.inl"
//
#include "kernels/body/lookup.inl"
//
#include "kernels/body/estimate.inl"
//
#include "kernels/body/rows.inl"
//
#include "kernels/body/sub_tables.inl"
//
#include "kernels/body/select.inl"
//
#include "kernels/body/hadamard.inl"
//
#include "kernels/body/exact.inl"
//
#include "kernels/body/convert.inl"
//
#include "kernels/body/codes.inl"
//
#include "kernels/body/hamming.inl"
//
#include "kernels/body/table.inl"

}  // namespace

constinit const Table neon_table = table_named("neon");

}  // namespace knear::kernels
