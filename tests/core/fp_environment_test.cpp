#include "core/fp_environment.h"

#include <gtest/gtest.h>

#include <cfenv>
#include <limits>

#include "core/parallel_for.h"

namespace knear {
namespace {

// Divides here and now: neither folded at compile time nor moved across a change of the environment.
double divide(double x, double y) {
  const volatile double numerator = x;
  const volatile double denominator = y;
  const volatile double quotient = numerator / denominator;
  return quotient;
}

class RoundingUp {
 public:
  RoundingUp() { std::fesetround(FE_UPWARD); }
  ~RoundingUp() { std::fesetround(FE_TONEAREST); }
};

TEST(FpEnvironment, RoundsToNearestAndPutsBackWhatWasThere) {
  const double nearest = divide(1, 10);
  const RoundingUp caller;
  const double upward = divide(-1, 10);
  EXPECT_NE(upward, -nearest);
  {
    const FpEnvironment plain;
    EXPECT_EQ(divide(-1, 10), -nearest);
  }
  EXPECT_EQ(divide(-1, 10), upward);
}

#if defined(__x86_64__)
TEST(FpEnvironment, KeepsDenormals) {
  constexpr unsigned kFlushToZeroAndDenormalsAreZero = 0x8040;
  const unsigned before = _mm_getcsr();
  _mm_setcsr(before | kFlushToZeroAndDenormalsAreZero);
  EXPECT_EQ(divide(std::numeric_limits<double>::min(), 2), 0);
  {
    const FpEnvironment plain;
    EXPECT_GT(divide(std::numeric_limits<double>::min(), 2), 0);
  }
  EXPECT_EQ(divide(std::numeric_limits<double>::min(), 2), 0);
  _mm_setcsr(before);
}
#endif

TEST(FpEnvironment, HoldsInEveryTaskOfAParallelLoop) {
  const double nearest = divide(-1, 10);
  const RoundingUp caller;
  std::vector<double> seen(64);
  parallel_for(seen.size(), {.num_threads = 4}, [&](std::size_t i, std::size_t) { seen[i] = divide(-1, 10); });
  for (const double value : seen) EXPECT_EQ(value, nearest);
}

}  // namespace
}  // namespace knear
