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

  // Options of a long library call: threads, the stop token and, on a terminal, its progress as a part
  // [before, ...) of `total`.
  template <class Options>
  Options options(std::string phase, std::size_t before, std::size_t total) {
    Options options;
    options.num_threads = flags_.threads;
    options.stop = stop_;
    options.progress = bar_.part(std::move(phase), before, total);
    return options;
  }
  template <class Options>
  Options options() const {
    Options options;
    options.num_threads = flags_.threads;
    options.stop = stop_;
    return options;
  }

  // Throws Error::stopped after Ctrl-C: for loops of the command itself.
  void stop_if_asked() const;

  // Prints the result in the form that the flags ask for.
  void print(const Result& result);
  void print(std::string_view text);

 private:
  SharedFlags flags_;
  std::stop_token stop_;
  ProgressBar bar_;
};

}  // namespace knear::cli
