// float16 by integer arithmetic, for machines without instructions for it. The same bits as those give.

// Exact; NaN is made quiet.
void f32_from_f16(const uint16_t* in, size_t n, float* out) {
  constexpr uint32_t bias = 112u << 23;      // between the exponents of float32 and float16
  constexpr uint32_t smallest = 113u << 23;  // 2^-14, the smallest normal float16
  for (size_t i = 0; i < n; ++i) {
    const uint32_t half = in[i];
    const uint32_t sign = (half & 0x8000) << 16;
    const uint32_t magnitude = (half & 0x7fff) << 13;
    const float subnormal = __builtin_bit_cast(float, magnitude + smallest) - __builtin_bit_cast(float, smallest);
    const uint32_t special = magnitude | 0x7f800000 | (magnitude > 0x0f800000 ? 0x00400000u : 0u);
    const uint32_t finite = magnitude < (1u << 23) ? __builtin_bit_cast(uint32_t, subnormal) : magnitude + bias;
    out[i] = __builtin_bit_cast(float, sign | (magnitude >= 0x0f800000 ? special : finite));
  }
}

// Nearest, ties to even; too large gives infinity, NaN stays NaN and is made quiet.
void f16_from_f32(const float* in, size_t n, uint16_t* out) {
  constexpr uint32_t bias = 112u << 23;
  constexpr uint32_t smallest = 113u << 23;   // 2^-14, the smallest normal float16
  constexpr uint32_t too_large = 0x477ff000;  // 65520, from where on the nearest is infinity
  for (size_t i = 0; i < n; ++i) {
    const uint32_t bits = __builtin_bit_cast(uint32_t, in[i]);
    const uint32_t sign = (bits >> 16) & 0x8000;
    const uint32_t magnitude = bits & 0x7fffffff;
    const uint32_t normal = (magnitude - bias + 0xfff + ((magnitude >> 13) & 1)) >> 13;
    // Adding 0.5 leaves the last bit at 2^-24, the unit of subnormal float16.
    const float shifted = __builtin_bit_cast(float, magnitude < smallest ? magnitude : 0u) + 0.5f;
    const uint32_t subnormal = __builtin_bit_cast(uint32_t, shifted) - 0x3f000000;
    const uint32_t finite = magnitude < smallest ? subnormal : normal;
    const uint32_t special = magnitude > 0x7f800000 ? 0x7e00 | ((magnitude >> 13) & 0x3ff) : 0x7c00;
    out[i] = static_cast<uint16_t>(sign | (magnitude >= too_large ? special : finite));
  }
}
