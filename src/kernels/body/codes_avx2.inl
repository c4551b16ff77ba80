// Eight codes of 8, 6 or 4 bits as numbers in 32-bit lanes. Reads the bytes that hold them and no others.

[[gnu::always_inline]] inline __m256i every_lane(const uint8_t* p) {
  int32_t word;
  __builtin_memcpy(&word, p, sizeof word);
  return _mm256_set1_epi32(word);
}

[[gnu::always_inline]] inline __m256i eight_of_8bit(const uint8_t* p) {
  return _mm256_cvtepu8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(p)));
}

// The upper four lie behind the third byte, which is the second of the word that ends with the sixth.
[[gnu::always_inline]] inline __m256i eight_of_6bit(const uint8_t* p) {
  const __m256i words = _mm256_blend_epi32(every_lane(p), every_lane(p + 2), 0xf0);
  const __m256i shifted = _mm256_srlv_epi32(words, _mm256_setr_epi32(0, 6, 12, 18, 8, 14, 20, 26));
  return _mm256_and_si256(shifted, _mm256_set1_epi32(63));
}

[[gnu::always_inline]] inline __m256i eight_of_4bit(const uint8_t* p) {
  const __m256i shifted = _mm256_srlv_epi32(every_lane(p), _mm256_setr_epi32(0, 4, 8, 12, 16, 20, 24, 28));
  return _mm256_and_si256(shifted, _mm256_set1_epi32(15));
}
