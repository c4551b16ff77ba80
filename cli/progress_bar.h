// The line on a terminal that tells how far the work is.
#pragma once

#include <chrono>
#include <cstddef>
#include <mutex>
#include <string>
#include <string_view>

#include "knear/parallel.h"

namespace knear::cli {

// "add  [#########.......]  56%  1.2M/s  0:12 left", drawn on standard error and gone when the work is done.
class ProgressBar {
 public:
  enum class Show { on_terminal, never };

  explicit ProgressBar(Show show);
  ~ProgressBar() { clear(); }  // NOLINT(bugprone-exception-escape): text to stderr does not throw here
  ProgressBar(const ProgressBar&) = delete;
  ProgressBar& operator=(const ProgressBar&) = delete;

  // Draws, at most ten times a second; a new phase starts the clock again.
  void show(std::string_view phase, std::size_t done, std::size_t total);
  // For a library call: its own phase and counts. Empty when unseen, as is part().
  ProgressFn whole();
  // For a library call that handles a part of the work: its own counts, moved by `before`.
  ProgressFn part(std::string phase, std::size_t before, std::size_t total);
  // Takes the line off the terminal.
  void clear();

 private:
  using Clock = std::chrono::steady_clock;

  bool visible_;
  std::mutex mutex_;
  bool drawn_ = false;
  std::string phase_;
  Clock::time_point start_;
  Clock::time_point last_;
};

// The text of the bar, at most `width` columns: a pure function of where the work stands.
std::string progress_line(const Progress& progress, std::size_t width);

}  // namespace knear::cli
