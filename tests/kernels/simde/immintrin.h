// Stands before the compiler's header of this name: the intrinsics of AVX-512 in plain C, by SIMDe, so that the
// code of isa/avx512.cpp and avx512_vnni.cpp runs on processors that have none of it.
#pragma once

#pragma GCC system_header
#define SIMDE_ENABLE_NATIVE_ALIASES
#include <simde/x86/avx2.h>
#include <simde/x86/f16c.h>
#include <simde/x86/fma.h>
//
#include <simde/x86/avx512/types.h>
//
#include <simde/x86/avx512/add.h>
#include <simde/x86/avx512/blend.h>
#include <simde/x86/avx512/cast.h>
#include <simde/x86/avx512/cmp.h>
#include <simde/x86/avx512/cvt.h>
#include <simde/x86/avx512/dpbusd.h>
#include <simde/x86/avx512/extract.h>
#include <simde/x86/avx512/fmadd.h>
#include <simde/x86/avx512/insert.h>
#include <simde/x86/avx512/loadu.h>
#include <simde/x86/avx512/madd.h>
#include <simde/x86/avx512/maddubs.h>
#include <simde/x86/avx512/max.h>
#include <simde/x86/avx512/min.h>
#include <simde/x86/avx512/mov.h>
#include <simde/x86/avx512/set1.h>
#include <simde/x86/avx512/setzero.h>
#include <simde/x86/avx512/shuffle.h>
#include <simde/x86/avx512/slli.h>
#include <simde/x86/avx512/storeu.h>
#include <simde/x86/avx512/unpackhi.h>
#include <simde/x86/avx512/unpacklo.h>

// What this SIMDe lacks.
using __mmask16 = unsigned short;

inline simde__m512 _mm512_maskz_loadu_ps(__mmask16 mask, const float* p) {
  simde__m512_private out{};
  for (unsigned i = 0; i < 16; ++i)
    if ((mask >> i & 1u) != 0) out.f32[i] = p[i];
  return simde__m512_from_private(out);
}

inline simde__m512i _mm512_maskz_loadu_epi32(__mmask16 mask, const void* p) {
  simde__m512i_private out{};
  for (unsigned i = 0; i < 16; ++i) {
    int word = 0;
    if ((mask >> i & 1u) != 0) __builtin_memcpy(&word, static_cast<const char*>(p) + 4 * i, 4);
    out.i32[i] = word;
  }
  return simde__m512i_from_private(out);
}

inline int _mm512_reduce_add_epi32(simde__m512i x) {
  const simde__m512i_private in = simde__m512i_to_private(x);
  unsigned sum = 0;
  for (unsigned i = 0; i < 16; ++i) sum += in.u32[i];
  return static_cast<int>(sum);
}

inline simde__m512 _mm512_cvtepi32_ps(simde__m512i x) {
  const simde__m512i_private in = simde__m512i_to_private(x);
  simde__m512_private out{};
  for (unsigned i = 0; i < 16; ++i) out.f32[i] = static_cast<float>(in.i32[i]);
  return simde__m512_from_private(out);
}

inline simde__m512i _mm512_cvtepu8_epi32(simde__m128i x) {
  const simde__m128i_private in = simde__m128i_to_private(x);
  simde__m512i_private out{};
  for (unsigned i = 0; i < 16; ++i) out.i32[i] = in.u8[i];
  return simde__m512i_from_private(out);
}

inline simde__m512i _mm512_srli_epi32(simde__m512i x, unsigned bits) {
  const simde__m512i_private in = simde__m512i_to_private(x);
  simde__m512i_private out{};
  for (unsigned i = 0; i < 16; ++i) out.u32[i] = in.u32[i] >> bits;
  return simde__m512i_from_private(out);
}

inline simde__m512 _mm512_permutexvar_ps(simde__m512i places, simde__m512 x) {
  const simde__m512i_private at = simde__m512i_to_private(places);
  const simde__m512_private in = simde__m512_to_private(x);
  simde__m512_private out{};
  for (unsigned i = 0; i < 16; ++i) out.f32[i] = in.f32[at.u32[i] & 15u];
  return simde__m512_from_private(out);
}

inline simde__m512d _mm512_cvtps_pd(simde__m256 x) {
  const simde__m256_private in = simde__m256_to_private(x);
  simde__m512d_private out{};
  for (unsigned i = 0; i < 8; ++i) out.f64[i] = in.f32[i];
  return simde__m512d_from_private(out);
}

inline simde__m256 _mm512_extractf32x8_ps(simde__m512 x, int half) {
  const simde__m512_private in = simde__m512_to_private(x);
  simde__m256_private out{};
  for (int i = 0; i < 8; ++i) out.f32[i] = in.f32[8 * half + i];
  return simde__m256_from_private(out);
}

#ifndef _mm512_shuffle_f32x4
#define _mm512_shuffle_f32x4(a, b, places) simde_mm512_shuffle_f32x4(a, b, places)
#endif

// Takes four arguments where it has two.
#undef _mm512_madd_epi16
#define _mm512_madd_epi16(a, b) simde_mm512_madd_epi16(a, b)
