#include "io/atomic_file.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>
#include <system_error>

#include "core/check.h"

namespace knear {

namespace {

namespace fs = std::filesystem;

constexpr std::size_t kCollectedBytes = std::size_t{256} << 10;

// The file that a chain of symbolic links names, which need not exist.
fs::path follow_links(fs::path path) {
  std::error_code ignored;
  for (int links = 0; fs::is_symlink(path, ignored); ++links) {
    if (links == 40) fail_with_errno(ELOOP, "write", path);
    path = path.parent_path() / fs::read_symlink(path);
  }
  return path;
}

// Something to be written directly: exists and is neither a file nor a directory.
bool is_device(const fs::path& path) {
  std::error_code ignored;
  const auto status = fs::status(path, ignored);
  return fs::exists(status) && !fs::is_regular_file(status) && !fs::is_directory(status);
}

}  // namespace

AtomicFile::AtomicFile(const fs::path& path) {
  require(!path.empty(), "the path of the file to write is empty");
  std::error_code ignored;
  if (!path.has_filename() || fs::is_directory(path, ignored))
    fail(Error::io_failure, "cannot write ", quoted(path), ": it is a directory");

  const fs::path target = follow_links(path);
  if (is_device(target)) {
    device_ = File(::open(target.c_str(), O_WRONLY | O_CLOEXEC), path);
    if (device_.descriptor() < 0) fail_with_errno(errno, "write", path);
    return;
  }
  lock_.emplace(target);
  if (lock_->took_over()) TempFile::remove_abandoned(target);
  temp_.emplace(target);
}

void AtomicFile::write(std::span<const Byte> bytes) {
  if (pending_.size() + bytes.size() > kCollectedBytes) flush();
  if (bytes.size() >= kCollectedBytes) return file().write(bytes);
  pending_.insert(pending_.end(), bytes.begin(), bytes.end());
}

void AtomicFile::write_at(std::uint64_t offset, std::span<const Byte> bytes) {
  flush();
  file().write_at(offset, bytes);
}

void AtomicFile::flush() {
  file().write(pending_);
  pending_.clear();
}

void AtomicFile::commit() {
  flush();
  if (temp_) {
    temp_->publish();
    lock_.reset();
  } else {
    device_.close();
  }
}

}  // namespace knear
