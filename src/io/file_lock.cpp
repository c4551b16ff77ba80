#include "io/file_lock.h"

#include <fcntl.h>
#include <pthread.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <mutex>
#include <set>

#include "core/check.h"
#include "io/file.h"
#include "io/helper_names.h"

namespace knear {

// The locks of this process. A forked child shares the open files behind them and would keep them locked after the
// parent's death, so it closes its copies as soon as it starts.
struct HeldLocks {
  static void add(FileLock* lock) {
    static const int registered = pthread_atfork([] { mutex.lock(); }, [] { mutex.unlock(); }, drop_in_child);
    (void)registered;  // out of memory: then children do share locks, which only a killed parent makes felt
    const std::lock_guard guard(mutex);
    locks.insert(lock);
  }

  static void remove(FileLock* lock) {
    const std::lock_guard guard(mutex);
    locks.erase(lock);
  }

  static void drop_in_child() {
    for (FileLock* lock : locks) {
      ::close(lock->descriptor_);
      lock->descriptor_ = -1;
    }
    locks.clear();
    mutex.unlock();
  }

  static inline std::mutex mutex;
  static inline std::set<FileLock*> locks;
};

namespace {

constexpr int kOpenFlags = O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK;
// Another writer can create or remove the lock file between two of our steps, but not for ever.
constexpr int kMostAttempts = 100;

// Does `path` still name the open file? Not when its last holder removed it after we opened it.
bool is_still_named(int descriptor, const std::filesystem::path& path) {
  struct stat opened = {};
  struct stat named = {};
  return ::fstat(descriptor, &opened) == 0 && ::lstat(path.c_str(), &named) == 0 && opened.st_dev == named.st_dev &&
         opened.st_ino == named.st_ino;
}

int open_existing(const std::filesystem::path& path) {
  const int descriptor = ::open(path.c_str(), O_RDWR | kOpenFlags);
  // The file of another user, who may let us read only; that is enough for flock.
  if (descriptor < 0 && errno == EACCES) return ::open(path.c_str(), O_RDONLY | kOpenFlags);
  return descriptor;
}

}  // namespace

FileLock::FileLock(const std::filesystem::path& target) : path_(lock_path_of(target)) {
  for (int attempt = 0; attempt < kMostAttempts; ++attempt)
    if (try_lock(target)) return;
  fail(Error::conflict, quoted(target), " is being written by others all the time");
}

// False: the lock file went away meanwhile, try again.
bool FileLock::try_lock(const std::filesystem::path& target) {
  int descriptor = ::open(path_.c_str(), O_RDWR | O_CREAT | O_EXCL | kOpenFlags, 0666);
  took_over_ = descriptor < 0 && errno == EEXIST;
  if (took_over_) descriptor = open_existing(path_);
  if (descriptor < 0 && took_over_ && errno == ENOENT) return false;
  if (descriptor < 0) fail_with_errno(errno, "write", target);

  File file(descriptor, path_);
  const int refused = ::flock(descriptor, LOCK_EX | LOCK_NB) == 0 ? 0 : errno;
  if (refused == EINTR) return false;
  if (refused == EWOULDBLOCK)
    fail(Error::conflict, quoted(target), " is being written by another process or thread, which holds ",
         quoted(path_));
  if (refused == 0 && !is_still_named(descriptor, path_)) return false;
  if (refused != 0) {  // no locks on this file system
    took_over_ = false;
    ::unlink(path_.c_str());
    return true;
  }
  descriptor_ = descriptor;
  HeldLocks::add(this);
  file.release();
  return true;
}

FileLock::~FileLock() {
  HeldLocks::remove(this);
  if (descriptor_ < 0) return;
  ::unlink(path_.c_str());        // while it is still locked, so that nobody locks a file that we remove
  ::flock(descriptor_, LOCK_UN);  // for a child that was forked before it could close its copy
  ::close(descriptor_);
}

}  // namespace knear
