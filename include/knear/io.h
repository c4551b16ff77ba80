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

// Merges indexes in files into one file: the rows of each, with their codes as they are, behind those of the ones
// before it, and all else from the first. Takes little memory whatever they hold, and no longer than it takes to copy
// them. The files stay as they are; killed at any moment, it leaves what was at `to` before, or the merged index.
// Throws Error::invalid_argument when there is no file or they do not go together (other dimensions, metric, spec or
// training), Error::duplicate_id, and what load() and save() throw.
void merge_files(std::span<const std::filesystem::path> from, const std::filesystem::path& to,
                 const MergeOptions& options = {});
// The same behind the rows of an index that is not in a file.
void merge_files(const Index& first, std::span<const std::filesystem::path> others, const std::filesystem::path& to,
                 const MergeOptions& options = {});

struct FileBuilderOptions {
  std::size_t memory_bytes = 0;  // for rows that are not in a file yet, about; 0: half of what is there
  OnDuplicate on_duplicate = OnDuplicate::error;  // found by finish() where the rows are far apart
};

// Builds the file of an index that memory does not hold. Rows that take too much of it go to a part, in the folder
// `.<name>.knear-parts` beside the file, and the parts become the file. One thread uses it.
class FileBuilder {
 public:
  // The index is trained and empty, and nobody else changes it.
  FileBuilder(std::shared_ptr<Index> index, std::filesystem::path path, const FileBuilderOptions& options = {});
  ~FileBuilder();  // removes the parts
  FileBuilder(const FileBuilder&) = delete;
  FileBuilder& operator=(const FileBuilder&) = delete;

  // As the index's add(), with the builder's on_duplicate; after a throw, all rows of the call may be missing or some.
  // Error::conflict while another builder has parts of the same file; what one that was killed left is removed.
  std::size_t add(MatrixView rows, const AddOptions& options = {});
  // Writes the file, as save() does, and leaves the index empty. Nothing may follow.
  void finish(const RunOptions& options = {});
  std::size_t parts() const noexcept;  // so far

 private:
  struct State;
  std::unique_ptr<State> state_;
};

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
