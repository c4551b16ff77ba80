#include "kernels/cpu.h"
#include "kernels_test.h"

namespace knear::kernels {

// isa/avx512.cpp and isa/avx512_vnni.cpp, compiled a second time with the intrinsics in plain C.
extern const Table avx512_in_plain_c_table;
extern const ShadowTable avx512_vnni_in_plain_c_shadow_table;

std::span<const Table* const> tables_under_test() {
  static const Table with_vnni =
      with_shadows("avx512_vnni", avx512_vnni_in_plain_c_shadow_table, avx512_in_plain_c_table);
  static const Table* const tables[] = {&avx512_in_plain_c_table, &with_vnni};
  return tables;
}

}  // namespace knear::kernels
