// What a running command has around it: its shared flags, the stop token, the progress bar, its output.
#pragma once

#include <cstddef>
#include <stop_token>
#include <utility>

#include "knear/parallel.h"
#include "progress_bar.h"
#include "result.h"

namespace knear::cli {

// Flags that every command takes.
struct SharedFlags {
  bool json = false;
  bool quiet = false;
  std::size_t threads = 0;
};

class Session {
 public:
  Session(const SharedFlags& flags, std::stop_token stop)
      : flags_(flags),
        stop_(std::move(stop)),
        bar_(flags.quiet ? ProgressBar::Show::never : ProgressBar::Show::on_terminal) {}

  const std::stop_token& stop_token() const { return stop_; }
  bool json() const { return flags_.json; }
  ProgressBar& bar() { return bar_; }
  std::size_t threads() const { return flags_.threads != 0 ? flags_.threads : num_threads(); }

  // What a long library call takes: threads, the stop token and, on a terminal, its progress …
  RunOptions run() { return options(bar_.whole()); }
  // … as a part [before, ...) of `total` …
  RunOptions run_part(std::string phase, std::size_t before, std::size_t total) {
    return options(bar_.part(std::move(phase), before, total));
  }
  // … or none.
  RunOptions quiet_run() const { return options({}); }

  // Throws Error::stopped after Ctrl-C: for loops of the command itself.
  void stop_if_asked() const;

  // Prints the result in the form that the flags ask for.
  void print(const Result& result);
  void print(std::string_view text);

 private:
  RunOptions options(ProgressFn progress) const {
    return {.num_threads = flags_.threads, .stop = stop_, .progress = std::move(progress)};
  }

  SharedFlags flags_;
  std::stop_token stop_;
  ProgressBar bar_;
};

}  // namespace knear::cli
