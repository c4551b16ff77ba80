#include "io/mapped_file.h"

#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <limits>

namespace knear {

MappedFile::MappedFile(const File& file) {
  const std::uint64_t count = file.file_bytes();
  if (count > std::numeric_limits<std::size_t>::max()) fail_with_errno(EFBIG, "map", file.path());
  void* start = ::mmap(nullptr, static_cast<std::size_t>(count), PROT_READ, MAP_SHARED, file.descriptor(), 0);
  if (start == MAP_FAILED) fail_with_errno(errno, "map", file.path());
  bytes_ = {static_cast<const Byte*>(start), static_cast<std::size_t>(count)};
}

MappedFile::~MappedFile() { ::munmap(const_cast<Byte*>(bytes_.data()), bytes_.size()); }

void MappedFile::release_pages() const noexcept {
  ::madvise(const_cast<Byte*>(bytes_.data()), bytes_.size(), MADV_DONTNEED);
}

void expect_reading(std::span<const Byte> bytes) noexcept {
  const auto page = static_cast<std::uintptr_t>(::sysconf(_SC_PAGESIZE));
  const auto start = reinterpret_cast<std::uintptr_t>(bytes.data());
  const std::size_t before = start % page;
  ::posix_madvise(const_cast<Byte*>(bytes.data()) - before, bytes.size() + before, POSIX_MADV_WILLNEED);
}

}  // namespace knear
