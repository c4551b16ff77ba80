// Rows on their way to shadows, in float64. Lengths are multiples of 16.

void shadow_centre(const ShadowCentreJob* job) {
  const float* row = job->row;
  const float* mean = job->mean;
  double* y = job->y;
  for (size_t j = 0; j < job->dim; ++j)
    y[j] = (static_cast<double>(row[j]) * job->factor - static_cast<double>(mean[j])) * job->scale;
}

constexpr size_t kDoubles = 16 / V::parts;  // lanes of V::D
// Adding and taking it away again rounds to the nearest whole number.
constexpr double kRounder = 0x1.8p52;

[[gnu::always_inline]] inline V::D load_doubles(const double* p) {
  V::D x;
  __builtin_memcpy(&x, p, sizeof x);
  return x;
}

[[gnu::always_inline]] inline V::D rounded(V::D x) { return (x + kRounder) - kRounder; }

// What the lanes hold: the smallest, the largest, or the sum.
template <class Join>
[[gnu::always_inline]] inline double joined(const V::D (&parts)[2], Join join) {
  double lanes[2 * kDoubles];
  __builtin_memcpy(lanes, &parts, sizeof lanes);
  for (size_t i = 1; i < 2 * kDoubles; ++i) lanes[0] = join(lanes[0], lanes[i]);
  return lanes[0];
}

void shadow_range(const double* y, size_t n, ShadowRange* range) {
  V::D least[2] = {V::zero_f64(), V::zero_f64()};
  V::D most[2] = {V::zero_f64(), V::zero_f64()};
  V::D odd[2] = {V::zero_f64(), V::zero_f64()};  // NaN where an element is infinite or NaN
  for (size_t j = 0; j < n; j += 2 * kDoubles) {
    for (size_t p = 0; p < 2; ++p) {
      const V::D x = load_doubles(y + j + p * kDoubles);
      least[p] = x < least[p] ? x : least[p];
      most[p] = x > most[p] ? x : most[p];
      const V::D off = x - rounded(x);
      odd[p] = odd[p] + off * off;
    }
  }
  range->least = joined(least, [](double a, double b) { return a < b ? a : b; });
  range->most = joined(most, [](double a, double b) { return a > b ? a : b; });
  range->odd = joined(odd, [](double a, double b) { return a + b; });
}

void shadow_codes(const double* y, size_t n, double step, uint8_t* codes, ShadowSums* sums) {
  V::D code_squares[2] = {V::zero_f64(), V::zero_f64()};
  V::D error_squares[2] = {V::zero_f64(), V::zero_f64()};
  V::D squares[2] = {V::zero_f64(), V::zero_f64()};
  const double inverse = 1 / step;
  for (size_t j = 0; j < n; j += 16) {
    double whole[16];
    for (size_t p = 0; p < V::parts; ++p) {
      const V::D x = load_doubles(y + j + p * kDoubles);
      const V::D code = rounded(x * inverse);
      const V::D off = x - code * step;
      code_squares[p % 2] = code_squares[p % 2] + code * code;
      error_squares[p % 2] = error_squares[p % 2] + off * off;
      squares[p % 2] = squares[p % 2] + x * x;
      __builtin_memcpy(whole + p * kDoubles, &code, sizeof code);
    }
    for (size_t i = 0; i < 16; ++i) codes[j + i] = static_cast<uint8_t>(static_cast<int32_t>(whole[i]) + 128);
  }
  const auto sum = [](double a, double b) { return a + b; };
  sums->codes = joined(code_squares, sum);
  sums->errors = joined(error_squares, sum);
  sums->elements = joined(squares, sum);
}
