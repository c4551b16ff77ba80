#include "call.h"

#include <chrono>
#include <cmath>
#include <condition_variable>
#include <mutex>
#include <string>
#include <thread>

namespace knear::python {

namespace {

// From this many elements on, a thread for the work costs less than one part in a hundred.
constexpr double kBriefWork = 5e7;
constexpr auto kPatience = std::chrono::milliseconds(100);

std::chrono::steady_clock::duration duration_of(std::optional<double> seconds) {
  using Duration = std::chrono::steady_clock::duration;
  if (!seconds || std::isinf(*seconds)) return Duration::zero();
  if (!(*seconds > 0))
    throw Error(Error::invalid_argument, "timeout = " + std::to_string(*seconds) + " seconds; it must be positive");
  constexpr double kCentury = 3.2e9;
  const auto duration = std::chrono::duration<double>(std::min(*seconds, kCentury));
  return std::max(std::chrono::duration_cast<Duration>(duration), Duration(1));
}

}  // namespace

std::string type_text(nb::handle object) { return nb::inst_name(object).c_str(); }

std::size_t count_of(Int number, const char* name, std::int64_t least) {
  if (number.value < least)
    throw Error(Error::invalid_argument, std::string(name) + " = " + std::to_string(number.value) +
                                             "; it must be at least " + std::to_string(least));
  return static_cast<std::size_t>(number.value);
}

// Where the work leaves news for the thread that waits.
struct Call::Board {
  std::mutex mutex;
  std::condition_variable changed;
  bool finished = false;
  std::optional<News> news;

  void post(const Progress& progress) {
    const std::lock_guard lock(mutex);
    news = News{std::string(progress.phase), progress.done, progress.total, progress.rate, progress.eta_seconds};
  }

  std::optional<News> take_news() {
    const std::lock_guard lock(mutex);
    return std::exchange(news, std::nullopt);
  }

  void finish() {
    const std::lock_guard lock(mutex);
    finished = true;
    changed.notify_one();
  }

  bool wait() {
    std::unique_lock lock(mutex);
    return changed.wait_for(lock, kPatience, [&] { return finished; });
  }

  void wait_to_the_end() {
    std::unique_lock lock(mutex);
    changed.wait(lock, [&] { return finished; });
  }
};

Call::Call(const CallArguments& arguments, double work)
    : watched_(work >= kBriefWork), progress_(nb::none()), board_(std::make_shared<Board>()) {
  if (arguments.num_threads) options_.num_threads = count_of(*arguments.num_threads, "num_threads", 0);
  options_.timeout = duration_of(arguments.timeout);
  const nb::handle progress = arguments.progress;
  if (!progress.is_valid() || progress.is_none() || progress.is(Py_False)) return;
  if (progress.is(Py_True)) {
    progress_ = nb::module_::import_("knear._progress").attr("make_bar")();
    bar_ = !progress_.is_none();
  } else if (PyCallable_Check(progress.ptr())) {
    progress_ = nb::borrow(progress);
  } else {
    throw Error(Error::wrong_type, "progress must be True, False, None or a callable that takes a Progress");
  }
  if (progress_.is_none()) return;
  watched_ = true;
  options_.progress = [board = board_](const Progress& news) {
    board->post(news);
    return true;
  };
}

Call::~Call() {
  if (!bar_) return;
  try {
    progress_.attr("close")();
  } catch (nb::python_error& error) {
    error.discard_as_unraisable("knear: closing a progress bar");
  }
}

RunOptions Call::options() const {
  RunOptions options = options_;
  if (watched_) options.stop = stop_.get_token();
  return options;
}

void Call::run(const std::function<void()>& work) {
  if (watched_) {
    watch(work);
  } else {
    nb::gil_scoped_release release;
    work();
  }
}

void Call::watch(const std::function<void()>& work) {
  std::exception_ptr failure;
  {
    const std::jthread worker([&] {
      try {
        work();
      } catch (...) {
        failure = std::current_exception();
      }
      board_->finish();
    });
    listen();
  }
  if (python_failure_) std::rethrow_exception(python_failure_);
  if (failure) std::rethrow_exception(failure);
}

// Until the work has finished. Once it was told to stop, nothing more is asked of Python.
void Call::listen() {
  bool finished = false;
  bool going_on = true;
  while (!finished && going_on) {
    {
      nb::gil_scoped_release release;
      finished = board_->wait();
    }
    going_on = look_up();
  }
  if (finished) return;
  stop_.request_stop();
  nb::gil_scoped_release release;
  board_->wait_to_the_end();
}

// Runs signal handlers and the progress function; false when the work should stop.
bool Call::look_up() {
  if (PyErr_CheckSignals() == 0) return show_progress();
  python_failure_ = std::make_exception_ptr(nb::python_error());
  return false;
}

bool Call::show_progress() {
  if (progress_.is_none()) return true;
  const std::optional<News> news = board_->take_news();
  if (!news) return true;
  try {
    return !progress_(nb::cast(*news)).is(Py_False);
  } catch (...) {
    python_failure_ = std::current_exception();
    return false;
  }
}

}  // namespace knear::python
