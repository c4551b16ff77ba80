#include "storage/store_writer.h"

#include <algorithm>
#include <bit>
#include <limits>
#include <optional>

#include "core/check.h"
#include "core/planes.h"
#include "io/mapped_file.h"
#include "storage/draft.h"
#include "storage/seen_ids.h"

namespace knear {
namespace {

constexpr std::size_t kIdsAtOnce = 8192;
constexpr std::size_t kCastAtOnce = 1024;
constexpr std::uint64_t kBytesAhead = 16 << 20;  // that are asked for before they are read

using Parts = std::span<const StoredPart>;

using BytesOf = std::span<const Byte> (*)(const StoredPart& part, const Chunk& chunk);

std::span<const Byte> no_bytes(const StoredPart&, const Chunk&) { return {}; }

std::span<const Byte> codes_of(const StoredPart& part, const Chunk& chunk) {
  return {chunk.codes, bytes_of_codes(part.snapshot->layout, chunk.count, part.snapshot->code_bytes)};
}

std::span<const Byte> ids_of(const StoredPart&, const Chunk& chunk) {
  if (!chunk.ids) return {};
  return {reinterpret_cast<const Byte*>(chunk.ids), chunk.count * sizeof(Id)};
}

std::span<const Byte> shadows_of(const StoredPart& part, const Chunk& chunk) {
  if (!chunk.shadows) return {};
  return {chunk.shadows, chunk.count * part.snapshot->shadow_bytes()};
}

// Reads lists of mapped parts in stretches: those of many parts in turn, each for itself, would be a seek each.
class ReadAhead {
 public:
  ReadAhead(Parts parts, BytesOf bytes_of) : parts_(parts), bytes_of_(bytes_of) {
    std::uint64_t bytes = 0;
    for (const StoredPart& part : parts) {
      for (const Chunk& chunk : part.snapshot->chunks) bytes += bytes_of(part, chunk).size();
    }
    const std::uint64_t cells = parts.front().snapshot->chunks.size();
    step_ = std::max<std::uint64_t>(1, std::min(cells, kBytesAhead * cells / (bytes + 1)));
    if (bytes) ask_for(0);
    on_ = bytes != 0;
  }
  void reach(std::size_t cell) const {
    if (on_ && cell % step_ == 0) ask_for(cell + step_);
  }

 private:
  void ask_for(std::size_t first) const {
    for (const StoredPart& part : parts_) {
      const Byte* begin = nullptr;
      const Byte* end = nullptr;
      for (std::size_t c = first; c < std::min(first + step_, part.snapshot->chunks.size()); ++c) {
        const Chunk& chunk = part.snapshot->chunks[c];
        const std::span<const Byte> bytes = bytes_of_(part, chunk);
        if (!chunk.mapped || bytes.empty()) continue;
        if (!begin) begin = bytes.data();
        end = bytes.data() + bytes.size();
      }
      if (begin && begin < end) expect_reading({begin, end});
    }
  }

  Parts parts_;
  BytesOf bytes_of_;
  std::size_t step_ = 1;
  bool on_ = false;
};

// visit(part, chunk) in the order of the file: of stores by cells, cell by cell; done() after the last of each cell.
template <class Visit, class Done>
void for_chunks(Parts parts, BytesOf read, const Visit& visit, const Done& done) {
  if (!parts.front().snapshot->by_cell) {
    for (const StoredPart& part : parts) {
      for (const Chunk& chunk : part.snapshot->chunks) visit(part, chunk);
    }
    return done();
  }
  const ReadAhead ahead(parts, read);
  for (std::size_t cell = 0; cell < parts.front().snapshot->chunks.size(); ++cell) {
    ahead.reach(cell);
    for (const StoredPart& part : parts) visit(part, part.snapshot->chunks[cell]);
    done();
  }
}

// run(part, chunk, first, count) for each stretch of live rows.
template <class Run>
void for_live_runs(Parts parts, BytesOf read, const Run& run) {
  const auto visit = [&](const StoredPart& part, const Chunk& chunk) {
    for (std::size_t row = 0; row < chunk.count;) {
      std::size_t end = row;
      if (!chunk.dead) end = chunk.count;
      while (end < chunk.count && chunk.alive(end)) ++end;
      if (end > row) run(part, chunk, row, end - row);
      row = std::max(end, row + 1);
    }
  };
  for_chunks(parts, read, visit, [] {});
}

std::uint64_t live_rows(Parts parts) {
  std::uint64_t rows = 0;
  for (const StoredPart& part : parts) rows += part.snapshot->live;
  return rows;
}

bool ids_are_consecutive(Parts parts) {
  Id first_id = 0;
  std::size_t seen = 0;
  bool consecutive = true;
  for_live_runs(parts, ids_of, [&](const StoredPart& part, const Chunk& chunk, std::size_t row, std::size_t count) {
    for (std::size_t i = row; consecutive && i < row + count; i += chunk.ids ? 1 : count) {
      const Id id = chunk.id(i) + part.shift;
      if (seen == 0) first_id = id;
      if (id < first_id || id_distance(first_id, id) != seen) consecutive = false;
      seen += chunk.ids ? 1 : count;
    }
  });
  return consecutive;
}

Id first_live_id(Parts parts) {
  std::optional<Id> id;
  for_live_runs(parts, no_bytes, [&](const StoredPart& part, const Chunk& chunk, std::size_t row, std::size_t) {
    if (!id) id = chunk.id(row) + part.shift;
  });
  return id.value_or(0);
}

std::span<const Byte> bytes_of_ids(const std::vector<Id>& ids) {
  return {reinterpret_cast<const Byte*>(ids.data()), ids.size() * sizeof(Id)};
}

void write_rows(SectionWriter& writer, Parts parts, bool has_ids) {
  Id next_id = 0;
  bool repeated = false;
  for (const StoredPart& part : parts) {
    next_id = std::max(next_id, part.next_id + part.shift);
    repeated |= part.repeated;
  }
  ByteSink rows;
  rows.u64(live_rows(parts));
  rows.u64(parts.front().snapshot->code_bytes);
  rows.u64(std::bit_cast<std::uint64_t>(next_id));
  rows.u64(std::bit_cast<std::uint64_t>(first_live_id(parts)));
  rows.u32(has_ids ? 1 : 0);
  rows.u32(repeated ? 1 : 0);
  writer.section("rows", kStoreVersion, rows.bytes());
}

void write_cells(SectionWriter& writer, Parts parts) {
  ByteSink counts;
  std::uint64_t live = 0;
  const auto count = [&](const StoredPart&, const Chunk& chunk) { live += chunk.live(); };
  for_chunks(parts, no_bytes, count, [&] {
    counts.u64(live);
    live = 0;
  });
  writer.section("cells", kStoreVersion, counts.bytes());
}

void write_codes(SectionWriter& writer, Parts parts) {
  for_live_runs(parts, codes_of, [&](const StoredPart& part, const Chunk& chunk, std::size_t row, std::size_t count) {
    const std::size_t code_bytes = part.snapshot->code_bytes;
    writer.append({chunk.codes + row * code_bytes, count * code_bytes});
  });
}

// Live rows close up, so that groups are formed anew.
void write_groups(SectionWriter& writer, Parts parts) {
  constexpr std::size_t kGroups = 64;  // written at once
  const std::size_t code_bytes = parts.front().snapshot->code_bytes;
  std::vector<Byte> code(code_bytes);
  std::vector<Byte> groups(kGroups * kGroupRows * code_bytes);
  std::size_t rows = 0;
  const auto flush = [&] {
    writer.append(std::span(groups).first(bytes_of_codes(CodeLayout::planes, rows, code_bytes)));
    std::fill(groups.begin(), groups.end(), Byte{0});
    rows = 0;
  };
  const auto visit = [&](const StoredPart& part, const Chunk& chunk) {
    for (std::size_t row = 0; row < chunk.count; ++row) {
      if (!chunk.alive(row)) continue;
      Byte* group = groups.data() + rows / kGroupRows * kGroupRows * code_bytes;
      to_group(part.snapshot->code(chunk, row, code.data()), code_bytes, rows % kGroupRows, group);
      if (++rows == kGroups * kGroupRows) flush();
    }
  };
  for_chunks(parts, codes_of, visit, flush);
}

void write_ids(SectionWriter& writer, Parts parts) {
  writer.begin("ids", kStoreVersion);
  std::vector<Id> ids;
  for_live_runs(parts, ids_of, [&](const StoredPart& part, const Chunk& chunk, std::size_t row, std::size_t count) {
    for (std::size_t i = row; i < row + count; ++i) {
      ids.push_back(chunk.id(i) + part.shift);
      if (ids.size() < kIdsAtOnce) continue;
      writer.append(bytes_of_ids(ids));
      ids.clear();
    }
  });
  writer.append(bytes_of_ids(ids));
  writer.end();
}

// Null when no part has one. Parts learn theirs on their own; one of them serves all.
std::shared_ptr<const Shadow> shadow_of(Parts parts) {
  for (const StoredPart& part : parts) {
    if (part.snapshot->shadow && part.snapshot->live) return part.snapshot->shadow;
  }
  return nullptr;
}

void write_shadows(SectionWriter& writer, Parts parts, const Shadow& shadow) {
  ByteSink sink;
  shadow.write(sink);
  writer.section("shadow", kStoreVersion, sink.bytes());
  writer.begin("shadows", kStoreVersion);
  const std::size_t bytes = shadow.bytes();
  std::vector<Byte> cast(kCastAtOnce * bytes);
  for_live_runs(parts, shadows_of, [&](const StoredPart& part, const Chunk& chunk, std::size_t row, std::size_t count) {
    if (part.snapshot->shadow.get() == &shadow) return writer.append({chunk.shadows + row * bytes, count * bytes});
    for (const std::size_t end = row + count; row < end; row += kCastAtOnce) {
      const std::size_t now = std::min(kCastAtOnce, end - row);
      shadow.cast(chunk.codes + row * part.snapshot->code_bytes, now, cast.data());
      writer.append(std::span(cast).first(now * bytes));
    }
  });
  writer.end();
}

IdRange range_of(const StoredPart& part) {
  IdRange range;
  for (const Chunk& chunk : part.snapshot->chunks) Snapshot::ask_for_ids(chunk);
  part.snapshot->for_live([&](const Chunk& chunk, std::size_t row) {
    const Id id = chunk.id(row) + part.shift;
    range.take_in({id, id});
  });
  return range;
}

// Each part's ids behind those of the parts before it.
void shift_ids(std::vector<StoredPart>& parts) {
  Id next = 0;
  for (StoredPart& part : parts) {
    require(std::numeric_limits<Id>::max() - next >= part.next_id, "no ids left for ", part.snapshot->live,
            " rows after id ", next - 1);
    part.shift = next;
    next += part.next_id;
  }
}

// Without the rows whose ids were seen in later parts.
void leave_out(StoredPart& part, const SeenIds& seen) {
  Draft draft(*part.snapshot, 0);
  for (std::size_t c = 0; c < part.snapshot->chunks.size(); ++c) {
    const Chunk& chunk = part.snapshot->chunks[c];
    for (std::size_t row = 0; row < chunk.count; ++row) {
      if (chunk.alive(row) && seen.contains(chunk.id(row) + part.shift)) draft.kill(c, row);
    }
  }
  part.snapshot = draft.take();
}

void reject_seen(const StoredPart& part, const SeenIds& seen) {
  part.snapshot->for_live([&](const Chunk& chunk, std::size_t row) {
    const Id id = chunk.id(row) + part.shift;
    if (seen.contains(id)) fail(Error::duplicate_id, "id ", id, " stands in two of the parts");
  });
}

}  // namespace

// Of parts, the last counts first.
std::vector<StoredPart> with_ids_settled(std::vector<StoredPart> parts, const MergeOptions& options) {
  if (options.ids == MergeIds::shift) {
    shift_ids(parts);
    return parts;
  }
  std::vector<IdRange> ranges;
  IdRange all;
  for (const StoredPart& part : parts) all.take_in(ranges.emplace_back(range_of(part)));
  std::vector<IdRange> sorted = ranges;
  std::sort(sorted.begin(), sorted.end(), [](const IdRange& a, const IdRange& b) { return a.least < b.least; });
  const auto overlap = [](const IdRange& a, const IdRange& b) { return a.overlaps(b); };
  if (std::adjacent_find(sorted.begin(), sorted.end(), overlap) == sorted.end()) return parts;
  if (options.on_duplicate == OnDuplicate::allow) {
    for (StoredPart& part : parts) part.repeated = true;
    return parts;
  }
  SeenIds seen(all, live_rows(parts));
  for (std::size_t p = parts.size(); p-- > 0;) {
    options.on_duplicate == OnDuplicate::replace ? leave_out(parts[p], seen) : reject_seen(parts[p], seen);
    parts[p].snapshot->for_live(
        [&](const Chunk& chunk, std::size_t row) { seen.insert(chunk.id(row) + parts[p].shift); });
  }
  return parts;
}

void write_parts(SectionWriter& writer, Parts parts) {
  const Snapshot& first = *parts.front().snapshot;
  const bool has_ids = !ids_are_consecutive(parts);
  write_rows(writer, parts, has_ids);
  if (first.by_cell) write_cells(writer, parts);
  writer.begin("codes", kStoreVersion);
  first.layout == CodeLayout::planes ? write_groups(writer, parts) : write_codes(writer, parts);
  writer.end();
  if (has_ids) write_ids(writer, parts);
  if (const auto shadow = shadow_of(parts)) write_shadows(writer, parts, *shadow);
}

}  // namespace knear
