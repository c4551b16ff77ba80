#include "interop/file_bytes.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

namespace knear {
namespace {

[[noreturn]] void fail_with_errno(const std::filesystem::path& path, const char* what) {
  fail(Error::io_failure, "cannot ", what, ' ', path, ": ", std::strerror(errno));
}

struct Descriptor {
  int fd;
  ~Descriptor() { ::close(fd); }
};

}  // namespace

FileBytes map_file(const std::filesystem::path& path) {
  const Descriptor file{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
  if (file.fd < 0) fail_with_errno(path, "open");
  struct stat status = {};
  if (::fstat(file.fd, &status) != 0) fail_with_errno(path, "inspect");
  if (!S_ISREG(status.st_mode)) fail(Error::io_failure, path, " is no regular file");
  const auto size = static_cast<std::size_t>(status.st_size);
  if (size == 0) return {.bytes = {}, .path = path};
  void* start = ::mmap(nullptr, size, PROT_READ, MAP_SHARED, file.fd, 0);
  if (start == MAP_FAILED) fail_with_errno(path, "map");
  std::shared_ptr<const void> owner(start, [size](void* p) { ::munmap(p, size); });
  return {.bytes = {static_cast<const Byte*>(start), size}, .path = path, .owner = std::move(owner)};
}

}  // namespace knear
