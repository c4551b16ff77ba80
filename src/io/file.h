// A file of the operating system: a descriptor that closes itself, and whole reads and writes.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <utility>

#include "knear/matrix.h"

namespace knear {

// 'path', in quotes, for messages.
std::string quoted(const std::filesystem::path& path);

// Throws Error::io_failure: "cannot <action> '<path>': <what the error number means>".
[[noreturn]] void fail_with_errno(int error_number, const std::string& action, const std::filesystem::path& path);

// All calls throw Error::io_failure with the path and the system's reason. Interrupted calls are repeated,
// short ones continued.
class File {
 public:
  File() = default;
  // Takes over an open descriptor; `path` is for messages.
  File(int descriptor, std::filesystem::path path) : descriptor_(descriptor), path_(std::move(path)) {}
  // Opens a regular file; directories, devices and pipes are refused.
  static File open_to_read(const std::filesystem::path& path);
  ~File();
  File(File&& other) noexcept;
  File& operator=(File&& other) noexcept;

  // Gives the descriptor away.
  int release() noexcept { return std::exchange(descriptor_, -1); }

  int descriptor() const noexcept { return descriptor_; }
  const std::filesystem::path& path() const noexcept { return path_; }
  std::uint64_t file_bytes() const;

  // Fills `out` from `offset`; a file that ends before is an Error::io_failure.
  void read_at(std::uint64_t offset, std::span<Byte> out) const;
  void write(std::span<const Byte> bytes);  // at the current position
  void write_at(std::uint64_t offset, std::span<const Byte> bytes);
  void sync();   // returns when the bytes are on the disk
  void close();  // reports what a deferred write met; the destructor is silent

 private:
  int descriptor_ = -1;
  std::filesystem::path path_;
};

}  // namespace knear
