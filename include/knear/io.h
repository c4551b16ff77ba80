// Indexes to and from files, and the vector files of the field.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "knear/index.h"
#include "knear/matrix.h"
#include "knear/parallel.h"

namespace knear {

// Writes the index to one file: into a temporary file beside it, fsync, rename. Killed at any moment it
// leaves the old file or the new one. Throws Error::io_failure, Error::conflict (another writer holds it).
void save(const Index& index, const std::filesystem::path& path, const RunOptions& options = {});
// Hands the same bytes, from first to last, to `put`: for sockets, streams and whatever else takes bytes.
void save(const Index& index, const std::function<void(std::span<const Byte>)>& put, const RunOptions& options = {});

struct LoadOptions {
  bool mmap = true;     // search straight from the file; false: read it into memory
  bool verify = false;  // check every checksum first (reading into memory always does)
  RunOptions run = {};
};

// Throws Error::io_failure when the file cannot be read, Error::corrupt_file when it is no intact index file,
// Error::unsupported when a newer version of the library wrote it.
std::unique_ptr<Index> load(const std::filesystem::path& path, const LoadOptions& options = {});

// The same bytes as the file, in memory.
std::vector<Byte> to_bytes(const Index& index, const RunOptions& options = {});
std::unique_ptr<Index> from_bytes(std::span<const Byte> bytes);

// What a file says of itself, without loading its vectors.
struct FileInfo {
  struct Section {
    std::string name;
    std::uint32_t version = 0;
    std::uint64_t offset = 0;
    std::uint64_t length = 0;
    bool intact = true;  // only meaningful after verify_file
  };
  std::uint32_t format_version = 0;
  std::uint64_t file_bytes = 0;
  std::string spec;
  std::string metric;
  std::size_t dim = 0;
  std::size_t ntotal = 0;
  std::map<std::string, std::string> metadata;
  std::vector<Section> sections;
};
FileInfo inspect(const std::filesystem::path& path);
// Checks every checksum and every cross-reference. Never throws for damage: it reports it.
Report verify_file(const std::filesystem::path& path, const RunOptions& options = {});

}  // namespace knear
