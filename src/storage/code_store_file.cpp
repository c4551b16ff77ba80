// How a store lies in a file: "rows" (counts), "codes", and "ids" unless they are consecutive.
#include <algorithm>
#include <bit>

#include "core/check.h"
#include "storage/code_store.h"

namespace knear {
namespace {

constexpr std::uint32_t kVersion = 1;  // 1: first
constexpr std::size_t kMappedChunkBytes = std::size_t{64} << 20;

// Calls run(chunk, first, count) for each stretch of live rows.
template <class Run>
void for_live_runs(const Snapshot& snapshot, const Run& run) {
  for (const Chunk& chunk : snapshot.chunks) {
    for (std::size_t row = 0; row < chunk.count;) {
      std::size_t end = row;
      if (!chunk.dead) end = chunk.count;
      while (end < chunk.count && chunk.alive(end)) ++end;
      if (end > row) run(chunk, row, end - row);
      row = std::max(end, row + 1);
    }
  }
}

bool ids_are_consecutive(const Snapshot& snapshot) {
  Id first_id = 0;
  std::size_t seen = 0;
  bool consecutive = true;
  for_live_runs(snapshot, [&](const Chunk& chunk, std::size_t row, std::size_t count) {
    for (std::size_t i = row; consecutive && i < row + count; i += chunk.ids ? 1 : count) {
      const Id id = chunk.id(i);
      if (seen == 0) first_id = id;
      if (id < first_id || id_distance(first_id, id) != seen) consecutive = false;
      seen += chunk.ids ? 1 : count;
    }
  });
  return consecutive;
}

Id first_live_id(const Snapshot& snapshot) {
  std::optional<Id> id;
  for_live_runs(snapshot, [&](const Chunk& chunk, std::size_t row, std::size_t) {
    if (!id) id = chunk.id(row);
  });
  return id.value_or(0);
}

std::span<const Byte> bytes_of_ids(const std::vector<Id>& ids) {
  return {reinterpret_cast<const Byte*>(ids.data()), ids.size() * sizeof(Id)};
}

void write_ids(SectionWriter& writer, const Snapshot& snapshot) {
  writer.begin("ids", kVersion);
  std::vector<Id> ids;
  for_live_runs(snapshot, [&](const Chunk& chunk, std::size_t row, std::size_t count) {
    for (std::size_t i = row; i < row + count; ++i) {
      ids.push_back(chunk.id(i));
      if (ids.size() < 8192) continue;
      writer.append(bytes_of_ids(ids));
      ids.clear();
    }
  });
  writer.append(bytes_of_ids(ids));
  writer.end();
}

}  // namespace

void CodeStore::write(SectionWriter& writer) const {
  std::shared_lock lock(lookup_mutex_);
  const auto snapshot = snapshot_;
  const Identity identity = identity_;
  lock.unlock();

  const bool implicit = ids_are_consecutive(*snapshot);
  ByteSink rows;
  rows.u64(snapshot->live);
  rows.u64(code_bytes_);
  rows.u64(std::bit_cast<std::uint64_t>(identity.next_id));
  rows.u64(std::bit_cast<std::uint64_t>(first_live_id(*snapshot)));
  rows.u32(implicit ? 0 : 1);
  rows.u32(identity.repeated ? 1 : 0);
  writer.section("rows", kVersion, rows.bytes());

  writer.begin("codes", kVersion);
  for_live_runs(*snapshot, [&](const Chunk& chunk, std::size_t row, std::size_t count) {
    writer.append({chunk.codes + row * code_bytes_, count * code_bytes_});
  });
  writer.end();
  if (!implicit) write_ids(writer, *snapshot);
}

void CodeStore::read(const Container& container) {
  ByteSource rows(container.at("rows", kVersion).bytes, "section rows");
  const std::uint64_t count = rows.u64();
  const std::uint64_t code_bytes = rows.u64();
  Identity identity{std::bit_cast<Id>(rows.u64()), true, false};
  const Id first_id = std::bit_cast<Id>(rows.u64());
  const bool has_ids = rows.u32() != 0;
  identity.repeated = rows.u32() != 0;
  rows.done();
  identity.ascending = !has_ids;

  if (identity.next_id < 0) fail(Error::corrupt_file, "section rows has the next id ", identity.next_id);

  const Section& codes = container.at("codes", kVersion);
  if (code_bytes != code_bytes_ || count > codes.bytes.size() / code_bytes_ ||
      count * code_bytes_ != codes.bytes.size()) {
    fail(Error::corrupt_file, "section codes has ", codes.bytes.size(), " bytes, not ", count, " codes of ", code_bytes,
         " bytes for a codec of ", code_bytes_);
  }
  const Id* ids = nullptr;
  if (has_ids) {
    const Section& section = container.at("ids", kVersion);
    if (section.bytes.size() != count * sizeof(Id)) {
      fail(Error::corrupt_file, "section ids has ", section.bytes.size(), " bytes for ", count, " rows");
    }
    ids = reinterpret_cast<const Id*>(section.bytes.data());
  } else if (first_id > identity.next_id || id_distance(first_id, identity.next_id) < count) {
    fail(Error::corrupt_file, count, " rows from id ", first_id, " on reach past the next id ", identity.next_id);
  }

  auto next = std::make_shared<Snapshot>();
  next->code_bytes = code_bytes_;
  next->stride = static_cast<std::ptrdiff_t>(code_bytes_);
  next->live = count;
  const std::size_t chunk_rows = std::max<std::size_t>(64, kMappedChunkBytes / code_bytes_);
  std::uint32_t serial = 0;
  for (std::size_t first = 0; first < count; first += chunk_rows) {
    Chunk chunk;
    chunk.serial = serial++;
    chunk.codes = codes.bytes.data() + first * code_bytes_;
    chunk.ids = ids ? ids + first : nullptr;
    chunk.first_id = ids ? ids[first] : first_id + static_cast<Id>(first);
    chunk.count = std::min(chunk_rows, count - first);
    chunk.owner = container.owner();
    chunk.mapped = container.mapped();
    next->chunks.push_back(std::move(chunk));
  }
  std::scoped_lock writer(writer_mutex_);
  std::unique_lock lock(lookup_mutex_);
  snapshot_ = std::move(next);
  tail_ = {};
  next_serial_ = serial;
  identity_ = identity;
  map_ready_ = false;
}

}  // namespace knear
