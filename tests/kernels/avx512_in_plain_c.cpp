#include "kernels_test.h"

namespace knear::kernels {

// isa/avx512.cpp, compiled a second time with the intrinsics in plain C.
extern const Table avx512_in_plain_c_table;

std::span<const Table* const> tables_under_test() {
  static const Table* const tables[] = {&avx512_in_plain_c_table};
  return tables;
}

}  // namespace knear::kernels
