#include "storage/draft.h"

#include <algorithm>
#include <cstring>
#include <new>
#include <numeric>

#include "core/parallel_for.h"
#include "core/planes.h"
#include "knear/error.h"

namespace knear {
namespace {

constexpr std::size_t kMaxChunkBytes = std::size_t{64} << 20;
constexpr std::size_t kMinChunkRows = 64;
constexpr std::size_t kTaskRows = 1024;  // encoded by one task; groups divide it

std::size_t max_chunk_rows(std::size_t code_bytes) { return std::max(kMinChunkRows, kMaxChunkBytes / code_bytes); }

std::shared_ptr<ChunkMemory> make_memory(std::size_t rows, const Snapshot& snapshot) {
  auto memory = std::make_shared<ChunkMemory>();
  memory->codes = Matrix(DType::u8, 1, bytes_of_codes(snapshot.layout, rows, snapshot.code_bytes));
  // A group is read whole.
  if (snapshot.layout == CodeLayout::planes) std::fill_n(memory->codes.data(), memory->codes.dim(), Byte{0});
  return memory;
}

// Room for the shadows of a chunk's rows, apart from its codes: they may be cast anew.
Byte* make_room_for_shadows(std::size_t rows, const Snapshot& snapshot, Chunk& chunk) {
  auto memory = std::make_shared<Matrix>(DType::u8, rows, snapshot.shadow_bytes());
  Byte* const shadows = memory->data();
  chunk.shadows = shadows;
  chunk.shadow_owner = std::move(memory);
  return shadows;
}

// Null when the last group is full: then nobody writes to it any more.
std::shared_ptr<const Byte[]> copy_of_last_group(const Chunk& chunk, std::ptrdiff_t stride) {
  if (chunk.count % kGroupRows == 0) return nullptr;
  const auto bytes = static_cast<std::size_t>(stride);
  const std::shared_ptr<Byte[]> copy(new Byte[bytes]);
  std::copy_n(chunk.codes + chunk.count / kGroupRows * bytes, bytes, copy.get());
  return copy;
}

// Of the last group of a chunk in planes, only the published copy holds still.
void copy_codes(const Chunk& chunk, const Snapshot& snapshot, Byte* to) {
  const std::size_t still = chunk.last_group ? chunk.count / kGroupRows * kGroupRows : chunk.count;
  const std::size_t bytes = bytes_of_codes(snapshot.layout, still, snapshot.code_bytes);
  std::copy_n(chunk.codes, bytes, to);
  if (chunk.last_group) std::copy_n(chunk.last_group.get(), static_cast<std::size_t>(snapshot.stride), to + bytes);
}

bool consecutive(const Arrivals& rows, std::size_t first, std::size_t count) {
  for (std::size_t i = 1; i < count; ++i) {
    if (rows.id(first + i) < rows.id(first) || id_distance(rows.id(first), rows.id(first + i)) != i) return false;
  }
  return true;
}

// A stretch of what is being added that goes to one place.
struct Piece {
  std::size_t chunk;
  std::size_t row;
  std::size_t first;
  std::size_t count;
};

}  // namespace

Draft::Draft(const Snapshot& now, std::uint32_t next_serial)
    : next_(std::make_shared<Snapshot>(now)), next_serial_(next_serial) {}

void Draft::append(const Arrivals& rows) {
  make_places(rows);
  std::size_t first = 0;
  for (const Run& run : added_) {
    write_ids(run, first, rows);
    first += run.count;
  }
  write_codes(rows);
  for (const Run& run : added_) close_run(run);
  next_->live += rows.count;
}

// Where each row goes, and memory for it.
void Draft::make_places(const Arrivals& rows) {
  for (const CellRun& run : rows.cells) {
    if (run.count == 0) continue;
    grow_cell(run.cell, run.count);
    added_.push_back({run.cell, next_->chunks[run.cell].count, run.count});
  }
  if (next_->by_cell) return;
  std::size_t taken = next_->chunks.empty() ? 0 : next_->chunks.back().count;
  for (std::size_t done = 0; done < rows.count;) {
    if (next_->chunks.empty() || taken >= next_->chunks.back().held()) {
      open_chunk(rows.count - done);
      taken = 0;
    }
    const std::size_t count = std::min(rows.count - done, next_->chunks.back().capacity - taken);
    added_.push_back({next_->chunks.size() - 1, taken, count});
    done += count;
    taken += count;
  }
}

// A quarter of what is there at least, so that row-by-row adding stays linear; 64 MiB at most, so that
// the room never filled stays small.
void Draft::open_chunk(std::size_t rows_left) {
  const std::size_t wanted = std::max({rows_left, next_->rows() / 4, kMinChunkRows});
  const std::size_t rows = std::min(wanted, max_chunk_rows(next_->code_bytes));
  const auto memory = make_memory(rows, *next_);
  Chunk chunk;
  chunk.serial = next_serial_++;
  chunk.codes = memory->codes.data();
  chunk.owner = memory;
  chunk.room = memory.get();
  chunk.capacity = rows;
  if (next_->shadow) make_room_for_shadows(rows, *next_, chunk);
  next_->chunks.push_back(std::move(chunk));
}

// A cell stays in one piece: when its rows find no room they move, to what is asked for the first time and to a quarter
// more later on, so that a few big additions waste nothing and many small ones stay linear.
void Draft::grow_cell(std::size_t cell, std::size_t added) {
  Chunk& chunk = next_->chunks.edit(cell);
  const std::size_t needed = chunk.count + added;
  if (chunk.room && needed <= chunk.capacity) return;
  const std::size_t rows = std::max(needed, chunk.count + chunk.count / 4);
  const auto memory = make_memory(rows, *next_);
  if (chunk.count) {
    copy_codes(chunk, *next_, memory->codes.data());
    if (chunk.ids) {
      memory->ids = std::make_unique_for_overwrite<Id[]>(rows);
      std::copy_n(chunk.ids, chunk.count, memory->ids.get());
    }
  }
  if (next_->shadow) {
    const Byte* const before = chunk.shadows;
    const auto keep = chunk.shadow_owner;
    Byte* const shadows = make_room_for_shadows(rows, *next_, chunk);
    if (chunk.count) std::copy_n(before, chunk.count * next_->shadow_bytes(), shadows);
  }
  chunk.codes = memory->codes.data();
  chunk.ids = chunk.ids ? memory->ids.get() : nullptr;
  chunk.owner = memory;
  chunk.room = memory.get();
  chunk.capacity = rows;
  chunk.mapped = false;
}

// A chunk keeps no ids as long as they are consecutive.
void Draft::write_ids(const Run& run, std::size_t first, const Arrivals& rows) {
  Chunk& chunk = next_->chunks.edit(run.chunk);
  const Id first_id = rows.id(first);
  if (run.first == 0) chunk.first_id = first_id;
  const bool goes_on = first_id >= chunk.first_id && id_distance(chunk.first_id, first_id) == run.first &&
                       ((rows.ids.empty() && rows.order.empty()) || consecutive(rows, first, run.count));
  if (!chunk.ids && goes_on) return;
  if (!chunk.room->ids) chunk.room->ids = std::make_unique_for_overwrite<Id[]>(chunk.capacity);
  Id* const all = chunk.room->ids.get();
  if (!chunk.ids) std::iota(all, all + run.first, chunk.first_id);
  for (std::size_t i = 0; i < run.count; ++i) all[run.first + i] = rows.id(first + i);
  chunk.ids = all;
}

// Tasks of about as many rows each, from whatever runs; none shares a group with another.
void Draft::write_codes(const Arrivals& rows) {
  std::vector<Piece> pieces;
  std::vector<std::size_t> tasks{0};
  std::size_t first = 0;
  std::size_t in_task = 0;
  for (const Run& run : added_) {
    for (std::size_t done = 0; done < run.count;) {
      const std::size_t row = run.first + done;
      const std::size_t count = std::min(kTaskRows - row % kGroupRows, run.count - done);
      pieces.push_back({run.chunk, row, first, count});
      done += count;
      first += count;
      in_task += count;
      if (in_task < kTaskRows / 2) continue;
      tasks.push_back(pieces.size());
      in_task = 0;
    }
  }
  if (tasks.back() != pieces.size()) tasks.push_back(pieces.size());
  const std::size_t code_bytes = next_->code_bytes;
  parallel_for(tasks.size() - 1, rows.run, [&](std::size_t task, std::size_t) {
    std::vector<Byte> codes;
    for (std::size_t p = tasks[task]; p < tasks[task + 1]; ++p) {
      const Piece& piece = pieces[p];
      Byte* const all = next_->chunks[piece.chunk].room->codes.data();
      if (next_->layout == CodeLayout::rows) {
        rows.encode(piece.first, piece.count, all + piece.row * code_bytes);
        continue;
      }
      codes.resize(piece.count * code_bytes);
      rows.encode(piece.first, piece.count, codes.data());
      for (std::size_t i = 0; i < piece.count; ++i) {
        const std::size_t row = piece.row + i;
        to_group(codes.data() + i * code_bytes, code_bytes, row % kGroupRows,
                 all + row / kGroupRows * kGroupRows * code_bytes);
      }
    }
  });
}

void Draft::close_run(const Run& run) {
  Chunk& chunk = next_->chunks.edit(run.chunk);
  chunk.count = run.first + run.count;
  if (next_->layout == CodeLayout::planes) chunk.last_group = copy_of_last_group(chunk, next_->stride);
  if (!chunk.dead || chunk.dead->size() * 64 >= chunk.count) return;
  auto longer = std::make_shared<DeadRows>(*chunk.dead);
  longer->resize((chunk.capacity + 63) / 64);
  chunk.dead = longer;
}

void Draft::cast_added(const CastFn& cast) {
  if (!next_->shadow) return;
  std::vector<Casting> all;
  for (const Run& run : added_) {
    const Chunk& chunk = next_->chunks[run.chunk];
    // Written through the pointer that readers have, behind what they see.
    Byte* shadows = const_cast<Byte*>(chunk.shadows) + run.first * next_->shadow_bytes();
    all.push_back({*next_->shadow, chunk.codes + run.first * next_->code_bytes, run.count, shadows});
  }
  cast(all);
}

void Draft::cast_all(std::shared_ptr<const Shadow> shadow, const CastFn& cast) {
  next_->shadow = std::move(shadow);
  std::vector<Casting> all;
  for (std::size_t c = 0; c < next_->chunks.size(); ++c) {
    if (next_->chunks[c].count == 0) continue;
    Chunk& chunk = next_->chunks.edit(c);
    Byte* const shadows = make_room_for_shadows(chunk.held(), *next_, chunk);
    all.push_back({*next_->shadow, chunk.codes, chunk.count, shadows});
  }
  cast(all);
  keep_shadow();
}

void Draft::keep_shadow() { next_->shadow_rows = next_->rows(); }

bool Draft::kill(std::size_t chunk_index, std::size_t row) {
  if (!next_->chunks[chunk_index].alive(row)) return false;
  Chunk& chunk = next_->chunks.edit(chunk_index);
  std::shared_ptr<DeadRows>& mine = dead_[chunk_index];
  if (!mine || chunk.dead != mine) {
    mine = chunk.dead ? std::make_shared<DeadRows>(*chunk.dead) : std::make_shared<DeadRows>();
    mine->resize(std::max(mine->size(), (chunk.count + 63) / 64));
    chunk.dead = mine;
  }
  killed_.push_back(chunk.id(row));
  (*mine)[row / 64] |= std::uint64_t{1} << (row % 64);
  ++chunk.dead_count;
  --next_->live;
  return true;
}

std::vector<std::size_t> Draft::touched() const {
  std::vector<std::size_t> chunks;
  for (const auto& [chunk, bits] : dead_) chunks.push_back(chunk);
  return chunks;
}

// The end of the run of chunks from `first` that are a quarter dead and fit into one; `live` their rows.
std::size_t Draft::thin_run(std::size_t first, std::size_t& live) const {
  const std::size_t limit = max_chunk_rows(next_->code_bytes);
  std::size_t end = first;
  live = 0;
  for (; end < next_->chunks.size(); ++end) {
    const Chunk& chunk = next_->chunks[end];
    if (chunk.dead_count * 4 < chunk.count || live + chunk.live() > limit) break;
    live += chunk.live();
  }
  return end;
}

void Draft::compact(std::span<const std::size_t> touched) try {
  if (next_->by_cell) return rewrite_thin_cells(touched);
  join_thin_runs();
} catch (const std::bad_alloc&) {
  changed_ = false;
} catch (const Error&) {
  changed_ = false;
}

void Draft::join_thin_runs() {
  ChunkTable chunks;
  std::vector<std::size_t> rewritten;
  for (std::size_t i = 0; i < next_->chunks.size();) {
    std::size_t live = 0;
    const std::size_t end = thin_run(i, live);
    if (end == i) {
      chunks.push_back(next_->chunks[i++]);
      continue;
    }
    changed_ = true;
    if (live) {
      rewritten.push_back(chunks.size());
      chunks.push_back(joined(i, end, live));
    }
    i = end;
  }
  next_->chunks = std::move(chunks);
  rewritten_ = std::move(rewritten);
}

void Draft::rewrite_thin_cells(std::span<const std::size_t> touched) {
  for (const std::size_t cell : touched) {
    const Chunk& chunk = next_->chunks[cell];
    if (chunk.dead_count == 0 || chunk.dead_count * 4 < chunk.count) continue;
    Chunk thin;
    thin.serial = chunk.serial;
    if (chunk.live()) thin = joined(cell, cell + 1, chunk.live());
    next_->chunks.edit(cell) = std::move(thin);
    rewritten_.push_back(cell);
    changed_ = true;
  }
}

Chunk Draft::joined(std::size_t first, std::size_t end, std::size_t live) const {
  auto memory = make_memory(live, *next_);
  memory->ids = std::make_unique_for_overwrite<Id[]>(live);
  Chunk result;
  Byte* const shadows = next_->shadow ? make_room_for_shadows(live, *next_, result) : nullptr;
  const std::size_t code_bytes = next_->code_bytes;
  std::vector<Byte> scratch(code_bytes);
  std::size_t out = 0;
  for (std::size_t c = first; c < end; ++c) {
    const Chunk& chunk = next_->chunks[c];
    for (std::size_t row = 0; row < chunk.count; ++row) {
      if (!chunk.alive(row)) continue;
      const Byte* code = next_->code(chunk, row, scratch.data());
      if (next_->layout == CodeLayout::rows) {
        std::memcpy(memory->codes.data() + out * code_bytes, code, code_bytes);
      } else {
        to_group(code, code_bytes, out % kGroupRows, memory->codes.data() + out / kGroupRows * kGroupRows * code_bytes);
      }
      if (shadows) {
        const std::size_t bytes = next_->shadow_bytes();
        std::memcpy(shadows + out * bytes, chunk.shadows + row * bytes, bytes);
      }
      memory->ids[out++] = chunk.id(row);
    }
  }
  result.serial = next_->chunks[first].serial;
  result.codes = memory->codes.data();
  result.first_id = memory->ids[0];
  result.ids = memory->ids.get();
  result.count = live;
  result.owner = memory;
  return result;
}

}  // namespace knear
