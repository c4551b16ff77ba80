// The arithmetic that knear's results are defined in, whatever the calling program has switched on.
#pragma once

#include <cstdint>

#if defined(__x86_64__)
#include <xmmintrin.h>
#endif

namespace knear {

// While it lives, this thread rounds to nearest even, keeps denormals (no flush-to-zero, no
// denormals-are-zero) and raises no floating-point traps; then everything is as it was.
// Numerical libraries and -ffast-math switch these modes for the whole program.
class FpEnvironment {
 public:
  FpEnvironment() noexcept : before_(control()) {
    if (before_ != kPlain) set_control(kPlain);
  }
  ~FpEnvironment() { set_control(before_); }
  FpEnvironment(const FpEnvironment&) = delete;
  FpEnvironment& operator=(const FpEnvironment&) = delete;

 private:
#if defined(__x86_64__)
  using Control = unsigned;
  static constexpr Control kPlain = 0x1f80;  // MXCSR after reset: all traps masked, nothing else set
  static Control control() noexcept { return _mm_getcsr(); }
  static void set_control(Control value) noexcept { _mm_setcsr(value); }
#elif defined(__aarch64__)
  using Control = std::uint64_t;
  static constexpr Control kPlain = 0;  // FPCR after reset
  static Control control() noexcept {
    Control value;
    __asm__ volatile("mrs %0, fpcr" : "=r"(value));
    return value;
  }
  static void set_control(Control value) noexcept { __asm__ volatile("msr fpcr, %0" : : "r"(value)); }
#else
  using Control = int;  // no modes known
  static constexpr Control kPlain = 0;
  static Control control() noexcept { return kPlain; }
  static void set_control(Control) noexcept {}
#endif

  Control before_;
};

}  // namespace knear
