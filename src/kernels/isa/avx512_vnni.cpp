// x86-64 with AVX-512 and VNNI, which multiplies bytes and adds to 32 bits at once.
//
// Nothing but the kernels over shadows gains from it, so these are all that is compiled here: the CPU's list of tables
// puts them into a copy of the AVX-512 table.
#include <immintrin.h>

#include "kernels/isa/tables.h"

namespace knear::kernels {
namespace {

#include "kernels/body/vector_avx512.inl"

// Four bytes of a row and of each query.
struct Dots : Words {
  using Sum = __m512i;  // 16 of 32 bits
  static constexpr size_t run = 0;
  static constexpr int most = 127;
  static constexpr bool pays = true;

  static Sum add(Sum sum, Lanes row, Lanes queries) { return _mm512_dpbusd_epi32(sum, row, queries); }
  // Puts sums into, or adds them to, `totals`.
  static void put(Sum sum, int32_t* totals, bool to) { put_words(sum, totals, to); }

  // out[r] = start + the sum of codes * rows[r].
  static void sums_of(const uint8_t* const (&rows)[4], const int8_t* codes, size_t dim, int32_t start,
                      int32_t (&out)[4]) {
    sums_of_four(rows, codes, dim, start, add, out);
  }
  // start + the sum of (16 * coarse + fine) * row.
  static int32_t sum_of(const uint8_t* row, const int8_t* coarse, const int8_t* fine, size_t dim, int32_t start) {
    Sum high = none();
    Sum low = none();
    by_64_bytes(row, coarse, fine, dim, [&](Lanes x, Lanes c, Lanes f) {
      high = add(high, x, c);
      low = add(low, x, f);
    });
    return start + _mm512_reduce_add_epi32(_mm512_add_epi32(_mm512_slli_epi32(high, 4), low));
  }
};

#include "kernels/body/group.inl"
//
#include "kernels/body/shadow.inl"

}  // namespace

constinit const ShadowTable avx512_vnni_shadow_table = shadow_kernels();

}  // namespace knear::kernels
