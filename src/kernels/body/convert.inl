// Element types to float32 and back. Plain loops, which compilers turn into vectors of this instruction set.

void f32_from_bf16(const uint16_t* in, size_t n, float* out) {
  for (size_t i = 0; i < n; ++i) out[i] = __builtin_bit_cast(float, static_cast<uint32_t>(in[i]) << 16);
}

void f32_from_i8(const int8_t* in, size_t n, float* out) {
  for (size_t i = 0; i < n; ++i) out[i] = static_cast<float>(in[i]);
}

void f32_from_u8(const uint8_t* in, size_t n, float* out) {
  for (size_t i = 0; i < n; ++i) out[i] = static_cast<float>(in[i]);
}

// Ties to even; NaN stays NaN, made quiet.
void bf16_from_f32(const float* in, size_t n, uint16_t* out) {
  for (size_t i = 0; i < n; ++i) {
    const uint32_t bits = __builtin_bit_cast(uint32_t, in[i]);
    const uint32_t rounded = (bits + 0x7fff + ((bits >> 16) & 1)) >> 16;
    const uint32_t quiet = (bits >> 16) | 0x40;
    out[i] = static_cast<uint16_t>((bits & 0x7fffffff) > 0x7f800000 ? quiet : rounded);
  }
}

// The nearest integer in [low, high], ties to even; NaN gives 0.
[[gnu::always_inline]] inline int32_t clamped_integer(float value, float low, float high) {
  constexpr float shift = 0x1.8p23f;  // floats of this size are integers, so adding it rounds
  const float number = value == value ? value : 0.0f;
  const float above = number > low ? number : low;
  const float inside = above < high ? above : high;
  return static_cast<int32_t>((inside + shift) - shift);
}

void i8_from_f32(const float* in, size_t n, int8_t* out) {
  for (size_t i = 0; i < n; ++i) out[i] = static_cast<int8_t>(clamped_integer(in[i], -128, 127));
}

void u8_from_f32(const float* in, size_t n, uint8_t* out) {
  for (size_t i = 0; i < n; ++i) out[i] = static_cast<uint8_t>(clamped_integer(in[i], 0, 255));
}

bool all_finite(const float* values, size_t n) {
  constexpr uint32_t exponent = 0x7f800000;
  constexpr size_t kStep = 1024;  // between looks at the outcome
  for (size_t first = 0; first < n; first += kStep) {
    const size_t end = n - first < kStep ? n : first + kStep;
    uint32_t bad = 0;
    for (size_t i = first; i < end; ++i)
      bad |= static_cast<uint32_t>((__builtin_bit_cast(uint32_t, values[i]) & exponent) == exponent);
    if (bad != 0) return false;
  }
  return true;
}
