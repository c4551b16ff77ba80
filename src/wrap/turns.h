// Readers side by side, or one writer alone. A writer who waits goes before readers who come later: these wait for it,
// though not for ever, since a reader may be part of another who already reads.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <mutex>

namespace knear {

class Turns {
 public:
  void lock_shared() {
    std::unique_lock lock(mutex_);
    free_.wait_for(lock, kPatience, [this] { return !writing_ && !waiting_; });
    enter(lock);
  }
  // The same before a writer who waits: for short looks.
  void lock_shared_at_once() {
    std::unique_lock lock(mutex_);
    enter(lock);
  }
  void unlock_shared() {
    const std::lock_guard lock(mutex_);
    if (--readers_ == 0) free_.notify_all();
  }

  // One writer at a time asks.
  void lock() {
    std::unique_lock lock(mutex_);
    waiting_ = true;
    free_.wait(lock, [this] { return readers_ == 0; });
    waiting_ = false;
    writing_ = true;
  }
  void unlock() {
    const std::lock_guard lock(mutex_);
    writing_ = false;
    free_.notify_all();
  }

 private:
  static constexpr std::chrono::seconds kPatience{1};

  void enter(std::unique_lock<std::mutex>& lock) {
    free_.wait(lock, [this] { return !writing_; });
    ++readers_;
  }

  std::mutex mutex_;
  std::condition_variable free_;
  std::size_t readers_ = 0;
  bool waiting_ = false;
  bool writing_ = false;
};

// A short look.
class Look {
 public:
  explicit Look(Turns& turns) : turns_(turns) { turns_.lock_shared_at_once(); }
  ~Look() { turns_.unlock_shared(); }
  Look(const Look&) = delete;
  Look& operator=(const Look&) = delete;

 private:
  Turns& turns_;
};

}  // namespace knear
