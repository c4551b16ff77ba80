#include "io/mapped_file.h"

#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <limits>

namespace knear {
namespace {

// How far into its page an address lies.
std::size_t bytes_before(const Byte* address) noexcept {
  static const auto page = static_cast<std::uintptr_t>(::sysconf(_SC_PAGESIZE));
  return reinterpret_cast<std::uintptr_t>(address) % page;
}

}  // namespace

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
  const std::size_t before = bytes_before(bytes.data());
  ::posix_madvise(const_cast<Byte*>(bytes.data()) - before, bytes.size() + before, POSIX_MADV_WILLNEED);
}

bool begins_in_memory(std::span<const Byte> bytes) noexcept {
  unsigned char page = 0;
  const std::size_t before = bytes_before(bytes.data());
  return bytes.empty() || ::mincore(const_cast<Byte*>(bytes.data()) - before, before + 1, &page) != 0 || (page & 1) != 0;
}

}  // namespace knear
