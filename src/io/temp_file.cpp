#include "io/temp_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <system_error>

#include "io/helper_names.h"

namespace knear {

namespace {

std::filesystem::path directory_of(const std::filesystem::path& target) {
  return target.has_parent_path() ? target.parent_path() : std::filesystem::path(".");
}

// The path under which linkat finds an open file that has no name.
std::string proc_path_of(const File& file) { return "/proc/self/fd/" + std::to_string(file.descriptor()); }

void sync_directory(const std::filesystem::path& directory) {
  File opened(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC), directory);
  // Directories that may be written but not read, and file systems that cannot sync them: nothing more can be done.
  if (opened.descriptor() < 0) return;
  if (::fsync(opened.descriptor()) != 0 && errno == EIO) fail_with_errno(errno, "write", directory);
}

}  // namespace

TempFile::TempFile(const std::filesystem::path& target, Naming naming) : target_(target) {
  if (naming == Naming::always_named || !open_unnamed()) open_named();
  copy_permissions();
}

bool TempFile::open_unnamed() {
  const auto directory = directory_of(target_);
  file_ = File(::open(directory.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0666), target_);
  // Without /proc it could never get a name.
  return file_.descriptor() >= 0 && ::access(proc_path_of(file_).c_str(), F_OK) == 0;
}

void TempFile::open_named() {
  const auto name = make_temp_path(target_);
  const int descriptor = ::open(name.c_str(), O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC | O_NOFOLLOW, 0666);
  if (descriptor < 0) fail_with_errno(errno, "create a temporary file beside", target_);
  name_ = name;
  file_ = File(descriptor, target_);
}

void TempFile::copy_permissions() {
  struct stat old = {};
  if (::stat(target_.c_str(), &old) == 0) (void)::fchmod(file_.descriptor(), old.st_mode & 0777);
}

TempFile::~TempFile() {
  if (!name_.empty()) ::unlink(name_.c_str());
}

void TempFile::publish() {
  file_.sync();
  if (name_.empty()) {
    const auto name = make_temp_path(target_);
    if (::linkat(AT_FDCWD, proc_path_of(file_).c_str(), AT_FDCWD, name.c_str(), AT_SYMLINK_FOLLOW) != 0)
      fail_with_errno(errno, "write", target_);
    name_ = name;
  }
  file_.close();
  if (::rename(name_.c_str(), target_.c_str()) != 0) fail_with_errno(errno, "replace", target_);
  name_.clear();
  sync_directory(directory_of(target_));
}

void TempFile::remove_abandoned(const std::filesystem::path& target) noexcept {
  std::error_code ignored;
  for (std::filesystem::directory_iterator entry(directory_of(target), ignored), end; entry != end;
       entry.increment(ignored)) {
    if (is_temp_name_of(target, entry->path().filename().string())) ::unlink(entry->path().c_str());
    if (ignored) break;
  }
}

}  // namespace knear
