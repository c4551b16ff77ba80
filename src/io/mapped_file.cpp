#include "io/mapped_file.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <limits>

namespace knear {
namespace {

std::size_t page_bytes() noexcept {
  static const auto bytes = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
  return bytes;
}

// How far into its page an address lies.
std::size_t bytes_before(const Byte* address) noexcept {
  return reinterpret_cast<std::uintptr_t>(address) % page_bytes();
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

void expect_leaps(std::span<const Byte> bytes) noexcept {
  const std::size_t before = bytes_before(bytes.data());
  ::posix_madvise(const_cast<Byte*>(bytes.data()) - before, bytes.size() + before, POSIX_MADV_RANDOM);
}

bool in_memory(std::span<const Byte> bytes) noexcept {
  constexpr std::size_t kPages = 1024;  // asked for at once
  unsigned char pages[kPages] = {};
  const std::size_t page = page_bytes();
  const std::size_t before = bytes_before(bytes.data());
  const Byte* const start = bytes.data() - before;
  const std::size_t count = bytes.empty() ? 0 : (bytes.size() + before + page - 1) / page;
  for (std::size_t first = 0; first < count; first += kPages) {
    const std::size_t some = std::min(kPages, count - first);
    if (::mincore(const_cast<Byte*>(start) + first * page, some * page, pages) != 0) return true;
    if (!std::all_of(pages, pages + some, [](unsigned char there) { return (there & 1) != 0; })) return false;
  }
  return true;
}

}  // namespace knear
