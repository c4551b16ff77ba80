// Work done in a forked child, for what cannot be undone in a process: limits, users, being killed.
#pragma once

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <exception>
#include <functional>

namespace knear::testing {

// Runs `work` in a child that ends with work's result; an exception ends it with 99.
inline pid_t start_child(const std::function<int()>& work) {
  std::fflush(nullptr);
  const pid_t child = ::fork();
  if (child != 0) return child;
  int result = 99;
  try {
    result = work();
  } catch (const std::exception& error) {
    std::fprintf(stderr, "in the child: %s\n", error.what());
  }
  ::_exit(result);
}

// Its exit code, or 1000 + the signal that ended it.
inline int wait_for(pid_t child) {
  int status = 0;
  if (::waitpid(child, &status, 0) != child) return -1;
  return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

inline int run_in_child(const std::function<int()>& work) { return wait_for(start_child(work)); }

// Lets processes wait for each other: a byte written on one side is read on the other.
class Signal {
 public:
  Signal() { failed_ = ::pipe(ends_) != 0; }
  ~Signal() {
    ::close(ends_[0]);
    ::close(ends_[1]);
  }
  Signal(const Signal&) = delete;
  Signal& operator=(const Signal&) = delete;

  bool send() const {
    const char byte = 1;
    return !failed_ && ::write(ends_[1], &byte, 1) == 1;
  }
  bool wait() const {
    char byte = 0;
    return !failed_ && ::read(ends_[0], &byte, 1) == 1;
  }

 private:
  int ends_[2] = {-1, -1};
  bool failed_ = false;
};

}  // namespace knear::testing
