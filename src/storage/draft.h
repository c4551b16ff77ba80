// The next snapshot of a store in the making. Nobody sees it before it is published; dropping it undoes all.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <span>
#include <vector>

#include "knear/parallel.h"
#include "storage/snapshot.h"

namespace knear {

// Writes the codes of rows [first, first + count) of what is being added, one after the other. Many threads call it.
using EncodeFn = std::function<void(std::size_t first, std::size_t count, Byte* codes)>;

// Rows that belong to one cell.
struct CellRun {
  std::uint32_t cell;
  std::size_t count;
};

// What is being added: rows as they will be stored, one after the other.
struct Arrivals {
  std::size_t count = 0;
  std::span<const Id> ids = {};  // of the call's rows; empty: first_id, first_id + 1, …
  Id first_id = 0;
  EncodeFn encode = {};
  RunOptions run = {};
  // Of a store by cells: how many rows go to which, and which of the call's rows each stored one is.
  std::span<const CellRun> cells = {};
  std::span<const std::size_t> order = {};

  std::size_t row(std::size_t stored) const noexcept { return order.empty() ? stored : order[stored]; }
  Id id(std::size_t stored) const noexcept {
    return ids.empty() ? first_id + static_cast<Id>(row(stored)) : ids[row(stored)];
  }
};

class Draft {
 public:
  Draft(const Snapshot& now, std::uint32_t next_serial);

  // Once.
  void append(const Arrivals& rows);
  // Marks a row dead; false when it was already.
  bool kill(std::size_t chunk, std::size_t row);
  // Casts the shadows of rows [first, first + count) of a chunk.
  struct Casting {
    const Shadow& shadow;
    const Byte* codes;
    std::size_t count;
    Byte* shadows;
  };
  using CastFn = std::function<void(std::span<const Casting>)>;
  // Casts the shadows of the rows that were added; does nothing without a shadow.
  void cast_added(const CastFn& cast);
  // Casts those of all rows anew, as `shadow` does.
  void cast_all(std::shared_ptr<const Shadow> shadow, const CastFn& cast);
  // What the shape keeps beside these rows.
  void put_beside(std::shared_ptr<const BesideRows> beside) { next_->beside = std::move(beside); }
  // Notes that what casts the shadows still suits all rows.
  void keep_shadow();

  // Rewrites chunks that are a quarter dead: of a store by cells, those among `touched`; else all, joining neighbours.
  // A draft that compacts does nothing else. Leaves all as it is when memory is short.
  void compact(std::span<const std::size_t> touched);

  // Rows added, in order.
  struct Run {
    std::size_t chunk;
    std::size_t first;
    std::size_t count;
  };
  const std::vector<Run>& added() const noexcept { return added_; }
  // Ids of rows that kill() marked, and the chunks where they were.
  const std::vector<Id>& killed() const noexcept { return killed_; }
  std::vector<std::size_t> touched() const;
  // Did compact() change anything?
  bool changed() const noexcept { return changed_; }
  // Chunks that compact() rewrote: their rows have new places.
  const std::vector<std::size_t>& rewritten() const noexcept { return rewritten_; }

  const Snapshot& next() const noexcept { return *next_; }
  std::shared_ptr<const Snapshot> take() { return std::move(next_); }
  std::uint32_t next_serial() const noexcept { return next_serial_; }

 private:
  void make_places(const Arrivals& rows);
  void open_chunk(std::size_t rows_left);
  void grow_cell(std::size_t cell, std::size_t added);
  void write_ids(const Run& run, std::size_t first, const Arrivals& rows);
  void write_codes(const Arrivals& rows);
  void close_run(const Run& run);
  Chunk joined(std::size_t first, std::size_t end, std::size_t live) const;
  std::size_t thin_run(std::size_t first, std::size_t& live) const;
  void join_thin_runs();
  void rewrite_thin_cells(std::span<const std::size_t> touched);

  std::shared_ptr<Snapshot> next_;
  std::uint32_t next_serial_;
  std::map<std::size_t, std::shared_ptr<DeadRows>> dead_;  // the copies that this draft may write to, by chunk
  std::vector<Run> added_;
  std::vector<Id> killed_;
  std::vector<std::size_t> rewritten_;
  bool changed_ = false;
};

}  // namespace knear
