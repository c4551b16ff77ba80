#include "core/call_limits.h"

#include <algorithm>

#include "core/check.h"

namespace knear {
namespace {

using Clock = std::chrono::steady_clock;

}  // namespace

CallLimits::CallLimits(const RunOptions& options) : stop_(options.stop), timeout_(options.timeout) {
  const Clock::time_point now = Clock::now();
  // A deadline beyond the end of the clock is none.
  has_deadline_ = timeout_ != Clock::duration::zero() && timeout_ < Clock::time_point::max() - now;
  if (has_deadline_) deadline_ = now + timeout_;
}

void CallLimits::check() const {
  if (stop_.stop_requested()) fail(Error::stopped, "stopped on request");
  if (late())
    fail(Error::timeout, "not done after the ", std::chrono::duration<double>(timeout_).count(), " s it was given");
}

RunOptions remaining(const RunOptions& options, Clock::time_point start) {
  RunOptions rest = options;
  if (options.timeout != Clock::duration::zero())
    rest.timeout = std::max(options.timeout - (Clock::now() - start), Clock::duration(1));  // 0 would mean no limit
  return rest;
}

}  // namespace knear
