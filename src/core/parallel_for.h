// The one way in which knear uses threads.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string_view>

#include "knear/parallel.h"

namespace knear {

// Threads that a call with these options uses for `tasks` tasks: at least 1.
std::size_t threads_for(const RunOptions& options, std::size_t tasks) noexcept;

// Runs task(i, worker) for i = 0 … tasks - 1 on up to threads_for(options, tasks) threads, the caller's among
// them, and joins. worker < that number, and no two tasks run at once under one worker, so it may index
// per-thread scratch. Tasks are handed out in ascending order.
//
// After an exception no further task begins; that of the lowest task is carried home, the same one for any number
// of threads. Between tasks it looks at the stop token and the deadline, which counts from this call (see
// remaining() in call_limits.h), and throws Error::stopped or Error::timeout. Nested calls are fine (they help with
// the caller's thread at least). Tasks run in the floating-point environment of fp_environment.h.
//
// Survives fork: the child starts its own threads when it first needs them. A call during which a task forked
// throws Error::wrong_state in the child.
void parallel_for(std::size_t tasks, const RunOptions& options,
                  const std::function<void(std::size_t task, std::size_t worker)>& task);

// Turns counts of done work into calls of options.progress, at most ten a second, and into stops. Thread-safe;
// the callback runs on whichever thread comes by, the first time after a tenth of a second.
class ProgressMeter {
 public:
  ProgressMeter(const RunOptions& options, std::string_view phase, std::size_t total);
  ~ProgressMeter();
  // `count` more are done. Throws Error::stopped when the callback said false, also Error::stopped and
  // Error::timeout for the options' stop token and deadline (counted from the constructor).
  void advance(std::size_t count);
  // The last call of the callback: done == total. The work is done, so what the callback says no longer matters.
  void finish();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace knear
