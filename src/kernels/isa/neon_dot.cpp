// arm64 with dot products of bytes, an extension that most processors since Armv8.2 have.
//
// As in isa/avx512_vnni.cpp, the kernels over shadows are all that is compiled here.
#include <arm_neon.h>

#include "kernels/isa/tables.h"

namespace knear::kernels {
namespace {

#include "kernels/body/vector_neon.inl"

constexpr bool kShadowPays = true;

[[gnu::always_inline]] inline int32x4_t add_products(int32x4_t sum, int8x16_t row, int8x16_t queries) {
  return vdotq_s32(sum, row, queries);
}

#include "kernels/body/dots_neon.inl"
//
#include "kernels/body/group.inl"
//
#include "kernels/body/shadow.inl"

}  // namespace

constinit const ShadowTable neon_dot_shadow_table = shadow_kernels();

}  // namespace knear::kernels
