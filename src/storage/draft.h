// The next snapshot of a store in the making. Nobody sees it before it is published; dropping it undoes all.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "knear/matrix.h"
#include "storage/snapshot.h"

namespace knear {

// What a chunk's rows live in. Rows past the published count belong to the writer alone.
struct ChunkMemory {
  Matrix codes;
  std::unique_ptr<Id[]> ids;
};

// Where the next rows go: the room behind the last chunk, if it has any.
struct Tail {
  std::shared_ptr<ChunkMemory> memory;
  std::size_t capacity = 0;  // rows
};

class Draft {
 public:
  // Writes rows [first, first + count) of what is being added at `codes`.
  using EncodeFn = std::function<void(std::size_t first, std::size_t count, Byte* codes)>;

  Draft(const Snapshot& now, Tail tail, std::uint32_t next_serial);

  // Appends n rows with these ids; ids empty: first_id, first_id + 1, ….
  void append(std::size_t n, std::span<const Id> ids, Id first_id, const EncodeFn& encode);
  // Marks a row dead; false when it was already.
  bool kill(std::size_t chunk, std::size_t row);
  // Casts the shadows of rows [first, first + count) of a chunk.
  struct Casting {
    const Shadow& shadow;
    const Byte* codes;
    std::size_t count;
    Byte* shadows;
  };
  using CastFn = std::function<void(const Casting&)>;
  // Casts the shadows of the rows that were added; does nothing without a shadow.
  void cast_added(const CastFn& cast);
  // Casts those of all rows anew, as `shadow` does.
  void cast_all(std::shared_ptr<const Shadow> shadow, const CastFn& cast);
  // Notes that what casts the shadows still suits all rows.
  void keep_shadow();

  // Rewrites chunks that are a quarter dead, joining neighbours; a draft that compacts does nothing else.
  // Leaves all as it is when memory is short.
  void compact();

  // Rows added, in order.
  struct Run {
    std::size_t chunk;
    std::size_t first;
    std::size_t count;
  };
  const std::vector<Run>& added() const noexcept { return added_; }
  // Ids of rows that kill() marked.
  const std::vector<Id>& killed() const noexcept { return killed_; }
  // Did compact() change anything?
  bool changed() const noexcept { return changed_; }
  // Chunks that compact() rewrote: their rows have new places.
  const std::vector<std::size_t>& rewritten() const noexcept { return rewritten_; }

  const Snapshot& next() const noexcept { return *next_; }
  std::shared_ptr<const Snapshot> take() { return std::move(next_); }
  const Tail& tail() const noexcept { return tail_; }
  std::uint32_t next_serial() const noexcept { return next_serial_; }

 private:
  void write_codes(Chunk& chunk, std::size_t first, std::size_t count, const EncodeFn& encode);
  Chunk& open_chunk(std::size_t rows_left);
  void write_ids(Chunk& chunk, std::size_t n, const Id* ids, Id first_id);
  Chunk joined(std::size_t first, std::size_t end, std::size_t live) const;
  std::size_t thin_run(std::size_t first, std::size_t& live) const;

  std::shared_ptr<Snapshot> next_;
  Tail tail_;
  std::uint32_t next_serial_;
  std::vector<std::shared_ptr<DeadRows>> dead_;  // the copies that this draft may write to, by chunk
  std::vector<Run> added_;
  std::vector<Id> killed_;
  std::vector<std::size_t> rewritten_;
  bool changed_ = false;
};

}  // namespace knear
