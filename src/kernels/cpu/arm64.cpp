#include "kernels/cpu.h"
#include "kernels/isa/tables.h"

#ifdef __linux__
#include <sys/auxv.h>
#endif

namespace knear::kernels {
namespace {

bool runs_neon_dot() {
#ifdef __linux__
  return (getauxval(AT_HWCAP) & HWCAP_ASIMDDP) != 0;
#else
  return false;  // nobody to ask
#endif
}

}  // namespace

std::span<const Candidate> candidates() noexcept {
  static const Table neon_dot = with_shadows("neon_dot", neon_dot_shadow_table, neon_table);
  static const Candidate all[] = {
      {&portable_table, true},
      {&neon_table, true},  // NEON is part of arm64
      {&neon_dot, runs_neon_dot()},
  };
  return all;
}

}  // namespace knear::kernels
