// How a store lies in a file: "rows" (counts), "codes", "ids" unless they are consecutive, and, where rows have
// shadows, "shadow" (what casts them) and "shadows". By cells, also "cells" (how many rows each has); the rows of a
// cell follow those of the cell before it, and its groups are its own.
#include <algorithm>
#include <bit>

#include "core/check.h"
#include "core/planes.h"
#include "io/mapped_file.h"
#include "storage/code_store.h"
#include "storage/store_writer.h"

namespace knear {
namespace {

constexpr std::size_t kMappedChunkBytes = std::size_t{64} << 20;

// What section "rows" says.
struct RowsHeader {
  std::uint64_t count;
  std::uint64_t code_bytes;
  Id next_id;
  Id first_id;  // when the section "ids" is absent
  bool has_ids;
  bool repeated;  // an id may stand more than once
};

RowsHeader read_rows(const Container& container) {
  ByteSource source(container.at("rows", kStoreVersion).bytes, "section rows");
  RowsHeader rows = {};
  rows.count = source.u64();
  rows.code_bytes = source.u64();
  rows.next_id = std::bit_cast<Id>(source.u64());
  rows.first_id = std::bit_cast<Id>(source.u64());
  rows.has_ids = source.u32() != 0;
  rows.repeated = source.u32() != 0;
  source.done();
  if (rows.next_id < 0) fail(Error::corrupt_file, "section rows has the next id ", rows.next_id);
  if (!rows.has_ids && (rows.first_id > rows.next_id || id_distance(rows.first_id, rows.next_id) < rows.count)) {
    fail(Error::corrupt_file, rows.count, " rows from id ", rows.first_id, " on reach past the next id ", rows.next_id);
  }
  return rows;
}

// How many rows follow each other in one piece: those of each cell, or all in stretches.
std::vector<std::size_t> read_pieces(const Container& container, const RowsHeader& rows, std::size_t cells,
                                     std::size_t most) {
  std::vector<std::size_t> pieces;
  if (cells == 0) {
    for (std::size_t left = rows.count; left; left -= pieces.back()) pieces.push_back(std::min(left, most));
    return pieces;
  }
  ByteSource source(container.at("cells", kStoreVersion).bytes, "section cells");
  std::size_t left = rows.count;
  for (std::size_t cell = 0; cell < cells; ++cell) {
    const std::uint64_t count = source.u64();
    if (count > left) fail(Error::corrupt_file, "section cells has more rows than section rows, ", rows.count);
    left -= count;
    pieces.push_back(count);
  }
  source.done();
  if (left) fail(Error::corrupt_file, "section cells has ", left, " rows fewer than section rows, ", rows.count);
  return pieces;
}

std::span<const Byte> read_codes(const Container& container, const RowsHeader& rows, const Snapshot& empty,
                                 std::span<const std::size_t> pieces) {
  const std::span<const Byte> codes = container.at("codes", kStoreVersion).bytes;
  const std::size_t code_bytes = empty.code_bytes;
  std::size_t bytes = 0;
  for (const std::size_t count : pieces) bytes += bytes_of_codes(empty.layout, count, code_bytes);
  if (rows.code_bytes != code_bytes || bytes != codes.size()) {
    fail(Error::corrupt_file, "section codes has ", codes.size(), " bytes, not ", rows.count, " codes of ",
         rows.code_bytes, " bytes for a codec of ", code_bytes);
  }
  return codes;
}

// Null when they are consecutive.
const Id* read_ids(const Container& container, const RowsHeader& rows) {
  if (!rows.has_ids) return nullptr;
  const std::span<const Byte> ids = container.at("ids", kStoreVersion).bytes;
  if (ids.size() != rows.count * sizeof(Id)) {
    fail(Error::corrupt_file, "section ids has ", ids.size(), " bytes for ", rows.count, " rows");
  }
  return reinterpret_cast<const Id*>(ids.data());
}

// Null when there are none.
const Byte* read_shadows(const Container& container, const RowsHeader& rows, const CodeStore::ReadShadow& read_shadow,
                         Snapshot& next) {
  if (!read_shadow || !container.find("shadow")) return nullptr;
  ByteSource source(container.at("shadow", kStoreVersion).bytes, "section shadow");
  next.shadow = read_shadow(source);
  if (!next.shadow) fail(Error::corrupt_file, "section shadow, but rows of this index cast none");
  source.done();
  const std::span<const Byte> shadows = container.at("shadows", kStoreVersion).bytes;
  if (rows.count > shadows.size() / next.shadow_bytes() || rows.count * next.shadow_bytes() != shadows.size()) {
    fail(Error::corrupt_file, "section shadows has ", shadows.size(), " bytes, not ", rows.count, " shadows of ",
         next.shadow_bytes(), " bytes");
  }
  return shadows.data();
}

// Searches ask for the lists that they will read.
void expect_leaps_in(const Container& container) {
  constexpr std::size_t kSmall = 64 << 10;
  for (const char* name : {"codes", "ids", "shadows"}) {
    const Section* section = container.find(name);
    if (section && section->bytes.size() > kSmall) expect_leaps(section->bytes);
  }
}

}  // namespace

StoredPart CodeStore::part() const {
  std::shared_lock lock(lookup_mutex_);
  return {snapshot_, identity_.next_id, identity_.repeated, identity_.ascending};
}

void CodeStore::write(SectionWriter& writer) const {
  const StoredPart part = this->part();
  write_parts(writer, std::span(&part, 1));
}

void CodeStore::read(const Container& container, const ReadShadow& read_shadow) {
  const RowsHeader rows = read_rows(container);
  auto next = empty_snapshot();
  if (rows.count > container.at("codes", kStoreVersion).bytes.size() / code_bytes_) {
    fail(Error::corrupt_file, "section codes is too short for ", rows.count, " rows");
  }
  const std::size_t most = std::max<std::size_t>(64, kMappedChunkBytes / code_bytes_ / kGroupRows * kGroupRows);
  const std::vector<std::size_t> pieces = read_pieces(container, rows, cells_, most);
  const Byte* codes = read_codes(container, rows, *next, pieces).data();
  const Id* ids = read_ids(container, rows);
  next->live = rows.count;
  const Byte* shadows = read_shadows(container, rows, read_shadow, *next);
  if (cells_ && container.mapped()) expect_leaps_in(container);
  next->shadow_rows = rows.count;
  std::size_t first = 0;
  for (std::uint32_t serial = 0; serial < pieces.size(); ++serial) {
    const std::size_t count = pieces[serial];
    if (cells_ == 0) next->chunks.push_back({.serial = serial});
    if (count == 0) continue;
    Chunk& chunk = next->chunks.edit(serial);
    chunk.codes = codes;
    chunk.ids = ids ? ids + first : nullptr;
    chunk.first_id = ids ? ids[first] : rows.first_id + static_cast<Id>(first);
    chunk.count = count;
    chunk.owner = container.owner();
    chunk.mapped = container.mapped();
    if (shadows) {
      chunk.shadows = shadows + first * next->shadow_bytes();
      chunk.shadow_owner = chunk.owner;
    }
    codes += bytes_of_codes(layout_, count, code_bytes_);
    first += count;
  }
  std::scoped_lock writer(writer_mutex_);
  std::unique_lock lock(lookup_mutex_);
  snapshot_ = std::move(next);
  next_serial_ = static_cast<std::uint32_t>(pieces.size());
  identity_ = {rows.next_id, !rows.has_ids && cells_ == 0, rows.repeated};
  map_ready_ = false;
}

}  // namespace knear
