// What a store tells about itself.
#include "core/check.h"
#include "core/planes.h"
#include "storage/code_store.h"
#include "storage/seen_ids.h"

namespace knear {

std::size_t CodeStore::memory_bytes() const {
  std::shared_lock lock(lookup_mutex_);
  std::size_t bytes = map_.memory_bytes();
  for (const Chunk& chunk : snapshot_->chunks) {
    if (chunk.dead) bytes += chunk.dead->size() * sizeof(std::uint64_t);
    if (chunk.last_group) bytes += kGroupRows * code_bytes_;
    const std::size_t rows = chunk.held();
    if (!chunk.mapped || chunk.shadow_owner != chunk.owner) bytes += rows * snapshot_->shadow_bytes();
    if (chunk.mapped) continue;
    bytes += bytes_of_codes(layout_, rows, code_bytes_) + rows * (chunk.ids ? sizeof(Id) : 0);
  }
  return bytes;
}

std::size_t CodeStore::mapped_bytes() const {
  const auto now = snapshot();
  std::size_t bytes = 0;
  for (const Chunk& chunk : now->chunks) {
    if (!chunk.mapped) continue;
    bytes += bytes_of_codes(layout_, chunk.count, code_bytes_) + chunk.count * (chunk.ids ? sizeof(Id) : 0);
    if (chunk.shadow_owner == chunk.owner) bytes += chunk.count * now->shadow_bytes();
  }
  return bytes;
}

Report CodeStore::verify() const {
  const auto lock = lock_for_lookup();
  Report report;
  for (const Chunk& chunk : snapshot_->chunks) Snapshot::ask_for_ids(chunk);
  IdRange range;
  snapshot_->for_live([&](const Chunk& chunk, std::size_t row) { range.take_in({chunk.id(row), chunk.id(row)}); });
  SeenIds seen(range, snapshot_->live);
  std::size_t live = 0;
  snapshot_->for_live([&](const Chunk& chunk, std::size_t row) {
    ++live;
    const Id id = chunk.id(row);
    if (id == kNoId) report.problems.push_back(concat("row ", row, " has the reserved id ", kNoId));
    if (chunk.ids && !identity_.repeated && !seen.insert(id)) {
      report.problems.push_back(concat("id ", id, " stands twice"));
    }
  });
  if (live != snapshot_->live) report.problems.push_back(concat(live, " live rows, not ", snapshot_->live));
  report.ok = report.problems.empty();
  return report;
}

}  // namespace knear
