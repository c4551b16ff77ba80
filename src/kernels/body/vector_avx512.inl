// Vectors of 64 bytes: AVX-512 F, BW, DQ and VL.

#include "kernels/body/codes_avx2.inl"

struct V {
  using F = __m512;
  using Mask = __mmask16;
  using D = __m512d;
  static constexpr size_t lanes = 16;
  static constexpr size_t tile_rows = 12;
  static constexpr size_t tile_vectors = 2;
  static constexpr size_t parts = 2;  // vectors of float64 that make 16

  static F zero() { return _mm512_setzero_ps(); }
  static F splat(float x) { return _mm512_set1_ps(x); }
  static F load(const float* p) { return _mm512_loadu_ps(p); }
  // The first n < lanes floats, then 0.
  static F load_first(const float* p, size_t n) { return _mm512_maskz_loadu_ps(first_lanes(n), p); }
  static void store(float* p, F x) { _mm512_storeu_ps(p, x); }
  static F fma(F a, F b, F c) { return _mm512_fmadd_ps(a, b, c); }

  static Mask not_greater(F value, F limit) { return _mm512_cmp_ps_mask(value, limit, _CMP_NGT_UQ); }
  static Mask less(F a, F b) { return _mm512_cmp_ps_mask(a, b, _CMP_LT_OQ); }
  // a where m is set, else b.
  static F select(Mask m, F a, F b) { return _mm512_mask_blend_ps(m, b, a); }
  // a where it is less (more), else b: b, too, where one of them is NaN.
  static F lesser(F a, F b) { return _mm512_min_ps(a, b); }
  static F greater(F a, F b) { return _mm512_max_ps(a, b); }
  static Mask either(Mask a, Mask b) { return static_cast<Mask>(a | b); }
  static bool any(Mask m) { return m != 0; }
  static uint32_t bits(Mask m) { return m; }

  static float sum(F x) {
    const __m256 eight = halves_added(x);
    const __m128 four = _mm_add_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
    const __m128 two = _mm_add_ps(four, _mm_movehl_ps(four, four));
    return _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two)));
  }
  // out[r] = the sum of x[r].
  static void store_sums(const F (&x)[4], float* out) {
    const __m256 halves = _mm256_hadd_ps(_mm256_hadd_ps(halves_added(x[0]), halves_added(x[1])),
                                         _mm256_hadd_ps(halves_added(x[2]), halves_added(x[3])));
    _mm_storeu_ps(out, _mm_add_ps(_mm256_castps256_ps128(halves), _mm256_extractf128_ps(halves, 1)));
  }
  // column[c] = element c of `lanes` rows.
  static void load_columns(const float* p, size_t stride, F (&column)[4]) {
    F row[4];  // r, r + 4, r + 8 and r + 12
    for (size_t r = 0; r < 4; ++r) row[r] = load_quarters(p + r * stride, 4 * stride);
    const __m512d low01 = _mm512_castps_pd(_mm512_unpacklo_ps(row[0], row[1]));
    const __m512d low23 = _mm512_castps_pd(_mm512_unpacklo_ps(row[2], row[3]));
    const __m512d high01 = _mm512_castps_pd(_mm512_unpackhi_ps(row[0], row[1]));
    const __m512d high23 = _mm512_castps_pd(_mm512_unpackhi_ps(row[2], row[3]));
    column[0] = _mm512_castpd_ps(_mm512_unpacklo_pd(low01, low23));
    column[1] = _mm512_castpd_ps(_mm512_unpackhi_pd(low01, low23));
    column[2] = _mm512_castpd_ps(_mm512_unpacklo_pd(high01, high23));
    column[3] = _mm512_castpd_ps(_mm512_unpackhi_pd(high01, high23));
  }
  // Lanes whose numbers differ by `apart` change places.
  template <size_t apart>
  static F swapped(F x) {
    if constexpr (apart == 1) return _mm512_shuffle_ps(x, x, 0xb1);
    if constexpr (apart == 2) return _mm512_shuffle_ps(x, x, 0x4e);
    if constexpr (apart == 4) return _mm512_shuffle_f32x4(x, x, 0xb1);
    return _mm512_shuffle_f32x4(x, x, 0x4e);
  }

  // `lanes` codes of so many bits as numbers.
  static F from_8bit(const uint8_t* p) { return _mm512_cvtepi32_ps(sixteen_bytes(p)); }
  static F from_6bit(const uint8_t* p) { return numbers(eight_of_6bit(p), eight_of_6bit(p + 6)); }
  static F from_4bit(const uint8_t* p) { return numbers(eight_of_4bit(p), eight_of_4bit(p + 4)); }

  // Lane i: table[low or high four bits of bytes[i]], of 16.
  static constexpr size_t lookup_sums_from = 1;
  static F look_up_low(const float* table, const uint8_t* bytes) {
    return _mm512_permutexvar_ps(sixteen_bytes(bytes), load(table));
  }
  static F look_up_high(const float* table, const uint8_t* bytes) {
    return _mm512_permutexvar_ps(_mm512_srli_epi32(sixteen_bytes(bytes), 4), load(table));
  }

  // Bits that are set.
  static uint32_t ones(uint64_t x) { return static_cast<uint32_t>(__builtin_popcountll(x)); }

  static D zero_f64() { return _mm512_setzero_pd(); }
  // Part p of 16 floats, widened.
  static D load_f64(const float* x, size_t p) { return _mm512_cvtps_pd(_mm256_loadu_ps(x + 8 * p)); }
  // The first n < 16 floats, then 0.
  static void load_first_f64(const float* x, size_t n, D (&out)[parts]) {
    const F all = load_first(x, n);
    out[0] = _mm512_cvtps_pd(_mm512_castps512_ps256(all));
    out[1] = _mm512_cvtps_pd(_mm512_extractf32x8_ps(all, 1));
  }
  static double sum16(const D (&s)[parts]) {
    const D eight = s[0] + s[1];
    const __m256d four = _mm256_add_pd(_mm512_castpd512_pd256(eight), _mm512_extractf64x4_pd(eight, 1));
    const __m128d two = _mm_add_pd(_mm256_castpd256_pd128(four), _mm256_extractf128_pd(four, 1));
    return _mm_cvtsd_f64(_mm_add_sd(two, _mm_unpackhi_pd(two, two)));
  }

 private:
  static __m512i sixteen_bytes(const uint8_t* p) {
    return _mm512_cvtepu8_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)));
  }
  static F numbers(__m256i low, __m256i high) {
    return _mm512_cvtepi32_ps(_mm512_inserti64x4(_mm512_castsi256_si512(low), high, 1));
  }
  static Mask first_lanes(size_t n) { return static_cast<Mask>((1u << n) - 1u); }
  static __m256 halves_added(F x) { return _mm256_add_ps(_mm512_castps512_ps256(x), _mm512_extractf32x8_ps(x, 1)); }
  static F load_quarters(const float* p, size_t stride) {
    F all = _mm512_castps128_ps512(_mm_loadu_ps(p));
    all = _mm512_insertf32x4(all, _mm_loadu_ps(p + stride), 1);
    all = _mm512_insertf32x4(all, _mm_loadu_ps(p + 2 * stride), 2);
    return _mm512_insertf32x4(all, _mm_loadu_ps(p + 3 * stride), 3);
  }
};

// What `Dots` of any kind needs: a word of four bytes in each lane.
struct Words {
  using Lanes = __m512i;

  static Lanes load(const int32_t* words) { return _mm512_loadu_si512(words); }
  static Lanes splat(const uint8_t* four) {
    int32_t word;
    __builtin_memcpy(&word, four, sizeof word);
    return _mm512_set1_epi32(word);
  }
  static Lanes start(const int32_t* words) { return load(words); }
  static Lanes none() { return _mm512_setzero_si512(); }
  static void put_words(Lanes sum, int32_t* totals, bool to) {
    _mm512_storeu_si512(totals, to ? _mm512_add_epi32(sum, load(totals)) : sum);
  }
  static V::F numbers(const int32_t* totals) { return _mm512_cvtepi32_ps(load(totals)); }

  // out[r] = start + the sum of what step(sum, 64 bytes of rows[r], 64 codes) makes of a sum that was zero.
  template <class Step>
  static void sums_of_four(const uint8_t* const (&rows)[4], const int8_t* codes, size_t dim, int32_t start, Step step,
                           int32_t (&out)[4]) {
    Lanes sums[4] = {none(), none(), none(), none()};
    size_t j = 0;
    for (; j + 64 <= dim; j += 64) {
      const Lanes c = _mm512_loadu_si512(codes + j);
#pragma GCC unroll 4
      for (size_t r = 0; r < 4; ++r) sums[r] = step(sums[r], _mm512_loadu_si512(rows[r] + j), c);
    }
    if (j < dim) {
      const auto mask = static_cast<V::Mask>((1u << (dim - j) / 4) - 1u);
      const Lanes c = _mm512_maskz_loadu_epi32(mask, codes + j);
#pragma GCC unroll 4
      for (size_t r = 0; r < 4; ++r) sums[r] = step(sums[r], _mm512_maskz_loadu_epi32(mask, rows[r] + j), c);
    }
    const __m256i pairs01 = _mm256_hadd_epi32(halves_added(sums[0]), halves_added(sums[1]));
    const __m256i pairs23 = _mm256_hadd_epi32(halves_added(sums[2]), halves_added(sums[3]));
    const __m256i all = _mm256_hadd_epi32(pairs01, pairs23);
    const __m128i four = _mm_add_epi32(_mm256_castsi256_si128(all), _mm256_extracti128_si256(all, 1));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(out), _mm_add_epi32(four, _mm_set1_epi32(start)));
  }
  // Calls step(64 bytes of each); behind the end there are zeros.
  template <class Step>
  static void by_64_bytes(const uint8_t* row, const int8_t* coarse, const int8_t* fine, size_t dim, Step step) {
    for (size_t j = 0; j < dim; j += 64) {
      const V::Mask mask = static_cast<V::Mask>(dim - j < 64 ? (1u << (dim - j) / 4) - 1u : 0xffffu);
      step(_mm512_maskz_loadu_epi32(mask, row + j), _mm512_maskz_loadu_epi32(mask, coarse + j),
           _mm512_maskz_loadu_epi32(mask, fine + j));
    }
  }

 private:
  static __m256i halves_added(Lanes x) {
    return _mm256_add_epi32(_mm512_castsi512_si256(x), _mm512_extracti64x4_epi64(x, 1));
  }
};
