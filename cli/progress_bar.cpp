#include "progress_bar.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <cmath>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <utility>

#include "text.h"

namespace knear::cli {
namespace {

constexpr auto kRedraw = std::chrono::milliseconds(100);
constexpr std::size_t kWidestBar = 40;
constexpr std::size_t kNarrowestBar = 8;

bool is_capable_terminal() {
  const char* kind = std::getenv("TERM");
  return isatty(STDERR_FILENO) != 0 && kind != nullptr && std::string_view(kind) != "dumb";
}

std::size_t terminal_width() {
  winsize size{};
  if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return 80;
  return size.ws_col;
}

std::string time_left(double seconds) {
  const auto whole = static_cast<std::uint64_t>(std::llround(seconds));
  if (whole >= 3600) return fmt::format("{}:{:02}:{:02} left", whole / 3600, whole / 60 % 60, whole % 60);
  return fmt::format("{}:{:02} left", whole / 60, whole % 60);
}

std::string bar(double fraction, std::size_t width) {
  const auto full = static_cast<std::size_t>(fraction * static_cast<double>(width));
  return "[" + std::string(full, '#') + std::string(width - full, '.') + "]";
}

}  // namespace

std::string progress_line(const Progress& progress, std::size_t width) {
  std::string rate = fmt::format("{}/s", short_count(progress.rate));
  if (progress.total == 0) return fmt::format("{}  {}  {}", progress.phase, progress.done, rate).substr(0, width);
  const double fraction = std::min(1.0, static_cast<double>(progress.done) / static_cast<double>(progress.total));
  const std::string tail = fmt::format("{:3.0f}%  {}  {}", fraction * 100, rate, time_left(progress.eta_seconds));
  const std::size_t around = progress.phase.size() + tail.size() + 6;  // spaces and brackets
  if (width < around + kNarrowestBar) return fmt::format("{}  {}", progress.phase, tail).substr(0, width);
  return fmt::format("{}  {}  {}", progress.phase, bar(fraction, std::min(kWidestBar, width - around)), tail);
}

ProgressBar::ProgressBar(Show show) : visible_(show == Show::on_terminal && is_capable_terminal()) {}

void ProgressBar::show(std::string_view phase, std::size_t done, std::size_t total) {
  if (!visible_) return;
  const std::lock_guard lock(mutex_);
  const auto now = Clock::now();
  if (phase != phase_) {
    phase_ = phase;
    start_ = last_ = now;
  }
  if (now - last_ < kRedraw) return;  // so that quick work never flickers
  last_ = now;
  const double seconds = std::chrono::duration<double>(now - start_).count();
  const double rate = static_cast<double>(done) / seconds;
  const double left = done == 0 || total < done ? 0 : static_cast<double>(total - done) / rate;
  const Progress progress{.phase = phase, .done = done, .total = total, .rate = rate, .eta_seconds = left};
  fmt::print(stderr, "\r\x1b[K{}", progress_line(progress, terminal_width() - 1));
  std::fflush(stderr);
  drawn_ = true;
}

ProgressFn ProgressBar::part(std::string phase, std::size_t before, std::size_t total) {
  if (!visible_) return {};
  return [this, phase = std::move(phase), before, total](const Progress& progress) {
    show(phase, before + progress.done, total);
    return true;
  };
}

ProgressFn ProgressBar::whole() {
  if (!visible_) return {};
  return [this](const Progress& progress) {
    show(std::string(progress.phase), progress.done, progress.total);
    return true;
  };
}

void ProgressBar::clear() {
  const std::lock_guard lock(mutex_);
  if (!std::exchange(drawn_, false)) return;
  fmt::print(stderr, "\r\x1b[K");
  std::fflush(stderr);
}

}  // namespace knear::cli
