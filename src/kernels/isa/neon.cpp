// arm64: NEON is part of it.
#include <arm_neon.h>

#include "kernels/isa/tables.h"
#include "kernels/rare.h"

namespace knear::kernels {
namespace {

struct V {
  using F = float32x4_t;
  using Mask = uint32x4_t;
  using D = float64x2_t;
  static constexpr size_t lanes = 4;
  static constexpr size_t tile_rows = 4;
  static constexpr size_t tile_vectors = 4;
  static constexpr size_t parts = 8;  // vectors of float64 that make 16

  static F zero() { return vdupq_n_f32(0); }
  static F splat(float x) { return vdupq_n_f32(x); }
  static F load(const float* p) { return vld1q_f32(p); }
  // The first n < lanes floats, then 0.
  static F load_first(const float* p, size_t n) {
    float padded[lanes] = {};
    for (size_t i = 0; i < n; ++i) padded[i] = p[i];
    return vld1q_f32(padded);
  }
  static void store(float* p, F x) { vst1q_f32(p, x); }
  static F fma(F a, F b, F c) { return vfmaq_f32(c, a, b); }

  static Mask not_greater(F value, F limit) { return vmvnq_u32(vcgtq_f32(value, limit)); }
  static Mask less(F a, F b) { return vcltq_f32(a, b); }
  // a where m is set, else b.
  static F select(Mask m, F a, F b) { return vbslq_f32(m, a, b); }
  // a where it is less (more), else b: b, too, where one of them is NaN.
  static F lesser(F a, F b) { return vbslq_f32(vcltq_f32(a, b), a, b); }
  static F greater(F a, F b) { return vbslq_f32(vcgtq_f32(a, b), a, b); }
  static Mask either(Mask a, Mask b) { return vorrq_u32(a, b); }
  static bool any(Mask m) { return vmaxvq_u32(m) != 0; }
  static uint32_t bits(Mask m) {
    static constexpr uint32_t kBits[lanes] = {1, 2, 4, 8};
    return vaddvq_u32(vandq_u32(m, vld1q_u32(kBits)));
  }

  static float sum(F x) { return vaddvq_f32(x); }
  // out[r] = the sum of x[r].
  static void store_sums(const F (&x)[4], float* out) {
    vst1q_f32(out, vpaddq_f32(vpaddq_f32(x[0], x[1]), vpaddq_f32(x[2], x[3])));
  }
  // column[c] = element c of `lanes` rows.
  static void load_columns(const float* p, size_t stride, F (&column)[4]) {
    F row[4];
    for (size_t r = 0; r < 4; ++r) row[r] = load(p + r * stride);
    const float64x2_t even01 = vreinterpretq_f64_f32(vtrn1q_f32(row[0], row[1]));
    const float64x2_t even23 = vreinterpretq_f64_f32(vtrn1q_f32(row[2], row[3]));
    const float64x2_t odd01 = vreinterpretq_f64_f32(vtrn2q_f32(row[0], row[1]));
    const float64x2_t odd23 = vreinterpretq_f64_f32(vtrn2q_f32(row[2], row[3]));
    column[0] = vreinterpretq_f32_f64(vtrn1q_f64(even01, even23));
    column[1] = vreinterpretq_f32_f64(vtrn1q_f64(odd01, odd23));
    column[2] = vreinterpretq_f32_f64(vtrn2q_f64(even01, even23));
    column[3] = vreinterpretq_f32_f64(vtrn2q_f64(odd01, odd23));
  }
  // Lanes whose numbers differ by `apart` change places.
  template <size_t apart>
  static F swapped(F x) {
    if constexpr (apart == 1) return vrev64q_f32(x);
    return vextq_f32(x, x, 2);
  }

  // `lanes` codes of so many bits as numbers.
  static F from_8bit(const uint8_t* p) {
    uint32_t word;
    __builtin_memcpy(&word, p, sizeof word);
    const uint16x8_t halves = vmovl_u8(vreinterpret_u8_u32(vdup_n_u32(word)));
    return vcvtq_f32_u32(vmovl_u16(vget_low_u16(halves)));
  }
  static F from_6bit(const uint8_t* p) {
    static constexpr int32_t kShifts[lanes] = {0, -6, -12, -18};
    return pieces(p[0] | static_cast<uint32_t>(p[1]) << 8 | static_cast<uint32_t>(p[2]) << 16, kShifts, 63);
  }
  static F from_4bit(const uint8_t* p) {
    static constexpr int32_t kShifts[lanes] = {0, -4, -8, -12};
    return pieces(p[0] | static_cast<uint32_t>(p[1]) << 8, kShifts, 15);
  }

  // Bits that are set.
  static uint32_t ones(uint64_t x) { return static_cast<uint32_t>(__builtin_popcountll(x)); }

  static D zero_f64() { return vdupq_n_f64(0); }
  // Part p of 16 floats, widened.
  static D load_f64(const float* x, size_t p) { return vcvt_f64_f32(vld1_f32(x + 2 * p)); }
  // The first n < 16 floats, then 0.
  static void load_first_f64(const float* x, size_t n, D (&out)[parts]) {
    float padded[16] = {};
    for (size_t i = 0; i < n; ++i) padded[i] = x[i];
    for (size_t p = 0; p < parts; ++p) out[p] = load_f64(padded, p);
  }
  static double sum16(const D (&s)[parts]) {
    return vaddvq_f64(((s[0] + s[4]) + (s[2] + s[6])) + ((s[1] + s[5]) + (s[3] + s[7])));
  }

 private:
  static F pieces(uint32_t word, const int32_t* shifts, uint32_t mask) {
    return vcvtq_f32_u32(vandq_u32(vshlq_u32(vdupq_n_u32(word), vld1q_s32(shifts)), vdupq_n_u32(mask)));
  }
};

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
    vst4q_u8(bytes, {{load(planes), load(planes + 32), load(planes + 64), load(planes + 96)}});
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
