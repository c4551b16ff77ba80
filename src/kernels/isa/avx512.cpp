// x86-64 with AVX-512 F, BW, DQ and VL.
#include <immintrin.h>

#include "kernels/isa/tables.h"
#include "kernels/rare.h"

namespace knear::kernels {
namespace {

#include "kernels/body/vector_avx512.inl"

// Four bytes of a row and of each query.
struct Dots : Words {
  using Sum = __m512i;              // 32 of 16 bits: two for each query
  static constexpr size_t run = 8;  // steps: codes of queries may then have about 7 bits
  static constexpr int most = 64;
  static constexpr bool pays = true;

  static Sum add(Sum sum, Lanes row, Lanes queries) {
    return _mm512_add_epi16(sum, _mm512_maddubs_epi16(row, queries));
  }
  // Adds up what belongs together and puts it into, or to, `totals`.
  static void put(Sum sum, int32_t* totals, bool to) {
    put_words(_mm512_madd_epi16(sum, _mm512_set1_epi16(1)), totals, to);
  }

  // out[r] = start + the sum of codes * rows[r].
  static void sums_of(const uint8_t* const (&rows)[4], const int8_t* codes, size_t dim, int32_t start,
                      int32_t (&out)[4]) {
    const auto step = [](Lanes sum, Lanes x, Lanes c) {
      return _mm512_add_epi32(sum, _mm512_madd_epi16(_mm512_maddubs_epi16(x, c), _mm512_set1_epi16(1)));
    };
    sums_of_four(rows, codes, dim, start, step, out);
  }
  // start + the sum of (16 * coarse + fine) * row.
  static int32_t sum_of(const uint8_t* row, const int8_t* coarse, const int8_t* fine, size_t dim, int32_t start) {
    Lanes high = none();
    Lanes low = none();
    by_64_bytes(row, coarse, fine, dim, [&](Lanes x, Lanes c, Lanes f) {
      high = _mm512_add_epi32(high, _mm512_madd_epi16(_mm512_maddubs_epi16(x, c), _mm512_set1_epi16(16)));
      low = _mm512_add_epi32(low, _mm512_madd_epi16(_mm512_maddubs_epi16(x, f), _mm512_set1_epi16(1)));
    });
    return start + _mm512_reduce_add_epi32(_mm512_add_epi32(high, low));
  }
};

#include "kernels/body/sums.inl"
//
#include "kernels/body/tile.inl"
//
#include "kernels/body/panels.inl"
//
#include "kernels/body/bytes_avx2.inl"
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
#include "kernels/body/f16_f16c.inl"
//
#include "kernels/body/table.inl"

}  // namespace

constinit const Table avx512_table = table_named("avx512");

}  // namespace knear::kernels
