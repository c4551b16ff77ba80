#include <algorithm>
#include <chrono>
#include <numeric>
#include <optional>
#include <system_error>

#include "core/call_limits.h"
#include "core/check.h"
#include "core/memory.h"
#include "io/file_lock.h"
#include "knear/io.h"

namespace knear {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kShareOfMemory = 2;
constexpr std::size_t kPieces =
    16;  // rows that come at once, and that memory has to hold, too, are this part of a limit

fs::path folder_for(const fs::path& path) {
  require(path.has_filename(), "'", path.string(), "' names no file");
  return path.parent_path() / ("." + path.filename().string() + ".knear-parts");
}

}  // namespace

struct FileBuilder::State {
  State(std::shared_ptr<Index> built, fs::path target, const FileBuilderOptions& options)
      : index(std::move(built)),
        path(std::move(target)),
        on_duplicate(options.on_duplicate),
        memory_bytes(options.memory_bytes ? options.memory_bytes : allowed_memory() / kShareOfMemory),
        folder(folder_for(path)) {
    require(index != nullptr, "a builder needs an index");
    if (!index->is_trained()) fail(Error::wrong_state, "train the index before its file is built: ", index->spec());
    if (index->size()) fail(Error::wrong_state, "the index holds ", index->size(), " rows: a builder begins empty");
    memory_at_start = index->stats().memory_bytes;
  }
  ~State() { remove_parts(); }

  void remove_parts() {
    if (!lock) return;
    std::error_code error;
    fs::remove_all(folder, error);
    lock.reset();
  }

  // What lies there before the first part is from a builder that was killed.
  void make_folder() {
    lock.emplace(folder);
    std::error_code error;
    fs::remove_all(folder, error);
    if (!error) fs::create_directories(folder, error);
    if (error) fail(Error::io_failure, "cannot make ", folder.string(), ": ", error.message());
  }

  void put_away(const RunOptions& run) {
    if (!lock) make_folder();
    const fs::path part = folder / std::to_string(parts.size());
    save(*index, part, run);
    parts.push_back(part);
    index->clear();
  }

  std::shared_ptr<Index> index;
  fs::path path;
  OnDuplicate on_duplicate;
  std::size_t memory_bytes;
  fs::path folder;
  std::optional<FileLock> lock;  // none: no part yet
  std::size_t memory_at_start = 0;
  std::vector<fs::path> parts;
  Id next_id = 0;
  bool finished = false;
};

FileBuilder::FileBuilder(std::shared_ptr<Index> index, std::filesystem::path path, const FileBuilderOptions& options)
    : state_(std::make_unique<State>(std::move(index), std::move(path), options)) {}

FileBuilder::~FileBuilder() = default;

std::size_t FileBuilder::parts() const noexcept { return state_->parts.size(); }

// The index takes twice its size while it grows.
std::size_t FileBuilder::add(MatrixView rows, const AddOptions& options) {
  State& state = *state_;
  if (state.finished) fail(Error::wrong_state, "the file is finished");
  require(options.ids.empty() || options.ids.size() == rows.rows(), options.ids.size(), " ids for ", rows.rows(),
          " rows");
  const std::size_t row_bytes = rows.dim() * sizeof(float) + state.index->stats().code_bytes;
  const std::size_t most = std::max<std::size_t>(256, state.memory_bytes / kPieces / row_bytes);
  const auto start = std::chrono::steady_clock::now();
  std::size_t stored = 0;
  for (std::size_t first = 0; first < rows.rows(); first += most) {
    const std::size_t count = std::min(most, rows.rows() - first);
    std::vector<Id> ids(options.ids.empty() ? count : 0);
    std::iota(ids.begin(), ids.end(), state.next_id);
    AddOptions piece = options;
    piece.on_duplicate = state.on_duplicate;
    piece.ids = options.ids.empty() ? std::span<const Id>(ids) : options.ids.subspan(first, count);
    if (first + count < rows.rows()) piece.on_commit = {};
    piece.run = remaining(options.run, start);
    stored += state.index->add(rows.slice(first, count), piece);
    state.next_id = std::max(state.next_id, state.index->next_id());
    const std::size_t taken = state.index->stats().memory_bytes - state.memory_at_start;
    if (taken > state.memory_bytes / 2) state.put_away(remaining(options.run, start));
  }
  return stored;
}

void FileBuilder::finish(const RunOptions& options) {
  State& state = *state_;
  if (state.finished) fail(Error::wrong_state, "the file is finished");
  if (state.parts.empty()) {
    save(*state.index, state.path, options);
  } else {
    const auto start = std::chrono::steady_clock::now();
    if (state.index->size()) state.put_away(options);
    merge_files(state.parts, state.path, {.on_duplicate = state.on_duplicate, .run = remaining(options, start)});
  }
  state.index->clear();
  state.finished = true;
  state.remove_parts();
}

}  // namespace knear
