// Vectors of 16 bytes: NEON.

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

  // Lane i: table[low or high four bits of bytes[i]], of 16.
  static constexpr size_t lookup_sums_from = 16;
  static F look_up_low(const float* table, const uint8_t* bytes) {
    return F{table[bytes[0] & 15], table[bytes[1] & 15], table[bytes[2] & 15], table[bytes[3] & 15]};
  }
  static F look_up_high(const float* table, const uint8_t* bytes) {
    return F{table[bytes[0] >> 4], table[bytes[1] >> 4], table[bytes[2] >> 4], table[bytes[3] >> 4]};
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
