// Vectors of 32 bytes, for lookups: AVX2, also where there is AVX-512.
struct Bytes {
  using B = __m256i;
  struct Wide {
    __m256i low;   // lanes 0 to 7 and 16 to 23
    __m256i high;  // the others
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
};
