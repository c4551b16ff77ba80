// A file that appears whole or not at all.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>

#include "knear/matrix.h"

namespace knear {

// Written under a temporary name in the folder where it will appear. Every failure is Error::io_failure.
class NewFile {
 public:
  explicit NewFile(std::filesystem::path path);
  ~NewFile();  // removes what was not published
  NewFile(const NewFile&) = delete;
  NewFile& operator=(const NewFile&) = delete;

  const std::filesystem::path& path() const noexcept { return path_; }
  // Behind what was appended before.
  void append(std::span<const Byte> bytes);
  // Over bytes that were appended before.
  void overwrite(std::uint64_t offset, std::span<const Byte> bytes);
  // Puts the file in its place, replacing one that is there, once its bytes are safe on disk.
  void publish();

 private:
  void write_at(std::uint64_t offset, std::span<const Byte> bytes);
  [[noreturn]] void fail_with_errno(const char* what) const;

  std::filesystem::path path_;
  std::string temporary_;
  int fd_ = -1;
  std::uint64_t size_ = 0;
};

}  // namespace knear
