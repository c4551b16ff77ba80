#include "kernels/peak.h"

#define KNEAR_JOIN2(a, b) a##b
#define KNEAR_JOIN(a, b) KNEAR_JOIN2(a, b)
#define KNEAR_TEXT2(a) #a
#define KNEAR_TEXT(a) KNEAR_TEXT2(a)

namespace knear::bench {
namespace {

using F [[gnu::vector_size(KNEAR_PEAK_BYTES)]] = float;
constexpr size_t kLanes = KNEAR_PEAK_BYTES / sizeof(float);
constexpr size_t kChains = 12;  // more than latency x units of any core

float sum_of(const F& x) {
  float sum = 0;
  for (size_t i = 0; i < kLanes; ++i) sum += x[i];
  return sum;
}

float multiply(size_t steps) {
  F chains[kChains];
  for (size_t c = 0; c < kChains; ++c) chains[c] = F{} + static_cast<float>(c);
  const F factor = F{} + (1.0f - 1e-6f);
  const F term = F{} + 1e-6f;
  for (size_t step = 0; step < steps; ++step)
    for (size_t c = 0; c < kChains; ++c) chains[c] = chains[c] * factor + term;
  F sum{};
  for (size_t c = 0; c < kChains; ++c) sum += chains[c];
  return sum_of(sum);
}

// Four streams side by side, two vectors of each: faster than one stream.
float read(const float* values, size_t n) {
  const size_t quarter = n / 4;
  F sums[8] = {};
  for (size_t i = 0; i + 2 * kLanes <= quarter; i += 2 * kLanes)
    for (size_t s = 0; s < 8; ++s) {
      F loaded;
      __builtin_memcpy(&loaded, values + s / 2 * quarter + i + s % 2 * kLanes, sizeof loaded);
      sums[s] += loaded;
    }
  F sum{};
  for (size_t s = 0; s < 8; ++s) sum += sums[s];
  return sum_of(sum);
}

}  // namespace

Peak KNEAR_JOIN(peak_, KNEAR_PEAK_NAME)() { return {KNEAR_TEXT(KNEAR_PEAK_NAME), multiply, kChains * kLanes, read}; }

}  // namespace knear::bench
