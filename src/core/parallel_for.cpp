#include "core/parallel_for.h"

#include <algorithm>
#include <atomic>
#include <charconv>
#include <cstdlib>
#include <exception>
#include <mutex>
#include <string_view>

#include "core/call_limits.h"
#include "core/check.h"
#include "core/cpu_count.h"
#include "core/fp_environment.h"
#include "core/thread_pool.h"

namespace knear {
namespace {

std::atomic<std::size_t> default_threads = 0;  // 0: not looked up yet

// KNEAR_THREADS when it holds a number from 1 on, else the CPUs.
std::size_t automatic_threads() noexcept {
  if (const char* variable = std::getenv("KNEAR_THREADS")) {
    const std::string_view text = variable;
    std::size_t n = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), n);
    if (error == std::errc() && end == text.data() + text.size() && n >= 1) return n;
  }
  return usable_cpus();
}

// The tasks of one call, and how they ended.
class Loop {
 public:
  Loop(std::size_t tasks, const RunOptions& options, const std::function<void(std::size_t, std::size_t)>& task)
      : tasks_(tasks), limits_(options), task_(task) {}

  // Takes tasks until there are none or the loop has to end. One worker's part.
  void work(std::size_t worker) noexcept {
    const FpEnvironment plain;
    while (!ended_.load(std::memory_order_relaxed) && !limits_.reached()) {
      const std::size_t i = next_.fetch_add(1, std::memory_order_relaxed);
      if (i >= tasks_) return;
      run(i, worker);
    }
  }

  // After all workers: throws what a task has thrown, or that the loop was ended early.
  void finish() const {
    if (error_) std::rethrow_exception(error_);
    if (next_.load(std::memory_order_relaxed) < tasks_) limits_.check();
  }

 private:
  void run(std::size_t i, std::size_t worker) noexcept {
    try {
      task_(i, worker);
    } catch (...) {
      const std::lock_guard lock(mutex_);
      if (!error_ || i < failed_) {
        error_ = std::current_exception();
        failed_ = i;
      }
      ended_.store(true, std::memory_order_relaxed);
    }
  }

  const std::size_t tasks_;
  const CallLimits limits_;
  const std::function<void(std::size_t, std::size_t)>& task_;
  std::atomic<std::size_t> next_ = 0;
  std::atomic<bool> ended_ = false;
  std::mutex mutex_;
  std::exception_ptr error_;  // of the lowest task that failed
  std::size_t failed_ = 0;
};

}  // namespace

std::size_t num_threads() noexcept {
  std::size_t n = default_threads.load(std::memory_order_relaxed);
  if (n != 0) return n;
  n = std::min(automatic_threads(), kMaxThreads);
  default_threads.store(n, std::memory_order_relaxed);
  return n;
}

void set_num_threads(std::size_t n) noexcept {
  default_threads.store(std::min(n, kMaxThreads), std::memory_order_relaxed);
}

std::size_t threads_for(const RunOptions& options, std::size_t tasks) noexcept {
  const std::size_t wanted = options.num_threads != 0 ? options.num_threads : num_threads();
  return std::clamp<std::size_t>(tasks, 1, std::min(wanted, kMaxThreads));
}

void parallel_for(std::size_t tasks, const RunOptions& options,
                  const std::function<void(std::size_t task, std::size_t worker)>& task) {
  if (tasks == 0) return;
  Loop loop(tasks, options, task);
  const Finish end = run_on_threads(threads_for(options, tasks), [&](std::size_t worker) { loop.work(worker); });
  if (end == Finish::forked)
    fail(Error::wrong_state, "the process forked in the middle of a call of ", tasks,
         " tasks; those of its other threads are lost in the child");
  loop.finish();
}

}  // namespace knear
