// One writer at a time for a path: an advisory lock that no dead process can hold.
#pragma once

#include <filesystem>

namespace knear {

// Held from construction to destruction. The lock belongs to an open file beside the target, so the system drops it
// with the process, however that ends; the empty file that a killed process leaves is taken over by the next one.
// Forked children do not inherit the lock.
class FileLock {
 public:
  // Error::conflict when another process or thread writes `target`; never waits. On file systems without locks
  // it holds nothing. Error::io_failure.
  explicit FileLock(const std::filesystem::path& target);
  ~FileLock();
  FileLock(const FileLock&) = delete;
  FileLock& operator=(const FileLock&) = delete;

  // Was there a lock file already? Then a writer of the target died, and may have left a temporary file.
  bool took_over() const noexcept { return took_over_; }

 private:
  friend struct HeldLocks;
  bool try_lock(const std::filesystem::path& target);
  std::filesystem::path path_;
  int descriptor_ = -1;
  bool took_over_ = false;
};

}  // namespace knear
