// A call into the library from Python: the GIL released, Ctrl-C heard, progress shown.
#pragma once

#include <nanobind/nanobind.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "knear/parallel.h"
#include "types.h"

namespace knear::python {

// Where a long call stands, as Python sees it: Progress with a phase of its own.
struct News {
  std::string phase;
  std::size_t done = 0;
  std::size_t total = 0;
  double rate = 0;
  double eta_seconds = 0;
};

// The arguments that every long call takes.
struct CallArguments {
  std::optional<Int> num_threads;
  std::optional<double> timeout;  // seconds
  ProgressLike progress;          // None, True, False, or a callable that takes a Progress
};

// One call. Its work runs with the GIL released: here when it is brief, else on a thread of its own while
// this one listens for signals and calls the progress function, ten times a second.
class Call {
 public:
  // `work` is the number of elements that the call will touch, roughly: it decides what is brief.
  // Throws Error::invalid_argument for a negative thread count or timeout, Error::wrong_type for a
  // progress that cannot be called.
  Call(const CallArguments& arguments, double work);
  ~Call();

  // The part of the options that the arguments decide.
  RunOptions options() const;
  // The work calls Python (a filter is a Python function), so it may be slow.
  void expect_python() { watched_ = true; }

  // Runs the work; its exceptions come out here, a KeyboardInterrupt or an exception of the progress
  // function in their stead.
  void run(const std::function<void()>& work);

 private:
  struct Board;
  void watch(const std::function<void()>& work);
  void listen();
  bool look_up();
  bool show_progress();

  RunOptions options_;
  std::stop_source stop_;
  bool watched_;
  nb::object progress_;  // a callable, or none
  bool bar_ = false;     // progress_ is a bar of ours, to be closed
  std::shared_ptr<Board> board_;
  std::exception_ptr python_failure_;
};

// Releases the GIL around work that cannot be stopped. Whatever may wait for a lock of an index goes through
// here or through a Call: the holder of that lock may be waiting for the GIL, to ask a filter in Python.
template <class Work>
decltype(auto) without_gil(Work&& work) {
  nb::gil_scoped_release release;
  return std::forward<Work>(work)();
}

}  // namespace knear::python
