// The index file: named, versioned, checksummed sections (docs/format.md).
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "knear/matrix.h"

namespace knear {

// Takes the sections of an index, one after the other. Names are unique, 1 to 63 printable ASCII characters.
class SectionWriter {
 public:
  virtual ~SectionWriter() = default;

  // A section in one piece.
  void section(std::string_view name, std::uint32_t version, std::span<const Byte> bytes);
  // A section in pieces: its length is known at end(). One is open at a time.
  virtual void begin(std::string_view name, std::uint32_t version) = 0;
  virtual void append(std::span<const Byte> bytes) = 0;
  virtual void end() = 0;
};

// Writes a container with `fill` to a file: temporary file beside it, fsync, rename, fsync of the directory.
// Error::conflict while another process or thread writes the same path; Error::io_failure (disk full, …) leaves
// the old file as it was and removes the temporary one.
void write_container(const std::filesystem::path& path, const std::function<void(SectionWriter&)>& fill);
std::vector<Byte> write_container_bytes(const std::function<void(SectionWriter&)>& fill);

// A section as read. `bytes` starts at an address that is a multiple of 64 and lives as long as `owner`.
struct Section {
  std::string name;
  std::uint32_t version = 0;
  std::uint64_t offset = 0;
  std::span<const Byte> bytes;
};

// A container opened for reading. The header and the section table are always checked (magic, version, lengths,
// overlaps, checksums); sections up to 1 MiB are, too; longer ones when read into memory, or by verify().
class Container {
 public:
  // mmap = false reads all of it into memory. Error::io_failure, Error::corrupt_file.
  static Container open(const std::filesystem::path& path, bool mmap);
  static Container from_bytes(std::span<const Byte> bytes);  // copies

  std::uint32_t format_version() const noexcept;
  std::uint64_t file_bytes() const noexcept;
  bool mapped() const noexcept;
  const std::vector<Section>& sections() const noexcept;
  const Section* find(std::string_view name) const noexcept;
  // Error::corrupt_file when it is missing or its version is newer than `newest_known`.
  const Section& at(std::string_view name, std::uint32_t newest_known) const;
  // Names of sections whose checksum is wrong.
  std::vector<std::string> verify() const;
  // Keeps the bytes of all sections alive.
  std::shared_ptr<const void> owner() const noexcept;

 private:
  struct State;
  std::shared_ptr<const State> state_;
};

// Little-endian scalars in and out of small sections, bounds-checked: a short section is Error::corrupt_file.
class ByteSink {
 public:
  void u32(std::uint32_t value);
  void u64(std::uint64_t value);
  void f32(float value);
  void text(std::string_view value);  // u64 length, then the bytes
  std::span<const Byte> bytes() const noexcept { return bytes_; }

 private:
  std::vector<Byte> bytes_;
};

class ByteSource {
 public:
  ByteSource(std::span<const Byte> bytes, std::string what) : rest_(bytes), what_(std::move(what)) {}
  std::uint32_t u32();
  std::uint64_t u64();
  float f32();
  std::string text();  // Error::corrupt_file when longer than what is left
  void done() const;   // Error::corrupt_file unless all was read

 private:
  std::span<const Byte> take(std::size_t n);
  std::span<const Byte> rest_;
  std::string what_;
};

}  // namespace knear
