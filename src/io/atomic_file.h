// Writing a file so that everybody sees the old one or the new one, never a part (docs/format.md).
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <vector>

#include "io/byte_output.h"
#include "io/file_lock.h"
#include "io/temp_file.h"
#include "knear/matrix.h"

namespace knear {

// Bytes are written beside the target and take its place in commit(). Without commit() nothing stays behind.
// A symbolic link is followed; a device or a pipe is written directly. One thread uses it.
class AtomicFile final : public ByteOutput {
 public:
  // Error::conflict while another process or thread writes the same path, Error::io_failure, Error::invalid_argument
  // for an empty path.
  explicit AtomicFile(const std::filesystem::path& path);

  // Small pieces are collected. Error::io_failure: disk full, …
  void write(std::span<const Byte> bytes) override;
  // Overwrites bytes that were written before; not for devices and pipes.
  void write_at(std::uint64_t offset, std::span<const Byte> bytes);
  // Syncs everything and renames. Nothing may be written after it.
  void commit();

 private:
  void flush();
  File& file() noexcept { return temp_ ? temp_->file() : device_; }
  std::optional<FileLock> lock_;
  std::optional<TempFile> temp_;
  File device_;
  std::vector<Byte> pending_;
};

}  // namespace knear
