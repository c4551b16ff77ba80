#include "storage/draft.h"

#include <algorithm>
#include <cstring>
#include <new>
#include <numeric>

#include "core/planes.h"
#include "knear/error.h"

namespace knear {
namespace {

constexpr std::size_t kMaxChunkBytes = std::size_t{64} << 20;
constexpr std::size_t kMinChunkRows = 64;
constexpr std::size_t kPieceBytes = std::size_t{4} << 20;  // of codes on their way into planes

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

bool consecutive(std::size_t n, const Id* ids) {
  for (std::size_t i = 1; i < n; ++i) {
    if (ids[i] < ids[0] || id_distance(ids[0], ids[i]) != i) return false;
  }
  return true;
}

}  // namespace

Draft::Draft(const Snapshot& now, Tail tail, std::uint32_t next_serial)
    : next_(std::make_shared<Snapshot>(now)), tail_(std::move(tail)), next_serial_(next_serial) {}

void Draft::append(std::size_t n, std::span<const Id> ids, Id first_id, const EncodeFn& encode) {
  for (std::size_t done = 0; done < n;) {
    const bool room = tail_.memory && next_->chunks.back().count < tail_.capacity;
    Chunk& chunk = room ? next_->chunks.back() : open_chunk(n - done);
    const std::size_t first = chunk.count;
    const std::size_t count = std::min(n - done, tail_.capacity - first);
    write_codes(chunk, done, count, encode);
    write_ids(chunk, count, ids.empty() ? nullptr : ids.data() + done, first_id + static_cast<Id>(done));
    chunk.count += count;
    if (next_->layout == CodeLayout::planes) chunk.last_group = copy_of_last_group(chunk, next_->stride);
    next_->live += count;
    if (chunk.dead && chunk.dead->size() * 64 < chunk.count) {
      auto longer = std::make_shared<DeadRows>(*chunk.dead);
      longer->resize((tail_.capacity + 63) / 64);
      chunk.dead = longer;
    }
    added_.push_back({next_->chunks.size() - 1, first, count});
    done += count;
  }
}

// Rows [first, first + count) of what is being added go behind those of the chunk.
void Draft::write_codes(Chunk& chunk, std::size_t first, std::size_t count, const EncodeFn& encode) {
  const std::size_t code_bytes = next_->code_bytes;
  Byte* const all = tail_.memory->codes.data();
  if (next_->layout == CodeLayout::rows) return encode(first, count, all + chunk.count * code_bytes);
  const std::size_t at_once = std::min(count, std::max(kMinChunkRows, kPieceBytes / code_bytes));
  std::vector<Byte> codes(at_once * code_bytes);
  for (std::size_t done = 0; done < count; done += at_once) {
    const std::size_t n = std::min(at_once, count - done);
    encode(first + done, n, codes.data());
    for (std::size_t i = 0; i < n; ++i) {
      const std::size_t row = chunk.count + done + i;
      to_group(codes.data() + i * code_bytes, code_bytes, row % kGroupRows,
               all + row / kGroupRows * kGroupRows * code_bytes);
    }
  }
}

// A quarter of what is there at least, so that row-by-row adding stays linear; 64 MiB at most, so that
// the room never filled stays small.
Chunk& Draft::open_chunk(std::size_t rows_left) {
  const std::size_t wanted = std::max({rows_left, next_->rows() / 4, kMinChunkRows});
  const std::size_t rows = std::min(wanted, max_chunk_rows(next_->code_bytes));
  tail_ = {make_memory(rows, *next_), rows};
  Chunk chunk;
  chunk.serial = next_serial_++;
  chunk.codes = tail_.memory->codes.data();
  chunk.owner = tail_.memory;
  if (next_->shadow) make_room_for_shadows(rows, *next_, chunk);
  return next_->chunks.emplace_back(std::move(chunk));
}

// Only the last chunk's rows may still come.
void Draft::cast_added(const CastFn& cast) {
  if (!next_->shadow) return;
  for (const Run& run : added_) {
    const Chunk& chunk = next_->chunks[run.chunk];
    // Written through the pointer that readers have, behind what they see.
    Byte* shadows = const_cast<Byte*>(chunk.shadows) + run.first * next_->shadow_bytes();
    cast({*next_->shadow, chunk.codes + run.first * next_->code_bytes, run.count, shadows});
  }
}

void Draft::cast_all(std::shared_ptr<const Shadow> shadow, const CastFn& cast) {
  next_->shadow = std::move(shadow);
  for (Chunk& chunk : next_->chunks) {
    const bool is_tail = tail_.memory && &chunk == &next_->chunks.back();
    Byte* const shadows = make_room_for_shadows(is_tail ? tail_.capacity : chunk.count, *next_, chunk);
    cast({*next_->shadow, chunk.codes, chunk.count, shadows});
  }
  keep_shadow();
}

void Draft::keep_shadow() { next_->shadow_rows = next_->rows(); }

// ids null: first_id and on. A chunk keeps no ids as long as they are consecutive.
void Draft::write_ids(Chunk& chunk, std::size_t n, const Id* ids, Id first_id) {
  const Id first = ids ? ids[0] : first_id;
  if (chunk.count == 0) chunk.first_id = first;
  const bool goes_on =
      first >= chunk.first_id && id_distance(chunk.first_id, first) == chunk.count && (!ids || consecutive(n, ids));
  if (!chunk.ids && goes_on) return;
  ChunkMemory& memory = *tail_.memory;
  if (!memory.ids) memory.ids = std::make_unique_for_overwrite<Id[]>(tail_.capacity);
  Id* all = memory.ids.get();
  if (!chunk.ids) std::iota(all, all + chunk.count, chunk.first_id);
  if (ids) {
    std::copy_n(ids, n, all + chunk.count);
  } else {
    std::iota(all + chunk.count, all + chunk.count + n, first_id);
  }
  chunk.ids = all;
}

bool Draft::kill(std::size_t chunk_index, std::size_t row) {
  Chunk& chunk = next_->chunks[chunk_index];
  if (!chunk.alive(row)) return false;
  dead_.resize(std::max(dead_.size(), next_->chunks.size()));
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

void Draft::compact() try {
  std::vector<Chunk> chunks;
  std::vector<std::size_t> rewritten;
  bool tail_moved = false;
  for (std::size_t i = 0; i < next_->chunks.size();) {
    std::size_t live = 0;
    const std::size_t end = thin_run(i, live);
    if (end == i) {
      chunks.push_back(next_->chunks[i++]);
      continue;
    }
    changed_ = true;
    tail_moved |= end == next_->chunks.size();
    if (live) {
      rewritten.push_back(chunks.size());
      chunks.push_back(joined(i, end, live));
    }
    i = end;
  }
  next_->chunks = std::move(chunks);
  rewritten_ = std::move(rewritten);
  if (tail_moved) tail_ = {};
} catch (const std::bad_alloc&) {
  changed_ = false;
} catch (const Error&) {
  changed_ = false;
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
