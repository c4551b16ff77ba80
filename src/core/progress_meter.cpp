#include <atomic>
#include <chrono>
#include <mutex>
#include <string>

#include "core/call_limits.h"
#include "core/check.h"
#include "core/parallel_for.h"

namespace knear {
namespace {

using Clock = std::chrono::steady_clock;
constexpr Clock::duration kInterval = std::chrono::milliseconds(100);

}  // namespace

struct ProgressMeter::State {
  State(const RunOptions& options, std::string_view phase_name, std::size_t total_count)
      : limits(options), callback(options.progress), phase(phase_name), total(total_count) {}

  // Only under `reporting`.
  bool report(Clock::time_point now) {
    Progress progress{phase, done, total};
    const double seconds = std::chrono::duration<double>(now - start).count();
    const auto count = static_cast<double>(progress.done);
    if (seconds > 0) progress.rate = count / seconds;
    if (progress.rate > 0 && total > progress.done)
      progress.eta_seconds = (static_cast<double>(total) - count) / progress.rate;
    next_report = (now + kInterval).time_since_epoch().count();
    return callback(progress);
  }

  const CallLimits limits;
  const ProgressFn callback;
  const std::string phase;
  const std::size_t total;
  const Clock::time_point start = Clock::now();
  std::atomic<std::size_t> done = 0;
  std::atomic<bool> refused = false;  // the callback said false
  std::atomic<Clock::rep> next_report = (start + kInterval).time_since_epoch().count();
  std::mutex reporting;
};

ProgressMeter::ProgressMeter(const RunOptions& options, std::string_view phase, std::size_t total)
    : state_(std::make_unique<State>(options, phase, total)) {}

ProgressMeter::~ProgressMeter() = default;

void ProgressMeter::advance(std::size_t count) {
  state_->done += count;
  state_->limits.check();
  if (!state_->callback) return;
  const Clock::time_point now = Clock::now();
  if (now.time_since_epoch().count() >= state_->next_report) {
    const std::unique_lock lock(state_->reporting, std::try_to_lock);
    // Whoever held the lock a moment ago has just reported.
    const bool due = lock.owns_lock() && now.time_since_epoch().count() >= state_->next_report;
    if (due && !state_->refused && !state_->report(now)) state_->refused = true;
  }
  if (state_->refused) fail(Error::stopped, state_->phase, " stopped by its progress callback");
}

void ProgressMeter::finish() {
  if (!state_->callback) return;
  const std::lock_guard lock(state_->reporting);
  if (state_->total != 0) state_->done = state_->total;
  state_->report(Clock::now());
}

}  // namespace knear
