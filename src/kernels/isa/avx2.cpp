// x86-64 with AVX2, FMA and F16C.
#include <immintrin.h>

#include "kernels/isa/tables.h"
#include "kernels/rare.h"

namespace knear::kernels {
namespace {

#include "kernels/body/codes_avx2.inl"

struct V {
  using F = __m256;
  using Mask = __m256;
  using D = __m256d;
  static constexpr size_t lanes = 8;
  static constexpr size_t tile_rows = 6;
  static constexpr size_t tile_vectors = 2;
  static constexpr size_t parts = 4;  // vectors of float64 that make 16

  static F zero() { return _mm256_setzero_ps(); }
  static F splat(float x) { return _mm256_set1_ps(x); }
  static F load(const float* p) { return _mm256_loadu_ps(p); }
  // The first n < lanes floats, then 0.
  static F load_first(const float* p, size_t n) { return _mm256_maskload_ps(p, first_lanes(n)); }
  static void store(float* p, F x) { _mm256_storeu_ps(p, x); }
  static F fma(F a, F b, F c) { return _mm256_fmadd_ps(a, b, c); }

  static Mask not_greater(F value, F limit) { return _mm256_cmp_ps(value, limit, _CMP_NGT_UQ); }
  static Mask less(F a, F b) { return _mm256_cmp_ps(a, b, _CMP_LT_OQ); }
  // a where m is set, else b.
  static F select(Mask m, F a, F b) { return _mm256_blendv_ps(b, a, m); }
  // a where it is less (more), else b: b, too, where one of them is NaN.
  static F lesser(F a, F b) { return _mm256_min_ps(a, b); }
  static F greater(F a, F b) { return _mm256_max_ps(a, b); }
  static Mask either(Mask a, Mask b) { return _mm256_or_ps(a, b); }
  static bool any(Mask m) { return _mm256_movemask_ps(m) != 0; }
  static uint32_t bits(Mask m) { return static_cast<uint32_t>(_mm256_movemask_ps(m)); }

  static float sum(F x) {
    const __m128 four = _mm_add_ps(_mm256_castps256_ps128(x), _mm256_extractf128_ps(x, 1));
    const __m128 two = _mm_add_ps(four, _mm_movehl_ps(four, four));
    return _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two)));
  }
  // out[r] = the sum of x[r].
  static void store_sums(const F (&x)[4], float* out) {
    const F halves = _mm256_hadd_ps(_mm256_hadd_ps(x[0], x[1]), _mm256_hadd_ps(x[2], x[3]));
    _mm_storeu_ps(out, _mm_add_ps(_mm256_castps256_ps128(halves), _mm256_extractf128_ps(halves, 1)));
  }
  // column[c] = element c of `lanes` rows.
  static void load_columns(const float* p, size_t stride, F (&column)[4]) {
    F row[4];  // r and r + 4
    for (size_t r = 0; r < 4; ++r)
      row[r] = _mm256_insertf128_ps(_mm256_castps128_ps256(_mm_loadu_ps(p + r * stride)),
                                    _mm_loadu_ps(p + (r + 4) * stride), 1);
    const __m256d low01 = _mm256_castps_pd(_mm256_unpacklo_ps(row[0], row[1]));
    const __m256d low23 = _mm256_castps_pd(_mm256_unpacklo_ps(row[2], row[3]));
    const __m256d high01 = _mm256_castps_pd(_mm256_unpackhi_ps(row[0], row[1]));
    const __m256d high23 = _mm256_castps_pd(_mm256_unpackhi_ps(row[2], row[3]));
    column[0] = _mm256_castpd_ps(_mm256_unpacklo_pd(low01, low23));
    column[1] = _mm256_castpd_ps(_mm256_unpackhi_pd(low01, low23));
    column[2] = _mm256_castpd_ps(_mm256_unpacklo_pd(high01, high23));
    column[3] = _mm256_castpd_ps(_mm256_unpackhi_pd(high01, high23));
  }
  // Lanes whose numbers differ by `apart` change places.
  template <size_t apart>
  static F swapped(F x) {
    if constexpr (apart == 1) return _mm256_permute_ps(x, 0xb1);
    if constexpr (apart == 2) return _mm256_permute_ps(x, 0x4e);
    return _mm256_permute2f128_ps(x, x, 1);
  }

  // `lanes` codes of so many bits as numbers.
  static F from_8bit(const uint8_t* p) { return _mm256_cvtepi32_ps(eight_of_8bit(p)); }
  static F from_6bit(const uint8_t* p) { return _mm256_cvtepi32_ps(eight_of_6bit(p)); }
  static F from_4bit(const uint8_t* p) { return _mm256_cvtepi32_ps(eight_of_4bit(p)); }

  // Lane i: table[low or high four bits of bytes[i]], of 16.
  static constexpr size_t lookup_sums_from = 3;
  static F look_up_low(const float* table, const uint8_t* bytes) { return look_up(table, eight_bytes(bytes)); }
  static F look_up_high(const float* table, const uint8_t* bytes) {
    return look_up(table, _mm256_srli_epi32(eight_bytes(bytes), 4));
  }

  // Bits that are set.
  static uint32_t ones(uint64_t x) { return static_cast<uint32_t>(__builtin_popcountll(x)); }

  static D zero_f64() { return _mm256_setzero_pd(); }
  // Part p of 16 floats, widened.
  static D load_f64(const float* x, size_t p) { return _mm256_cvtps_pd(_mm_loadu_ps(x + 4 * p)); }
  // The first n < 16 floats, then 0.
  static void load_first_f64(const float* x, size_t n, D (&out)[parts]) {
    const F low = n < 8 ? load_first(x, n) : load(x);
    const F high = n > 8 ? load_first(x + 8, n - 8) : zero();
    out[0] = _mm256_cvtps_pd(_mm256_castps256_ps128(low));
    out[1] = _mm256_cvtps_pd(_mm256_extractf128_ps(low, 1));
    out[2] = _mm256_cvtps_pd(_mm256_castps256_ps128(high));
    out[3] = _mm256_cvtps_pd(_mm256_extractf128_ps(high, 1));
  }
  static double sum16(const D (&s)[parts]) {
    const D four = (s[0] + s[2]) + (s[1] + s[3]);
    const __m128d two = _mm_add_pd(_mm256_castpd256_pd128(four), _mm256_extractf128_pd(four, 1));
    return _mm_cvtsd_f64(_mm_add_sd(two, _mm_unpackhi_pd(two, two)));
  }

 private:
  static __m256i eight_bytes(const uint8_t* p) {
    return _mm256_cvtepu8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(p)));
  }
  // Permutations go by three bits; the fourth becomes the sign that blends.
  static F look_up(const float* table, __m256i places) {
    const F low = _mm256_permutevar8x32_ps(load(table), places);
    const F high = _mm256_permutevar8x32_ps(load(table + 8), places);
    return _mm256_blendv_ps(low, high, _mm256_castsi256_ps(_mm256_slli_epi32(places, 28)));
  }
  static __m256i first_lanes(size_t n) {
    static constexpr int32_t kOnes[16] = {-1, -1, -1, -1, -1, -1, -1, -1};
    return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(kOnes + 8 - n));
  }
};

// Four bytes of a row and of each query.
struct Dots {
  using Lanes = __m256i;
  using Sum = __m256i;              // 16 of 16 bits: two for each query
  static constexpr size_t run = 8;  // steps: codes of queries may then have about 7 bits
  static constexpr int most = 64;
  static constexpr bool pays = true;

  static Lanes load(const int32_t* words) { return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(words)); }
  static Lanes splat(const uint8_t* four) {
    int32_t word;
    __builtin_memcpy(&word, four, sizeof word);
    return _mm256_set1_epi32(word);
  }
  static Sum start(const int32_t* words) { return load(words); }
  static Sum none() { return _mm256_setzero_si256(); }
  static Sum add(Sum sum, Lanes row, Lanes queries) {
    return _mm256_add_epi16(sum, _mm256_maddubs_epi16(row, queries));
  }
  // Adds up what belongs together and puts it into, or to, `totals`.
  static void put(Sum sum, int32_t* totals, bool to) {
    __m256i all = _mm256_madd_epi16(sum, _mm256_set1_epi16(1));
    if (to) all = _mm256_add_epi32(all, load(totals));
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(totals), all);
  }
  static V::F numbers(const int32_t* totals) { return _mm256_cvtepi32_ps(load(totals)); }

  // out[r] = start + the sum of codes * rows[r].
  static void sums_of(const uint8_t* const (&rows)[4], const int8_t* codes, size_t dim, int32_t start,
                      int32_t (&out)[4]) {
    Sum sums[4] = {none(), none(), none(), none()};
    const Sum ones = _mm256_set1_epi16(1);
    size_t j = 0;
    for (; j + 32 <= dim; j += 32) {
      const __m256i c = bytes(codes + j);
      for (size_t r = 0; r < 4; ++r)
        sums[r] = _mm256_add_epi32(sums[r], _mm256_madd_epi16(_mm256_maddubs_epi16(bytes(rows[r] + j), c), ones));
    }
    if (j < dim) {
      const __m256i mask = first_words((dim - j) / 4);
      const auto some = [&](const void* p) { return _mm256_maskload_epi32(static_cast<const int*>(p), mask); };
      const __m256i c = some(codes + j);
      for (size_t r = 0; r < 4; ++r)
        sums[r] = _mm256_add_epi32(sums[r], _mm256_madd_epi16(_mm256_maddubs_epi16(some(rows[r] + j), c), ones));
    }
    const __m256i halves = _mm256_hadd_epi32(_mm256_hadd_epi32(sums[0], sums[1]), _mm256_hadd_epi32(sums[2], sums[3]));
    const __m128i all = _mm_add_epi32(_mm256_castsi256_si128(halves), _mm256_extracti128_si256(halves, 1));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(out), _mm_add_epi32(all, _mm_set1_epi32(start)));
  }
  // start + the sum of (16 * coarse + fine) * row.
  static int32_t sum_of(const uint8_t* row, const int8_t* coarse, const int8_t* fine, size_t dim, int32_t start) {
    __m256i high = _mm256_setzero_si256();
    __m256i low = _mm256_setzero_si256();
    size_t j = 0;
    for (; j + 32 <= dim; j += 32) add_32(bytes(row + j), bytes(coarse + j), bytes(fine + j), high, low);
    if (j < dim) {
      const __m256i mask = first_words((dim - j) / 4);
      const auto some = [&](const void* p) { return _mm256_maskload_epi32(static_cast<const int*>(p), mask); };
      add_32(some(row + j), some(coarse + j), some(fine + j), high, low);
    }
    const __m256i all = _mm256_add_epi32(high, low);
    const __m128i four = _mm_add_epi32(_mm256_castsi256_si128(all), _mm256_extracti128_si256(all, 1));
    const __m128i two = _mm_add_epi32(four, _mm_shuffle_epi32(four, 0x4e));
    return start + _mm_cvtsi128_si32(_mm_add_epi32(two, _mm_shuffle_epi32(two, 0xb1)));
  }

 private:
  static __m256i bytes(const void* p) { return _mm256_loadu_si256(static_cast<const __m256i*>(p)); }
  static __m256i first_words(size_t n) {
    static constexpr int32_t kOnes[16] = {-1, -1, -1, -1, -1, -1, -1, -1};
    return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(kOnes + 8 - n));
  }
  static void add_32(__m256i row, __m256i coarse, __m256i fine, __m256i& high, __m256i& low) {
    high = _mm256_add_epi32(high, _mm256_madd_epi16(_mm256_maddubs_epi16(row, coarse), _mm256_set1_epi16(16)));
    low = _mm256_add_epi32(low, _mm256_madd_epi16(_mm256_maddubs_epi16(row, fine), _mm256_set1_epi16(1)));
  }
};

#include "kernels/body/sums.inl"
//
#include "kernels/body/tile.inl"
//
#include "kernels/body/panels.inl"
//
#include "kernels/body/bytes_avx2.inl"
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
#include "kernels/body/f16_f16c.inl"
//
#include "kernels/body/table.inl"

}  // namespace

constinit const Table avx2_table = table_named("avx2");

}  // namespace knear::kernels
