// Any processor: vectors of 16 bytes that the compiler maps to what there is; multiply and add, no fma.
#include "kernels/isa/tables.h"
#include "kernels/rare.h"

namespace knear::kernels {
namespace {

struct V {
  using F [[gnu::vector_size(16)]] = float;
  using Mask [[gnu::vector_size(16)]] = int32_t;
  using D [[gnu::vector_size(16)]] = double;
  static constexpr size_t lanes = 4;
  static constexpr size_t tile_rows = 4;
  static constexpr size_t tile_vectors = 2;
  static constexpr size_t parts = 8;  // vectors of float64 that make 16

  static F zero() { return F{}; }
  static F splat(float x) { return F{x, x, x, x}; }
  static F load(const float* p) {
    F x;
    __builtin_memcpy(&x, p, sizeof x);
    return x;
  }
  // The first n < lanes floats, then 0.
  static F load_first(const float* p, size_t n) {
    F x{};
    for (size_t i = 0; i < n; ++i) x[i] = p[i];
    return x;
  }
  static void store(float* p, F x) { __builtin_memcpy(p, &x, sizeof x); }
  static F fma(F a, F b, F c) { return a * b + c; }

  static Mask not_greater(F value, F limit) { return ~(value > limit); }
  static Mask less(F a, F b) { return a < b; }
  // a where m is set, else b.
  static F select(Mask m, F a, F b) { return m ? a : b; }
  // a where it is less (more), else b: b, too, where one of them is NaN.
  static F lesser(F a, F b) { return a < b ? a : b; }
  static F greater(F a, F b) { return a > b ? a : b; }
  static Mask either(Mask a, Mask b) { return a | b; }
  static bool any(Mask m) {
    using Halves [[gnu::vector_size(16)]] = int64_t;
    const Halves halves = __builtin_bit_cast(Halves, m);
    return (halves[0] | halves[1]) != 0;
  }
  static uint32_t bits(Mask m) {
    uint32_t bits = 0;
    for (uint32_t i = 0; i < lanes; ++i) bits |= (static_cast<uint32_t>(m[i]) & 1u) << i;
    return bits;
  }

  static float sum(F x) { return (x[0] + x[2]) + (x[1] + x[3]); }
  // out[r] = the sum of x[r].
  static void store_sums(const F (&x)[4], float* out) {
    for (size_t r = 0; r < 4; ++r) out[r] = sum(x[r]);
  }
  // column[c] = element c of `lanes` rows.
  static void load_columns(const float* p, size_t stride, F (&column)[4]) {
    F row[4];
    for (size_t r = 0; r < 4; ++r) row[r] = load(p + r * stride);
    const F low01 = __builtin_shufflevector(row[0], row[1], 0, 4, 1, 5);
    const F low23 = __builtin_shufflevector(row[2], row[3], 0, 4, 1, 5);
    const F high01 = __builtin_shufflevector(row[0], row[1], 2, 6, 3, 7);
    const F high23 = __builtin_shufflevector(row[2], row[3], 2, 6, 3, 7);
    column[0] = __builtin_shufflevector(low01, low23, 0, 1, 4, 5);
    column[1] = __builtin_shufflevector(low01, low23, 2, 3, 6, 7);
    column[2] = __builtin_shufflevector(high01, high23, 0, 1, 4, 5);
    column[3] = __builtin_shufflevector(high01, high23, 2, 3, 6, 7);
  }
  // Lanes whose numbers differ by `apart` change places.
  template <size_t apart>
  static F swapped(F x) {
    if constexpr (apart == 1) return __builtin_shufflevector(x, x, 1, 0, 3, 2);
    return __builtin_shufflevector(x, x, 2, 3, 0, 1);
  }

  // `lanes` codes of so many bits as numbers.
  static F from_8bit(const uint8_t* p) {
    return F{static_cast<float>(p[0]), static_cast<float>(p[1]), static_cast<float>(p[2]), static_cast<float>(p[3])};
  }
  static F from_6bit(const uint8_t* p) {
    const int32_t word = p[0] | p[1] << 8 | p[2] << 16;
    return __builtin_convertvector((Mask{word, word >> 6, word >> 12, word >> 18} & 63), F);
  }
  static F from_4bit(const uint8_t* p) {
    return F{static_cast<float>(p[0] & 15), static_cast<float>(p[0] >> 4), static_cast<float>(p[1] & 15),
             static_cast<float>(p[1] >> 4)};
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
  static uint32_t ones(uint64_t x) {
    x -= x >> 1 & 0x5555555555555555;
    x = (x & 0x3333333333333333) + (x >> 2 & 0x3333333333333333);
    return static_cast<uint32_t>(((x + (x >> 4)) & 0x0f0f0f0f0f0f0f0f) * 0x0101010101010101 >> 56);
  }

  static D zero_f64() { return D{}; }
  // Part p of 16 floats, widened.
  static D load_f64(const float* x, size_t p) { return D{double{x[2 * p]}, double{x[2 * p + 1]}}; }
  // The first n < 16 floats, then 0.
  static void load_first_f64(const float* x, size_t n, D (&out)[parts]) {
    float padded[16] = {};
    for (size_t i = 0; i < n; ++i) padded[i] = x[i];
    for (size_t p = 0; p < parts; ++p) out[p] = load_f64(padded, p);
  }
  static double sum16(const D (&s)[parts]) {
    const D sum = ((s[0] + s[4]) + (s[2] + s[6])) + ((s[1] + s[5]) + (s[3] + s[7]));
    return sum[0] + sum[1];
  }
};

// Lookups one by one: a shuffle with variable places is no part of the language.
struct Bytes {
  using B [[gnu::vector_size(16)]] = uint8_t;
  using Words [[gnu::vector_size(16)]] = uint16_t;
  struct Wide {
    Words low;   // lanes 0 to 7
    Words high;  // the others
  };
  using Sums = Wide;
  static constexpr size_t lanes = 16;
  static constexpr size_t queries = 1;

  static B load(const uint8_t* p) {
    B x;
    __builtin_memcpy(&x, p, sizeof x);
    return x;
  }
  static B table(const uint8_t* p) { return load(p); }
  static B low_nibbles(B x) { return x & 15; }
  static B high_nibbles(B x) { return x >> 4; }
  static B lookup(B table, B nibbles) {
    B found{};
    for (size_t i = 0; i < lanes; ++i) found[i] = table[nibbles[i]];
    return found;
  }
  // Saturates.
  static B add(B a, B b) {
    const B sum = a + b;
    return sum | __builtin_bit_cast(B, sum < a);
  }
  // Bit i is set when lane i is less than the bound.
  static uint32_t below(B x, uint8_t bound) {
    uint32_t bits = 0;
    for (uint32_t i = 0; i < lanes; ++i) bits |= static_cast<uint32_t>(x[i] < bound) << i;
    return bits;
  }

  static Wide widened(B x) {
    Wide wide{};
    for (size_t i = 0; i < 8; ++i) {
      wide.low[i] = x[i];
      wide.high[i] = x[i + 8];
    }
    return wide;
  }
  static Wide add_wide(Wide sum, B x) {
    const Wide more = widened(x);
    return {add_words(sum.low, more.low), add_words(sum.high, more.high)};
  }
  static uint32_t below_wide(Wide x, uint16_t bound) {
    uint32_t bits = 0;
    for (uint32_t i = 0; i < 8; ++i) {
      bits |= static_cast<uint32_t>(x.low[i] < bound) << i;
      bits |= static_cast<uint32_t>(x.high[i] < bound) << (i + 8);
    }
    return bits;
  }

  // Does not saturate.
  static Sums add_to(Sums sums, B x) {
    const Wide more = widened(x);
    return {sums.low + more.low, sums.high + more.high};
  }
  static void store(Sums sums, float* out) {
    for (size_t i = 0; i < 8; ++i) {
      out[i] = sums.low[i];
      out[i + 8] = sums.high[i];
    }
  }
  // Float i from bytes i of four planes, lowest first.
  static void interleave(const uint8_t* planes, float* out) {
    for (size_t i = 0; i < lanes; ++i) {
      uint32_t word = 0;
      for (uint32_t b = 0; b < 4; ++b) word |= static_cast<uint32_t>(planes[size_t{b} * 32 + i]) << 8 * b;
      out[i] = __builtin_bit_cast(float, word);
    }
  }

 private:
  static Words add_words(Words a, Words b) {
    const Words sum = a + b;
    return sum | __builtin_bit_cast(Words, sum < a);
  }
};

// Four bytes of a row and of each query.
struct Dots {
  using Shorts [[gnu::vector_size(16)]] = int16_t;
  using Words [[gnu::vector_size(16)]] = int32_t;
  // Elements 0 and 2, and 1 and 3, of each four.
  struct Lanes {
    Shorts even;
    Shorts odd;
  };
  using Sum = Shorts;
  static constexpr size_t run = 8;
  static constexpr int most = 127;
  static constexpr bool pays = false;  // one query's sums are not vectors

  static Lanes load(const int32_t* words) {
    const Shorts pairs = start(words);
    return {(pairs << 8) >> 8, pairs >> 8};
  }
  static Lanes splat(const uint8_t* four) {
    int32_t word;
    __builtin_memcpy(&word, four, sizeof word);
    using Pairs [[gnu::vector_size(16)]] = uint16_t;
    const auto pairs = __builtin_bit_cast(Pairs, Words{word, word, word, word});
    return {__builtin_bit_cast(Shorts, pairs & 255), __builtin_bit_cast(Shorts, pairs >> 8)};
  }
  static Sum start(const int32_t* words) {
    Shorts sums;
    __builtin_memcpy(&sums, words, sizeof sums);
    return sums;
  }
  static Sum none() { return Sum{}; }
  static Sum add(Sum sum, Lanes row, Lanes queries) { return sum + row.even * queries.even + row.odd * queries.odd; }
  // Puts sums into, or adds them to, `totals`.
  static void put(Sum sum, int32_t* totals, bool to) {
    const auto pairs = __builtin_bit_cast(Words, sum);
    Words all = ((pairs << 16) >> 16) + (pairs >> 16);
    if (to) all += words_of(totals);
    __builtin_memcpy(totals, &all, sizeof all);
  }
  static V::F numbers(const int32_t* totals) { return __builtin_convertvector(words_of(totals), V::F); }

  // out[r] = start + the sum of codes * rows[r].
  static void sums_of(const uint8_t* const (&rows)[4], const int8_t* codes, size_t dim, int32_t start,
                      int32_t (&out)[4]) {
    for (size_t r = 0; r < 4; ++r) {
      out[r] = start;
      for (size_t j = 0; j < dim; ++j) out[r] += rows[r][j] * codes[j];
    }
  }
  // start + the sum of (16 * coarse + fine) * row.
  static int32_t sum_of(const uint8_t* row, const int8_t* coarse, const int8_t* fine, size_t dim, int32_t start) {
    int32_t sum = start;
    for (size_t j = 0; j < dim; ++j) sum += row[j] * (16 * coarse[j] + fine[j]);
    return sum;
  }

 private:
  static Words words_of(const int32_t* totals) {
    Words words;
    __builtin_memcpy(&words, totals, sizeof words);
    return words;
  }
};

#include "kernels/body/sums.inl"
//
#include "kernels/body/tile.inl"
//
#include "kernels/body/panels.inl"
//
#include "kernels/body/shadow.inl"
//
#include "kernels/body/cast.inl"
//
#include "kernels/body/lookup.inl"
//
#include "kernels/body/estimate.inl"
//
#include "kernels/body/rows.inl"
//
#include "kernels/body/sub_tables.inl"
//
#include "kernels/body/select.inl"
//
#include "kernels/body/hadamard.inl"
//
#include "kernels/body/exact.inl"
//
#include "kernels/body/convert.inl"
//
#include "kernels/body/codes.inl"
//
#include "kernels/body/hamming.inl"
//
#include "kernels/body/f16_bits.inl"
//
#include "kernels/body/table.inl"

}  // namespace

constinit const Table portable_table = table_named("portable");

}  // namespace knear::kernels
