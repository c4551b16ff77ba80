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

#include "io/byte_fields.h"
#include "knear/matrix.h"
#include "knear/parallel.h"

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

// Puts a prefix in front of the names of a part of the index.
class PrefixedWriter final : public SectionWriter {
 public:
  PrefixedWriter(SectionWriter& writer, std::string prefix) : writer_(writer), prefix_(std::move(prefix)) {}
  void begin(std::string_view name, std::uint32_t version) override;
  void append(std::span<const Byte> bytes) override;
  void end() override;

 private:
  SectionWriter& writer_;
  std::string prefix_;
};

// What a file may say of its own history. Left at 0, the same sections give the same bytes.
struct FileStamp {
  std::uint64_t generation = 0;  // how often it was saved before
  std::uint64_t created_us = 0;  // microseconds since 1970-01-01 UTC
};

using FillContainer = std::function<void(SectionWriter&)>;

// Writes a container with `fill` to a file: temporary file beside it, fsync, rename, fsync of the directory.
// Error::conflict while another process or thread writes the same path; Error::io_failure (disk full, …) leaves
// the old file as it was and removes the temporary one. Devices and pipes are written directly.
void write_container(const std::filesystem::path& path, const FillContainer& fill, const FileStamp& stamp = {});
// Into memory; `expected_bytes` are reserved at the start.
std::vector<Byte> write_container_bytes(const FillContainer& fill, const FileStamp& stamp = {},
                                        std::size_t expected_bytes = 0);
// Hands the same bytes, from first to last, to `put`: for sockets, streams and whatever else takes bytes.
void stream_container(const std::function<void(std::span<const Byte>)>& put, const FillContainer& fill,
                      const FileStamp& stamp = {});

// A section as read. `bytes` starts at an address that is a multiple of 64 and lives as long as `owner`.
struct Section {
  std::string name;
  std::uint32_t version = 0;
  std::uint64_t offset = 0;
  std::span<const Byte> bytes;
};

// A container opened for reading. The header and the section table are always checked (magic, version, lengths,
// overlaps, checksums); sections up to 1 MiB are, too; longer ones when read into memory, or by verify().
// Cheap to copy; safe from many threads.
class Container {
 public:
  // mmap = false reads all of it into memory. Error::io_failure, Error::corrupt_file (it says what the file seems to
  // be, where that is known), Error::unsupported for a newer version, Error::out_of_memory.
  static Container open(const std::filesystem::path& path, bool mmap, const RunOptions& options = {});
  static Container from_bytes(std::span<const Byte> bytes);  // copies

  std::uint32_t format_version() const noexcept;
  std::uint64_t file_bytes() const noexcept;
  FileStamp stamp() const noexcept;
  bool mapped() const noexcept;
  const std::vector<Section>& sections() const noexcept;  // of the whole file
  // The same file, seen by a part of the index whose sections have `prefix` in front of their names: find() and at()
  // put it there.
  Container part(std::string_view prefix) const;
  const Section* find(std::string_view unprefixed) const;
  // Error::corrupt_file when it is missing, Error::unsupported when its version is newer than `newest_known`.
  const Section& at(std::string_view name, std::uint32_t newest_known) const;
  // Names of sections whose checksum is wrong.
  std::vector<std::string> verify(const RunOptions& options = {}) const;
  // Keeps the bytes of all sections alive.
  std::shared_ptr<const void> owner() const noexcept;

 private:
  struct State;
  Container(std::shared_ptr<State> state, const RunOptions& options);
  std::shared_ptr<const State> state_;
  std::string prefix_;
};

}  // namespace knear
