// A file as memory: pages are read when they are touched and dropped when memory is short.
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>

#include "io/file.h"
#include "knear/matrix.h"

namespace knear {

// Read-only. The mapping shows the file that was opened, also after another one took its name.
class MappedFile {
 public:
  // Maps all of a non-empty regular file. Error::io_failure.
  explicit MappedFile(const File& file);
  ~MappedFile();
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  std::span<const Byte> bytes() const noexcept { return bytes_; }
  // Counts no longer as memory of this process; what is read again is mapped again.
  void release_pages() const noexcept;

 private:
  std::span<const Byte> bytes_;
};

// Tells the system that these bytes, part of a mapping or not, will be read soon and in order.
void expect_reading(std::span<const Byte> bytes) noexcept;

// Tells the system that of these bytes, part of a mapping, only what is touched or expected will be read: by itself it
// reads megabytes around, which push out others where memory is short.
void expect_leaps(std::span<const Byte> bytes) noexcept;

// Are these bytes of a mapping in memory? True where the system does not tell.
bool in_memory(std::span<const Byte> bytes) noexcept;

}  // namespace knear
