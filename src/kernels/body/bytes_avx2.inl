// Vectors of 32 bytes, for lookups: AVX2, also where there is AVX-512.
struct Bytes {
  using B = __m256i;
  struct Wide {
    __m256i low;   // lanes 0 to 7 and 16 to 23
    __m256i high;  // the others
  };
  struct Sums {
    __m256i all;  // as if two lanes were one number of 16 bits
    __m256i odd;  // of the upper ones alone
  };
  static constexpr size_t lanes = 32;
  static constexpr size_t queries = 4;  // at a time: their sums fill the registers

  static B load(const uint8_t* p) { return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)); }
  // Sixteen bytes, in both halves.
  static B table(const uint8_t* p) {
    return _mm256_broadcastsi128_si256(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)));
  }
  static B low_nibbles(B x) { return _mm256_and_si256(x, _mm256_set1_epi8(15)); }
  static B high_nibbles(B x) { return _mm256_and_si256(_mm256_srli_epi16(x, 4), _mm256_set1_epi8(15)); }
  static B lookup(B table, B nibbles) { return _mm256_shuffle_epi8(table, nibbles); }
  // Saturates.
  static B add(B a, B b) { return _mm256_adds_epu8(a, b); }
  // Bit i is set when lane i is less than the bound.
  static uint32_t below(B x, uint8_t bound) {
    const B at_least = _mm256_cmpeq_epi8(_mm256_max_epu8(x, _mm256_set1_epi8(static_cast<char>(bound))), x);
    return ~static_cast<uint32_t>(_mm256_movemask_epi8(at_least));
  }

  static Wide widened(B x) {
    return {_mm256_unpacklo_epi8(x, _mm256_setzero_si256()), _mm256_unpackhi_epi8(x, _mm256_setzero_si256())};
  }
  static Wide add_wide(Wide sum, B x) {
    const Wide more = widened(x);
    return {_mm256_adds_epu16(sum.low, more.low), _mm256_adds_epu16(sum.high, more.high)};
  }
  static uint32_t below_wide(Wide x, uint16_t bound) {
    const __m256i all = _mm256_set1_epi16(static_cast<short>(bound));
    const __m256i low = _mm256_cmpeq_epi16(_mm256_max_epu16(x.low, all), x.low);
    const __m256i high = _mm256_cmpeq_epi16(_mm256_max_epu16(x.high, all), x.high);
    return ~static_cast<uint32_t>(_mm256_movemask_epi8(_mm256_packs_epi16(low, high)));
  }

  // Does not saturate.
  static Sums add_to(Sums sums, B x) {
    return {_mm256_add_epi16(sums.all, x), _mm256_add_epi16(sums.odd, _mm256_srli_epi16(x, 8))};
  }
  static void store(Sums sums, float* out) {
    const B even = _mm256_sub_epi16(sums.all, _mm256_slli_epi16(sums.odd, 8));
    const B outer = _mm256_unpacklo_epi16(even, sums.odd);  // lanes 0 to 7 and 16 to 23
    const B inner = _mm256_unpackhi_epi16(even, sums.odd);
    store_eight(_mm256_castsi256_si128(outer), out);
    store_eight(_mm256_castsi256_si128(inner), out + 8);
    store_eight(_mm256_extracti128_si256(outer, 1), out + 16);
    store_eight(_mm256_extracti128_si256(inner, 1), out + 24);
  }
  // Float i from bytes i of four planes, lowest first.
  static void interleave(const uint8_t* planes, float* out) {
    const B low01 = _mm256_unpacklo_epi8(load(planes), load(planes + 32));
    const B high01 = _mm256_unpackhi_epi8(load(planes), load(planes + 32));
    const B low23 = _mm256_unpacklo_epi8(load(planes + 64), load(planes + 96));
    const B high23 = _mm256_unpackhi_epi8(load(planes + 64), load(planes + 96));
    const B words[4] = {_mm256_unpacklo_epi16(low01, low23), _mm256_unpackhi_epi16(low01, low23),
                        _mm256_unpacklo_epi16(high01, high23), _mm256_unpackhi_epi16(high01, high23)};
    for (size_t w = 0; w < 4; ++w) {
      const __m256 floats = _mm256_castsi256_ps(words[w]);
      _mm_storeu_ps(out + 4 * w, _mm256_castps256_ps128(floats));
      _mm_storeu_ps(out + 16 + 4 * w, _mm256_extractf128_ps(floats, 1));
    }
  }

 private:
  static void store_eight(__m128i numbers, float* out) {
    _mm256_storeu_ps(out, _mm256_cvtepi32_ps(_mm256_cvtepu16_epi32(numbers)));
  }
};
