// Four bytes of a row and of each query. The including file says how products are added up, `add_products`, and whether
// that pays, `kShadowPays`.
struct Dots {
  using Lanes = int8x16_t;
  using Sum = int32x4_t;
  static constexpr size_t run = 0;
  static constexpr int most = 127;
  static constexpr bool pays = kShadowPays;

  static Lanes load(const int32_t* words) { return vreinterpretq_s8_s32(vld1q_s32(words)); }
  // Rows get a sign here, for lack of products of mixed sign, so sums start with zero.
  static Lanes splat(const uint8_t* four) {
    uint32_t word;
    __builtin_memcpy(&word, four, sizeof word);
    return with_sign(vreinterpretq_u8_u32(vdupq_n_u32(word)));
  }
  static Sum start(const int32_t*) { return none(); }
  static Sum none() { return vdupq_n_s32(0); }
  static Sum add(Sum sum, Lanes row, Lanes queries) { return add_products(sum, row, queries); }
  // Puts sums into, or adds them to, `totals`.
  static void put(Sum sum, int32_t* totals, bool to) {
    vst1q_s32(totals, to ? vaddq_s32(sum, vld1q_s32(totals)) : sum);
  }
  static V::F numbers(const int32_t* totals) { return vcvtq_f32_s32(vld1q_s32(totals)); }

  // out[r] = the sum of codes * (rows[r] - 128).
  static void sums_of(const uint8_t* const (&rows)[4], const int8_t* codes, size_t dim, int32_t, int32_t (&out)[4]) {
    for (size_t r = 0; r < 4; ++r) {
      Sum sum = none();
      size_t j = 0;
      for (; j + 16 <= dim; j += 16) sum = add(sum, with_sign(vld1q_u8(rows[r] + j)), vld1q_s8(codes + j));
      out[r] = vaddvq_s32(sum);
      for (; j < dim; ++j) out[r] += codes[j] * (rows[r][j] - 128);
    }
  }
  // The sum of (16 * coarse + fine) * (row - 128).
  static int32_t sum_of(const uint8_t* row, const int8_t* coarse, const int8_t* fine, size_t dim, int32_t) {
    Sum high = none();
    Sum low = none();
    const auto add_16 = [&](const uint8_t* x, const int8_t* c, const int8_t* f) {
      const Lanes signed_row = with_sign(vld1q_u8(x));
      high = add(high, signed_row, vld1q_s8(c));
      low = add(low, signed_row, vld1q_s8(f));
    };
    size_t j = 0;
    for (; j + 16 <= dim; j += 16) add_16(row + j, coarse + j, fine + j);
    if (j < dim) {
      uint8_t x[16] = {};
      int8_t c[16] = {};
      int8_t f[16] = {};
      for (size_t i = 0; i < dim - j; ++i) {
        x[i] = row[j + i];
        c[i] = coarse[j + i];
        f[i] = fine[j + i];
      }
      add_16(x, c, f);
    }
    return vaddvq_s32(vmlaq_n_s32(low, high, 16));
  }

 private:
  static Lanes with_sign(uint8x16_t row) { return vreinterpretq_s8_u8(veorq_u8(row, vdupq_n_u8(128))); }
};
