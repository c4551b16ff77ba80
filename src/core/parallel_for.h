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
// The first exception is carried home after the others have stopped taking tasks. Between tasks it looks at the
// stop token and the deadline, and throws Error::stopped or Error::timeout. Nested calls are fine (they help
// with the caller's thread at least). Survives fork: the child starts its own threads when it first needs them.
void parallel_for(std::size_t tasks, const RunOptions& options,
                  const std::function<void(std::size_t task, std::size_t worker)>& task);

// Turns counts of done work into calls of options.progress, at most ten a second, and into stops. Thread-safe;
// the callback runs on whichever thread comes by. Does nothing without a callback.
class ProgressMeter {
 public:
  ProgressMeter(const RunOptions& options, std::string_view phase, std::size_t total);
  ~ProgressMeter();
  // `count` more are done. Throws Error::stopped when the callback said false, also Error::stopped and
  // Error::timeout for the options' stop token and deadline.
  void advance(std::size_t count);
  void finish();  // the last call of the callback: done == total

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace knear
