// The fastest that an instruction set multiplies and reads: what kernels are compared with.
#pragma once

#include <stddef.h>

namespace knear::bench {

struct Peak {
  const char* name;
  // Runs `steps` steps of 12 independent multiply-adds of full vectors; macs_per_step of them count.
  float (*multiply)(size_t steps);
  size_t macs_per_step;
  // Reads n floats, a multiple of 256.
  float (*read)(const float* values, size_t n);
};

Peak peak_portable();
Peak peak_avx2();
Peak peak_avx512();
Peak peak_neon();

}  // namespace knear::bench
