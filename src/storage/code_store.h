// Where a shape keeps its codes: append-only chunks, or one for each cell of a partition, that readers see as of one
// moment.
//
// Writers take turns; readers never wait for them. Rows are written behind the published count and appear when
// the next snapshot is published. A removal marks rows dead in a copy of the chunk's bits; a chunk with many dead
// rows is rewritten without them. Whoever holds an old snapshot keeps its chunks alive.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <shared_mutex>
#include <span>
#include <vector>

#include "core/id_map.h"
#include "io/container.h"
#include "knear/params.h"
#include "storage/draft.h"
#include "storage/store_writer.h"

namespace knear {

// Whether rows may move, to where others were removed. If they stay, removed ones go when none is left alive.
enum class RowPlaces : std::uint8_t { move, stay };

class CodeStore {
 public:
  // cells: how many a partition has; 0: there is none.
  explicit CodeStore(std::size_t code_bytes, CodeLayout layout = CodeLayout::rows, std::size_t cells = 0,
                     RowPlaces places = RowPlaces::move);

  std::shared_ptr<const Snapshot> snapshot() const;

  // What a change does besides keeping ids: `encode` fills in codes, `complete` (or null) does what is left to do with
  // the draft, and `on_commit` (or null) comes last: after it nothing fails. By cells: see Arrivals.
  struct Change {
    EncodeFn encode;
    std::function<void(Draft&)> complete = {};
    OnCommit on_commit = {};
    RunOptions run = {};
    std::span<const CellRun> cells = {};
    std::span<const std::size_t> order = {};
  };

  // Adds n codes; ids empty: consecutive from one more than the largest id there ever was. A throw, also from the
  // change, leaves all as it was. Error::duplicate_id names the first id that is there already.
  void append(std::size_t n, std::span<const Id> ids, OnDuplicate on_duplicate, const Change& change);
  // Gives the codes of existing ids new values, all at one moment. Error::not_found names the first unknown id.
  void replace(std::span<const Id> ids, const Change& change);
  std::size_t remove(std::span<const Id> ids);
  std::size_t remove(const Selector& selector);
  void clear();
  // After read(), what the shape keeps beside the rows.
  void put_beside(std::shared_ptr<const BesideRows> beside);
  // Runs `change` while no writer works and no row lives; false, without running it, when rows do.
  bool while_empty(const std::function<void()>& change);

  bool contains(Id id) const;
  // The codes of ids, one after the other whatever the layout. Error::not_found names the first unknown id.
  void fetch(std::span<const Id> ids, Byte* codes) const;
  // slots[i] = where ids[i] lies in the snapshot that comes back, or kNoSlot; of rows with the same id, the last in
  // the order of chunks.
  std::shared_ptr<const Snapshot> locate(std::span<const Id> ids, Slot* slots) const;
  Id next_id() const;
  std::size_t memory_bytes() const;  // heap
  std::size_t mapped_bytes() const;  // of files
  // Do ids, counts and dead rows agree? (A file from elsewhere may hold an id twice, or kNoId.)
  Report verify() const;

  StoredPart part() const;  // for a file of several stores
  // Takes over the rows of another store without copying them; whoever changes them later makes copies. False, and
  // nothing changes, when rows live here. Layout, code bytes and cells agree.
  bool adopt(const StoredPart& part, const OnCommit& on_commit);
  void write(SectionWriter& writer) const;
  // Takes over the sections that write() wrote, without copying. Error::corrupt_file when they disagree.
  // `read_shadow` makes the shadow of section "shadow".
  using ReadShadow = std::function<std::shared_ptr<const Shadow>(ByteSource&)>;
  void read(const Container& container, const ReadShadow& read_shadow = {});

 private:
  struct Found {
    std::size_t chunk;
    std::size_t row;
  };
  // What is known of the ids.
  struct Identity {
    Id next_id = 0;
    bool ascending = true;  // through the chunks: no map needed
    bool repeated = false;  // an id may stand more than once
  };

  std::shared_ptr<Snapshot> empty_snapshot() const;
  Draft draft() const;
  void check_new(std::span<const Id> ids) const;
  void kill_ids(Draft& draft, std::span<const Id> ids);
  void kill_selected(Draft& draft, const Selector& selector) const;
  void kill_repeats(Draft& draft, const Arrivals& rows) const;
  std::size_t finish_removal(Draft& next);
  void compact(std::span<const std::size_t> touched);
  void drop_dead_rows();
  void publish(Draft& draft, const Identity& identity) noexcept;
  void make_room_in_map(std::size_t added) noexcept;
  void index_rows(const Chunk& chunk, std::size_t first, std::size_t count, std::uint32_t stale_end) const;
  [[nodiscard]] bool has_map() const;
  void build_map() const;
  std::shared_lock<std::shared_mutex> lock_for_lookup() const;

  // Needs lock_for_lookup().
  std::optional<Found> find(Id id) const;
  std::optional<Found> find_ascending(Id id) const;

  const std::size_t code_bytes_;
  const CodeLayout layout_;
  const std::size_t cells_;
  const RowPlaces places_;
  std::mutex writer_mutex_;                 // one writer at a time; writers alone change what follows
  mutable std::shared_mutex lookup_mutex_;  // the snapshot and the id map change together under it
  std::shared_ptr<const Snapshot> snapshot_;
  std::uint32_t next_serial_ = 0;
  std::size_t scanned_ = 0;  // rows that removals looked through because there was no map
  Identity identity_;
  mutable bool map_ready_ = false;
  mutable IdMap map_;  // id -> serial << 32 | row of its last live row; built when first needed
};

}  // namespace knear
