// What ends a long call early: its stop token and its deadline.
#pragma once

#include <chrono>
#include <stop_token>

#include "knear/parallel.h"

namespace knear {

// The limits of a call that begins now.
class CallLimits {
 public:
  explicit CallLimits(const RunOptions& options);

  bool reached() const noexcept { return stop_.stop_requested() || late(); }
  // Throws Error::stopped or Error::timeout when reached.
  void check() const;

 private:
  bool late() const noexcept { return has_deadline_ && std::chrono::steady_clock::now() >= deadline_; }

  std::stop_token stop_;
  std::chrono::steady_clock::duration timeout_;
  std::chrono::steady_clock::time_point deadline_;
  bool has_deadline_;
};

// The options for what is left of a call that began at `start`: their timeout is the time that remains.
// A call that takes several steps with a parallel_for each hands these on.
RunOptions remaining(const RunOptions& options, std::chrono::steady_clock::time_point start);

}  // namespace knear
