#include "interop/new_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstring>

#include "core/check.h"

namespace knear {
namespace {

std::filesystem::path folder_of(const std::filesystem::path& path) {
  return path.has_parent_path() ? path.parent_path() : std::filesystem::path(".");
}

// A file that was not there before, its name beginning with `stem`, which becomes its whole name.
int create_unused(std::string& stem) {
  static std::atomic<unsigned> counter = 0;
  for (;;) {
    const std::string name = concat(stem, '.', ::getpid(), '-', counter++, ".tmp");
    const int fd = ::open(name.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (fd < 0 && errno == EEXIST) continue;
    stem = name;
    return fd;
  }
}

void sync_folder(const std::filesystem::path& folder) {
  const int fd = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return;  // not readable: the rename stands, only its survival of a power cut is open
  ::fsync(fd);
  ::close(fd);
}

}  // namespace

NewFile::NewFile(std::filesystem::path path) : path_(std::move(path)) {
  temporary_ = (folder_of(path_) / ("." + path_.filename().string())).string();
  fd_ = create_unused(temporary_);
  if (fd_ < 0) fail_with_errno("create");
}

NewFile::~NewFile() {
  if (fd_ < 0) return;
  ::close(fd_);
  ::unlink(temporary_.c_str());
}

void NewFile::append(std::span<const Byte> bytes) {
  write_at(size_, bytes);
  size_ += bytes.size();
}

void NewFile::overwrite(std::uint64_t offset, std::span<const Byte> bytes) { write_at(offset, bytes); }

void NewFile::publish() {
  if (::fsync(fd_) != 0) fail_with_errno("write");
  if (::rename(temporary_.c_str(), path_.c_str()) != 0) fail_with_errno("rename");
  ::close(fd_);
  fd_ = -1;
  sync_folder(folder_of(path_));
}

void NewFile::write_at(std::uint64_t offset, std::span<const Byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::pwrite(fd_, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) fail_with_errno("write");
    offset += static_cast<std::uint64_t>(written);
    bytes = bytes.subspan(static_cast<std::size_t>(written));
  }
}

void NewFile::fail_with_errno(const char* what) const {
  fail(Error::io_failure, "cannot ", what, ' ', path_, ": ", std::strerror(errno));
}

}  // namespace knear
