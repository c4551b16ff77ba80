#include "storage/code_store.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <limits>

#include "core/check.h"
#include "core/planes.h"

namespace knear {
namespace {

std::uint64_t pack(std::uint32_t serial, std::size_t row) { return std::uint64_t{serial} << 32 | row; }

bool strictly_ascending(std::span<const Id> ids) {
  return std::adjacent_find(ids.begin(), ids.end(), std::greater_equal<Id>()) == ids.end();
}

// The smallest id that stands twice in `ids`, if any does.
std::optional<Id> repeated_id(std::span<const Id> ids) {
  if (strictly_ascending(ids)) return std::nullopt;
  std::vector<Id> sorted(ids.begin(), ids.end());
  std::sort(sorted.begin(), sorted.end());
  const auto twice = std::adjacent_find(sorted.begin(), sorted.end());
  return twice == sorted.end() ? std::nullopt : std::optional(*twice);
}

}  // namespace

CodeStore::CodeStore(std::size_t code_bytes, CodeLayout layout, std::size_t cells, RowPlaces places)
    : code_bytes_(code_bytes),
      layout_(layout),
      cells_(cells),
      places_(places),
      snapshot_(empty_snapshot()),
      next_serial_(static_cast<std::uint32_t>(cells)),
      identity_{.ascending = cells == 0} {}

std::shared_ptr<Snapshot> CodeStore::empty_snapshot() const {
  auto empty = std::make_shared<Snapshot>();
  empty->by_cell = cells_ != 0;
  empty->layout = layout_;
  empty->code_bytes = code_bytes_;
  empty->stride = static_cast<std::ptrdiff_t>(bytes_of_codes(layout_, 1, code_bytes_));
  empty->chunks = ChunkTable(cells_);
  return empty;
}

std::shared_ptr<const Snapshot> CodeStore::snapshot() const {
  std::shared_lock lock(lookup_mutex_);
  return snapshot_;
}

Id CodeStore::next_id() const {
  std::shared_lock lock(lookup_mutex_);
  return identity_.next_id;
}

Draft CodeStore::draft() const { return {*snapshot_, next_serial_}; }

void CodeStore::append(std::size_t n, std::span<const Id> ids, OnDuplicate on_duplicate, const Change& change) {
  if (n == 0) return;
  std::scoped_lock writer(writer_mutex_);
  constexpr Id kLargest = std::numeric_limits<Id>::max();
  require(!ids.empty() || static_cast<std::uint64_t>(kLargest - identity_.next_id) >= n, "no ids left for ", n,
          " rows after id ", identity_.next_id - 1);
  const bool fresh =
      ids.empty() || (strictly_ascending(ids) && ids.front() >= identity_.next_id && identity_.next_id != kLargest);
  if (!fresh && on_duplicate == OnDuplicate::error) check_new(ids);

  Draft next = draft();
  const Arrivals rows{n, ids, identity_.next_id, change.encode, change.run, change.cells, change.order};
  next.append(rows);
  if (change.complete) change.complete(next);
  if (!fresh && on_duplicate == OnDuplicate::replace) {
    kill_ids(next, ids);
    kill_repeats(next, rows);
  }
  Identity identity{ids.empty() ? identity_.next_id + static_cast<Id>(n) : identity_.next_id,
                    identity_.ascending && fresh, identity_.repeated || (!fresh && on_duplicate == OnDuplicate::allow)};
  if (!ids.empty()) {
    const Id largest = *std::max_element(ids.begin(), ids.end());
    identity.next_id = std::max(identity_.next_id, largest == kLargest ? kLargest : largest + 1);
  }
  if (change.on_commit) change.on_commit();
  const auto touched = next.touched();
  publish(next, identity);
  compact(touched);
}

void CodeStore::replace(std::span<const Id> ids, const Change& change) {
  std::scoped_lock writer(writer_mutex_);
  if (const auto twice = repeated_id(ids)) fail(Error::invalid_argument, "id ", *twice, " is given twice");
  {
    const auto lock = lock_for_lookup();
    for (const Id id : ids) {
      if (!find(id)) fail(Error::not_found, "id ", id, " is not in the index");
    }
  }
  Draft next = draft();
  next.append({ids.size(), ids, 0, change.encode, change.run, change.cells, change.order});
  if (change.complete) change.complete(next);
  kill_ids(next, ids);
  if (change.on_commit) change.on_commit();
  const auto touched = next.touched();
  publish(next, {identity_.next_id, false, identity_.repeated});
  compact(touched);
}

std::size_t CodeStore::remove(std::span<const Id> ids) {
  std::scoped_lock writer(writer_mutex_);
  Draft next = draft();
  kill_ids(next, ids);
  return finish_removal(next);
}

std::size_t CodeStore::remove(const Selector& selector) {
  std::scoped_lock writer(writer_mutex_);
  Draft next = draft();
  kill_selected(next, selector);
  return finish_removal(next);
}

std::size_t CodeStore::finish_removal(Draft& next) {
  const std::size_t gone = snapshot_->live - next.next().live;
  if (gone == 0) return 0;
  const auto touched = next.touched();
  publish(next, {identity_.next_id, identity_.ascending, identity_.repeated});
  compact(touched);
  return gone;
}

void CodeStore::clear() {
  std::scoped_lock writer(writer_mutex_);
  auto empty = empty_snapshot();
  std::unique_lock lock(lookup_mutex_);
  snapshot_ = std::move(empty);
  identity_ = {.ascending = cells_ == 0};
  map_ready_ = false;
  map_ = IdMap();
}

bool CodeStore::while_empty(const std::function<void()>& change) {
  std::scoped_lock writer(writer_mutex_);
  if (snapshot_->live) return false;
  change();
  return true;
}

void CodeStore::check_new(std::span<const Id> ids) const {
  if (const auto twice = repeated_id(ids)) fail(Error::duplicate_id, "id ", *twice, " is given twice");
  const auto lock = lock_for_lookup();
  for (const Id id : ids) {
    if (find(id)) fail(Error::duplicate_id, "id ", id, " is in the index already");
  }
}

// Without a map, a few removals look through all ids, which costs less than to build one.
void CodeStore::kill_ids(Draft& draft, std::span<const Id> ids) {
  constexpr std::size_t kScansForAMap = 8;
  bool scan = identity_.repeated;
  if (!identity_.ascending && scanned_ < kScansForAMap * snapshot_->live && !has_map()) {
    scanned_ += snapshot_->live;
    scan = true;
  }
  if (scan) {
    const SelectorPtr selector = select_batch(ids);
    return kill_selected(draft, *selector);
  }
  const auto lock = lock_for_lookup();
  for (const Id id : ids) {
    if (const auto found = find(id)) draft.kill(found->chunk, found->row);
  }
}

// Only among the rows that were published before this draft.
void CodeStore::kill_selected(Draft& draft, const Selector& selector) const {
  constexpr std::size_t kRows = 4096;
  std::uint64_t bits[kRows / 64];
  for (std::size_t c = 0; c < snapshot_->chunks.size(); ++c) {
    const Chunk& chunk = snapshot_->chunks[c];
    for (std::size_t first = 0; first < chunk.count; first += kRows) {
      const std::size_t n = std::min(kRows, chunk.count - first);
      if (snapshot_->allowed(chunk, first, n, &selector, bits) == 0) continue;
      for (std::size_t w = 0; w * 64 < n; ++w) {
        for (std::uint64_t word = bits[w]; word; word &= word - 1) {
          draft.kill(c, first + w * 64 + static_cast<std::size_t>(std::countr_zero(word)));
        }
      }
    }
  }
}

// Of rows added under one id in one call, the last stays.
void CodeStore::kill_repeats(Draft& draft, const Arrivals& rows) const {
  if (!repeated_id(rows.ids)) return;
  IdMap last;
  last.reserve(rows.count);
  for (std::size_t i = 0; i < rows.count; ++i) last.assign(rows.ids[i], i);
  std::size_t stored = 0;
  const std::vector<Draft::Run> runs = draft.added();
  for (const Draft::Run& run : runs) {
    for (std::size_t i = 0; i < run.count; ++i, ++stored) {
      if (last.find(rows.id(stored)) != rows.row(stored)) draft.kill(run.chunk, run.first + i);
    }
  }
}

void CodeStore::compact(std::span<const std::size_t> touched) {
  if (touched.empty()) return;
  if (places_ == RowPlaces::stay) {
    if (snapshot_->live == 0) drop_dead_rows();
    return;
  }
  Draft next = draft();
  next.compact(touched);
  if (next.changed()) publish(next, identity_);
}

void CodeStore::drop_dead_rows() {
  auto empty = empty_snapshot();
  std::unique_lock lock(lookup_mutex_);
  snapshot_ = std::move(empty);
  map_ready_ = false;
  map_.clear();
}

void CodeStore::put_beside(std::shared_ptr<const BesideRows> beside) {
  std::scoped_lock writer(writer_mutex_);
  std::unique_lock lock(lookup_mutex_);
  auto next = std::make_shared<Snapshot>(*snapshot_);
  next->beside = std::move(beside);
  snapshot_ = std::move(next);
}

// A map that does not get the memory it needs is dropped: it will be built again when something asks for it.
void CodeStore::make_room_in_map(std::size_t added) noexcept {
  try {
    map_.reserve(map_.size() + added);
  } catch (const std::exception&) {
    map_.clear();
    map_ready_ = false;
  }
}

// The only place where what readers see changes.
void CodeStore::publish(Draft& draft, const Identity& identity) noexcept {
  std::size_t added = 0;
  for (const Draft::Run& run : draft.added()) added += run.count;
  std::unique_lock lock(lookup_mutex_);
  if (map_ready_) make_room_in_map(added);
  snapshot_ = draft.take();
  next_serial_ = draft.next_serial();
  identity_ = identity;
  if (!map_ready_) return;
  for (const Id id : draft.killed()) map_.erase(id);
  for (const Draft::Run& run : draft.added()) {
    const Chunk& chunk = snapshot_->chunks[run.chunk];
    index_rows(chunk, run.first, run.count, chunk.serial);
  }
  for (const std::size_t c : draft.rewritten()) {
    const Chunk& chunk = snapshot_->chunks[c];
    const bool last = c + 1 == snapshot_->chunks.size();
    const std::uint32_t end = last ? next_serial_ : cells_ ? chunk.serial + 1 : snapshot_->chunks[c + 1].serial;
    index_rows(chunk, 0, chunk.count, end);
  }
}

// Of rows with the same id, the map knows the last in the order of chunks. What it knows of serials from the chunk's
// own to `stale_end` counts no longer.
void CodeStore::index_rows(const Chunk& chunk, std::size_t first, std::size_t count, std::uint32_t stale_end) const {
  for (std::size_t row = first; row < first + count; ++row) {
    if (!chunk.alive(row)) continue;
    const std::uint64_t place = pack(chunk.serial, row);
    if (identity_.repeated) {
      const std::uint64_t known = map_.find(chunk.id(row));
      const bool stale = known == IdMap::kNoSlot || (known >= pack(chunk.serial, 0) && known < pack(stale_end, 0));
      if (!stale && known > place) continue;
    }
    map_.assign(chunk.id(row), place);
  }
}

bool CodeStore::adopt(const StoredPart& part, const OnCommit& on_commit) {
  std::scoped_lock writer(writer_mutex_);
  if (snapshot_->live || part.snapshot->live == 0) return false;
  auto next = std::make_shared<Snapshot>(*part.snapshot);
  next->beside = nullptr;
  auto next_serial = static_cast<std::uint32_t>(cells_);
  for (std::size_t c = 0; c < next->chunks.size(); ++c) {
    Chunk& chunk = next->chunks.edit(c);
    chunk.room = nullptr;
    chunk.capacity = 0;
    next_serial = std::max(next_serial, chunk.serial + 1);
  }
  if (on_commit) on_commit();
  std::unique_lock lock(lookup_mutex_);
  identity_ = {std::max(identity_.next_id, part.next_id), part.ascending, part.repeated};
  snapshot_ = std::move(next);
  next_serial_ = next_serial;
  map_ready_ = false;
  map_.clear();
  return true;
}

// Holds the lookup lock, with the id map built if the ids need one.
std::shared_lock<std::shared_mutex> CodeStore::lock_for_lookup() const {
  std::shared_lock lock(lookup_mutex_);
  while (!identity_.ascending && !map_ready_) {
    lock.unlock();
    build_map();
    lock.lock();
  }
  return lock;
}

// Lookups build the map, also while a writer is at work.
bool CodeStore::has_map() const {
  std::shared_lock lock(lookup_mutex_);
  return map_ready_;
}

void CodeStore::build_map() const {
  std::unique_lock lock(lookup_mutex_);
  if (map_ready_) return;
  map_ = IdMap();
  map_.reserve(snapshot_->live);
  for (const Chunk& chunk : snapshot_->chunks) Snapshot::ask_for_ids(chunk);
  for (const Chunk& chunk : snapshot_->chunks) index_rows(chunk, 0, chunk.count, chunk.serial);
  map_ready_ = true;
}

std::optional<CodeStore::Found> CodeStore::find(Id id) const {
  if (identity_.ascending) return find_ascending(id);
  const std::uint64_t place = map_.find(id);
  if (place == IdMap::kNoSlot) return std::nullopt;
  if (cells_) return Found{place >> 32, place & 0xffffffffu};
  const auto& chunks = snapshot_->chunks;
  const auto chunk = std::lower_bound(chunks.begin(), chunks.end(), static_cast<std::uint32_t>(place >> 32),
                                      [](const Chunk& c, std::uint32_t serial) { return c.serial < serial; });
  return Found{static_cast<std::size_t>(chunk - chunks.begin()), place & 0xffffffffu};
}

std::optional<CodeStore::Found> CodeStore::find_ascending(Id id) const {
  const auto& chunks = snapshot_->chunks;
  const auto after = std::upper_bound(chunks.begin(), chunks.end(), id,
                                      [](Id value, const Chunk& chunk) { return value < chunk.id(0); });
  if (after == chunks.begin()) return std::nullopt;
  const Chunk& chunk = *(after - 1);
  const std::size_t row =
      chunk.ids ? static_cast<std::size_t>(std::lower_bound(chunk.ids, chunk.ids + chunk.count, id) - chunk.ids)
                : static_cast<std::size_t>(id_distance(chunk.first_id, id));
  if (row >= chunk.count || chunk.id(row) != id || !chunk.alive(row)) return std::nullopt;
  return Found{static_cast<std::size_t>(after - 1 - chunks.begin()), row};
}

bool CodeStore::contains(Id id) const {
  const auto lock = lock_for_lookup();
  return find(id).has_value();
}

void CodeStore::fetch(std::span<const Id> ids, Byte* codes) const {
  const auto lock = lock_for_lookup();
  for (const Id id : ids) {
    const auto found = find(id);
    if (!found) fail(Error::not_found, "id ", id, " is not in the index");
    const Byte* code = snapshot_->code(snapshot_->chunks[found->chunk], found->row, codes);
    if (code != codes) std::memcpy(codes, code, code_bytes_);
    codes += code_bytes_;
  }
}

std::shared_ptr<const Snapshot> CodeStore::locate(std::span<const Id> ids, Slot* slots) const {
  const auto lock = lock_for_lookup();
  for (std::size_t i = 0; i < ids.size(); ++i) {
    const auto found = find(ids[i]);
    slots[i] = found ? Snapshot::slot(found->chunk, found->row) : kNoSlot;
  }
  return snapshot_;
}

}  // namespace knear
