#include "io/file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <utility>

#include "core/check.h"

namespace knear {

namespace {

// Linux moves at most 2 GiB - 4 KiB in one call.
constexpr std::size_t kMostBytesPerCall = std::size_t{1} << 30;

struct stat status_of(const File& file) {
  struct stat status = {};
  if (::fstat(file.descriptor(), &status) != 0) fail_with_errno(errno, "inspect", file.path());
  return status;
}

// Calls step(done, count), which returns how many of `count` bytes it moved, until `total` are moved.
template <class Step>
void move_all(std::size_t total, const char* action, const std::filesystem::path& path, const Step& step) {
  for (std::size_t done = 0; done < total;) {
    const ssize_t moved = step(done, std::min(total - done, kMostBytesPerCall));
    if (moved < 0 && errno == EINTR) continue;
    if (moved < 0) fail_with_errno(errno, action, path);
    if (moved == 0)
      fail(Error::io_failure, "cannot ", action, " ", quoted(path), ": it ended ", total - done, " bytes early");
    done += static_cast<std::size_t>(moved);
  }
}

}  // namespace

std::string quoted(const std::filesystem::path& path) { return concat("'", path.string(), "'"); }

void fail_with_errno(int error_number, const std::string& action, const std::filesystem::path& path) {
  fail(Error::io_failure, "cannot ", action, " ", quoted(path), ": ", std::generic_category().message(error_number));
}

File File::open_to_read(const std::filesystem::path& path) {
  // O_NONBLOCK: opening a pipe must not wait for its writer. Regular files take no notice of it.
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (descriptor < 0) fail_with_errno(errno, "open", path);
  File file(descriptor, path);
  const auto status = status_of(file);
  if (S_ISDIR(status.st_mode)) fail(Error::io_failure, quoted(path), " is a directory, not a file");
  if (!S_ISREG(status.st_mode)) fail(Error::io_failure, quoted(path), " is a device or a pipe, not a file");
  return file;
}

File::~File() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

File::File(File&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)), path_(std::move(other.path_)) {}

File& File::operator=(File&& other) noexcept {
  std::swap(descriptor_, other.descriptor_);
  std::swap(path_, other.path_);
  return *this;
}

std::uint64_t File::file_bytes() const { return static_cast<std::uint64_t>(status_of(*this).st_size); }

void File::read_at(std::uint64_t offset, std::span<Byte> out) const {
  move_all(out.size(), "read", path_, [&](std::size_t done, std::size_t count) {
    return ::pread(descriptor_, out.data() + done, count, static_cast<off_t>(offset + done));
  });
}

void File::write(std::span<const Byte> bytes) {
  move_all(bytes.size(), "write", path_,
           [&](std::size_t done, std::size_t count) { return ::write(descriptor_, bytes.data() + done, count); });
}

void File::write_at(std::uint64_t offset, std::span<const Byte> bytes) {
  move_all(bytes.size(), "write", path_, [&](std::size_t done, std::size_t count) {
    return ::pwrite(descriptor_, bytes.data() + done, count, static_cast<off_t>(offset + done));
  });
}

void File::sync() {
  int result = 0;
  do result = ::fsync(descriptor_);
  while (result != 0 && errno == EINTR);
  if (result != 0) fail_with_errno(errno, "write", path_);
}

void File::close() {
  // Never repeated: on Linux the descriptor is gone even when close() fails.
  const int descriptor = std::exchange(descriptor_, -1);
  if (descriptor >= 0 && ::close(descriptor) != 0 && errno != EINTR) fail_with_errno(errno, "write", path_);
}

}  // namespace knear
