// The fast Walsh-Hadamard transform: log2(n) stages of sums and differences of elements 1, 2, 4, … apart. Nothing but
// additions in that order, so the bits are the same on every instruction set.

[[gnu::always_inline]] inline void short_hadamard(float* x, size_t n) {
  for (size_t apart = 1; apart < n; apart *= 2) {
    for (size_t first = 0; first < n; first += 2 * apart) {
      for (size_t i = first; i < first + apart; ++i) {
        const float a = x[i];
        const float b = x[i + apart];
        x[i] = a + b;
        x[i + apart] = a - b;
      }
    }
  }
}

// The stages inside a vector.
template <size_t apart>
[[gnu::always_inline]] inline V::F hadamard_inside(V::F x) {
  if constexpr (apart < V::lanes) {
    float signs[V::lanes];
    for (size_t i = 0; i < V::lanes; ++i) signs[i] = (i & apart) != 0 ? -1.0f : 1.0f;
    return hadamard_inside<2 * apart>(V::swapped<apart>(x) + V::load(signs) * x);
  }
  return x;
}

// One stage, of elements `apart` from each other.
[[gnu::always_inline]] inline void hadamard_stage(float* x, size_t n, size_t apart) {
  for (size_t first = 0; first < n; first += 2 * apart) {
    for (size_t i = first; i < first + apart; i += V::lanes) {
      const V::F a = V::load(x + i);
      const V::F b = V::load(x + i + apart);
      V::store(x + i, a + b);
      V::store(x + i + apart, a - b);
    }
  }
}

// Two stages in one pass: `apart` and twice that.
[[gnu::always_inline]] inline void two_hadamard_stages(float* x, size_t n, size_t apart) {
  for (size_t first = 0; first < n; first += 4 * apart) {
    for (size_t i = first; i < first + apart; i += V::lanes) {
      const V::F a = V::load(x + i);
      const V::F b = V::load(x + i + apart);
      const V::F c = V::load(x + i + 2 * apart);
      const V::F d = V::load(x + i + 3 * apart);
      const V::F ab = a + b;
      const V::F a_b = a - b;
      const V::F cd = c + d;
      const V::F c_d = c - d;
      V::store(x + i, ab + cd);
      V::store(x + i + apart, a_b + c_d);
      V::store(x + i + 2 * apart, ab - cd);
      V::store(x + i + 3 * apart, a_b - c_d);
    }
  }
}

void hadamard(float* x, size_t n) {
  if (n < V::lanes) return short_hadamard(x, n);
  for (size_t i = 0; i < n; i += V::lanes) V::store(x + i, hadamard_inside<1>(V::load(x + i)));
  size_t apart = V::lanes;
  for (; 4 * apart <= n; apart *= 4) two_hadamard_stages(x, n, apart);
  if (apart < n) hadamard_stage(x, n, apart);
}
