// Codes of 8, 6 or 4 bits an element to float32 rows, and float32 to whole numbers: element j is offset[j] + step[j] *
// code. Multiply and add round separately, so that a row has the same bits on every instruction set.

struct Bits8 {
  static V::F load(const uint8_t* code, size_t j) { return V::from_8bit(code + j); }
  static uint32_t at(const uint8_t* code, size_t j) { return code[j]; }
};

// Four codes in three bytes, the first in the lowest bits.
struct Bits6 {
  static V::F load(const uint8_t* code, size_t j) { return V::from_6bit(code + j / 4 * 3); }
  static uint32_t at(const uint8_t* code, size_t j) {
    const size_t bit = 6 * j;
    const uint32_t low = static_cast<uint32_t>(code[bit / 8]) >> (bit % 8);
    const uint32_t high = bit % 8 > 2 ? static_cast<uint32_t>(code[bit / 8 + 1]) << (8 - bit % 8) : 0u;
    return (low | high) & 63u;
  }
};

// Two codes in a byte, the first in the lower bits.
struct Bits4 {
  static V::F load(const uint8_t* code, size_t j) { return V::from_4bit(code + j / 2); }
  static uint32_t at(const uint8_t* code, size_t j) {
    return static_cast<uint32_t>(code[j / 2]) >> (4 * (j % 2)) & 15u;
  }
};

template <class Bits, size_t rows>
[[gnu::always_inline]] inline void rows_from_codes(const CodesJob& job, size_t row) {
  const uint8_t* code = job.codes + row * job.code_bytes;
  float* out = job.rows + row * job.dim;
  size_t j = 0;
  for (; j + V::lanes <= job.dim; j += V::lanes) {
    const V::F offset = V::load(job.offsets + j);
    const V::F step = V::load(job.steps + j);
    for (size_t r = 0; r < rows; ++r)
      V::store(out + r * job.dim + j, offset + step * Bits::load(code + r * job.code_bytes, j));
  }
  for (; j < job.dim; ++j)
    for (size_t r = 0; r < rows; ++r) {
      const auto number = static_cast<float>(Bits::at(code + r * job.code_bytes, j));
      out[r * job.dim + j] = job.offsets[j] + job.steps[j] * number;
    }
}

// Calls are too short for the processor's own fetching: the codes this many bytes ahead are fetched.
constexpr size_t kFetchCodes = 4096;

// Four rows share what is read of offsets and steps.
template <class Bits>
void rows_from(const CodesJob& job) {
  size_t row = 0;
  for (; row + 4 <= job.count; row += 4) {
    const uint8_t* ahead = job.codes + row * job.code_bytes + kFetchCodes;
    for (size_t b = 0; b < 4 * job.code_bytes; b += 64) __builtin_prefetch(ahead + b);
    rows_from_codes<Bits, 4>(job, row);
  }
  for (; row < job.count; ++row) rows_from_codes<Bits, 1>(job, row);
}

// What a code adds to the sum of its row.
struct CodeDifference {
  static V::F add(V::F sum, V::F base, V::F step, V::F code) {
    const V::F difference = V::fma(step, code, base);
    return V::fma(difference, difference, sum);
  }
  static float add(float sum, float base, float step, float code) {
    const float difference = base + step * code;
    return sum + difference * difference;
  }
};
struct CodeProduct {
  static V::F add(V::F sum, V::F, V::F step, V::F code) { return V::fma(step, code, sum); }
  static float add(float sum, float, float step, float code) { return sum + step * code; }
};

template <class Bits, class Term, size_t rows>
[[gnu::always_inline]] inline void add_codes(const CodeSumsJob& job, const uint8_t* const (&code)[rows], size_t j,
                                             V::F (&sums)[rows]) {
  const V::F base = V::load(job.base + j);
  const V::F step = V::load(job.steps + j);
  for (size_t r = 0; r < rows; ++r) sums[r] = Term::add(sums[r], base, step, Bits::load(code[r], j));
}

// Of the rows at code[r]. Two chains each, since additions wait for each other.
template <class Bits, class Term, size_t rows>
[[gnu::always_inline]] inline void sum_codes(const CodeSumsJob& job, const uint8_t* const (&code)[rows], float* sums) {
  V::F even[rows];
  V::F odd[rows];
  for (size_t r = 0; r < rows; ++r) even[r] = odd[r] = V::zero();
  size_t j = 0;
  for (; j + 2 * V::lanes <= job.dim; j += 2 * V::lanes) {
    add_codes<Bits, Term>(job, code, j, even);
    add_codes<Bits, Term>(job, code, j + V::lanes, odd);
  }
  if (j + V::lanes <= job.dim) {
    add_codes<Bits, Term>(job, code, j, even);
    j += V::lanes;
  }
  for (size_t r = 0; r < rows; ++r) even[r] = even[r] + odd[r];
  if constexpr (rows == 4) {
    V::store_sums(even, sums);
  } else {
    for (size_t r = 0; r < rows; ++r) sums[r] = V::sum(even[r]);
  }
  for (; j < job.dim; ++j)
    for (size_t r = 0; r < rows; ++r)
      sums[r] = Term::add(sums[r], job.base[j], job.steps[j], static_cast<float>(Bits::at(code[r], j)));
}

template <class Bits, class Term>
void code_sums_of(const CodeSumsJob& job) {
  const uint8_t* code = job.codes;
  size_t row = 0;
  for (; row + 4 <= job.count; row += 4, code += 4 * job.code_bytes) {
    for (size_t b = 0; b < 4 * job.code_bytes; b += 64) __builtin_prefetch(code + kFetchCodes + b);
    float* const sums = job.out + row;
    sum_codes<Bits, Term>(job, {code, code + job.code_bytes, code + 2 * job.code_bytes, code + 3 * job.code_bytes},
                          sums);
  }
  for (; row < job.count; ++row, code += job.code_bytes) sum_codes<Bits, Term>(job, {code}, job.out + row);
}

template <class Bits>
void code_sums_with(const CodeSumsJob& job) {
  if (job.base) return code_sums_of<Bits, CodeDifference>(job);
  CodeSumsJob same = job;
  same.base = job.steps;  // loaded for nothing, which costs nothing
  code_sums_of<Bits, CodeProduct>(same);
}

void code_sums(const CodeSumsJob* job) {
  if (job->bits == 8) return code_sums_with<Bits8>(*job);
  if (job->bits == 6) return code_sums_with<Bits6>(*job);
  code_sums_with<Bits4>(*job);
}

void rows_from_8bit(const CodesJob* job) { rows_from<Bits8>(*job); }
void rows_from_6bit(const CodesJob* job) { rows_from<Bits6>(*job); }
void rows_from_4bit(const CodesJob* job) { rows_from<Bits4>(*job); }

void quantize(const float* in, const float* offsets, const float* scales, size_t n, float most, uint8_t* out) {
  for (size_t i = 0; i < n; ++i)
    out[i] = static_cast<uint8_t>(clamped_integer((in[i] - offsets[i]) * scales[i], 0, most));
}
