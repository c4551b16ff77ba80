// Indexes to and from files, and the vector files of the field.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
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
void save(const Index& index, const std::filesystem::path& path);

struct LoadOptions {
  bool mmap = true;     // search straight from the file; false: read it into memory
  bool verify = false;  // check every checksum first (reading into memory always does)
};

// Throws Error::io_failure when the file cannot be read, Error::corrupt_file when it is no intact index file.
std::unique_ptr<Index> load(const std::filesystem::path& path, const LoadOptions& options = {});

// The same bytes as the file, in memory.
std::vector<Byte> to_bytes(const Index& index);
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
Report verify_file(const std::filesystem::path& path);

}  // namespace knear
