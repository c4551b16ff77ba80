#include <cpuid.h>

#include "kernels/cpu.h"
#include "kernels/isa/tables.h"

namespace knear::kernels {
namespace {

bool has_f16c() {
  unsigned a = 0;
  unsigned b = 0;
  unsigned c = 0;
  unsigned d = 0;
  return __get_cpuid(1, &a, &b, &c, &d) != 0 && (c & bit_F16C) != 0;
}

// The builtins ask the operating system's part, too: that it saves the wide registers.
bool runs_avx2() {
  __builtin_cpu_init();  // a static constructor may be the first caller
  return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && has_f16c();
}

bool runs_avx512() {
  return runs_avx2() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
         __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
}

bool runs_avx512_vnni() { return runs_avx512() && __builtin_cpu_supports("avx512vnni"); }

}  // namespace

std::span<const Candidate> candidates() noexcept {
  static const Table avx512_vnni = with_shadows("avx512_vnni", avx512_vnni_shadow_table, avx512_table);
  static const Candidate all[] = {
      {&portable_table, true},
      {&avx2_table, runs_avx2()},
      {&avx512_table, runs_avx512()},
      {&avx512_vnni, runs_avx512_vnni()},
  };
  return all;
}

}  // namespace knear::kernels
