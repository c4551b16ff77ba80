// The tables of the instruction-set files; which of them are built depends on the processor family.
#pragma once

#include "kernels/table.h"

namespace knear::kernels {

extern const Table portable_table;
extern const Table avx2_table;
extern const Table avx512_table;
extern const ShadowTable avx512_vnni_shadow_table;
extern const Table neon_table;
extern const ShadowTable neon_dot_shadow_table;

}  // namespace knear::kernels
