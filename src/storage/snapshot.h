// What readers see of a store: its chunks as they were at one moment.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "knear/codec.h"

namespace knear {

// How far `id` lies above `base`, which must not be larger. Ids may be as far apart as 64 bits allow.
constexpr std::uint64_t id_distance(Id base, Id id) noexcept {
  return static_cast<std::uint64_t>(id) - static_cast<std::uint64_t>(base);
}

// Where no row is.
inline constexpr Slot kNoSlot = ~Slot{0};

// One bit per row of a chunk; set when the row was removed.
using DeadRows = std::vector<std::uint64_t>;

// Consecutive codes and their ids. Rows [0, count) never change while anyone looks at them.
struct Chunk {
  std::uint32_t serial = 0;  // ascending through a store; names the chunk across snapshots
  const Byte* codes = nullptr;
  const Id* ids = nullptr;  // null: row i has id first_id + i
  Id first_id = 0;
  std::size_t count = 0;
  std::size_t dead_count = 0;
  std::shared_ptr<const DeadRows> dead;  // null: all live
  // In planes, the bytes of one code lie among those of others, so that rows cannot be written beside published ones
  // while someone reads. A last group that may still grow is therefore published as this copy.
  std::shared_ptr<const Byte[]> last_group;
  std::shared_ptr<const void> owner;  // keeps codes and ids
  const Byte* shadows = nullptr;      // of the snapshot's shadow, one a row
  std::shared_ptr<const void> shadow_owner;
  bool mapped = false;

  Id id(std::size_t row) const noexcept { return ids ? ids[row] : first_id + static_cast<Id>(row); }
  bool alive(std::size_t row) const noexcept { return !dead || ((*dead)[row / 64] >> (row % 64) & 1) == 0; }
  std::size_t live() const noexcept { return count - dead_count; }
  // Planes: group g, the groups `stride` bytes apart.
  const Byte* group(std::size_t g, std::ptrdiff_t stride) const noexcept {
    return last_group && g == count / kGroupRows ? last_group.get() : codes + static_cast<std::ptrdiff_t>(g) * stride;
  }
};

// Slots name a row as chunk position << 32 | row; they hold within one snapshot.
class Snapshot final : public SlotTable {
 public:
  std::vector<Chunk> chunks;
  CodeLayout layout = CodeLayout::rows;
  std::size_t code_bytes = 0;
  std::ptrdiff_t stride = 0;  // bytes from one code, or in planes from one group, to the next
  std::size_t live = 0;
  std::shared_ptr<const Shadow> shadow;  // that casts the shadows of all chunks; null: they have none
  std::size_t shadow_rows = 0;           // that there were when it was last looked at whether it suits them

  std::size_t shadow_bytes() const noexcept { return shadow ? shadow->bytes() : 0; }
  static Slot slot(std::size_t chunk, std::size_t row) noexcept { return Slot{chunk} << 32 | row; }
  const Byte* code(Slot slot, Byte* scratch) const noexcept override {
    return code(chunks[slot >> 32], slot & 0xffffffffu, scratch);
  }
  const Byte* code(const Chunk& chunk, std::size_t row, Byte* scratch) const noexcept;
  Id id(Slot slot) const noexcept override { return chunks[slot >> 32].id(slot & 0xffffffffu); }

  std::size_t rows() const noexcept override;
  bool mapped() const noexcept;  // does any chunk lie in a mapped file?
  // visit(chunk, row) / visit(slot) for every live row, in order.
  template <class Visit>
  void for_live(const Visit& visit) const {
    for (const Chunk& chunk : chunks) {
      for (std::size_t row = 0; row < chunk.count; ++row) {
        if (chunk.alive(row)) visit(chunk, row);
      }
    }
  }
  template <class Visit>
  void for_live_slots(const Visit& visit) const {
    for_live([&](const Chunk& chunk, std::size_t row) {
      visit(slot(static_cast<std::size_t>(&chunk - chunks.data()), row));
    });
  }
  // bits = which of rows [first, first + n) of a chunk are live and pass the selector (null: all do).
  // Returns how many. bits has (n + 63) / 64 words.
  std::size_t allowed(const Chunk& chunk, std::size_t first, std::size_t n, const Selector* selector,
                      std::uint64_t* bits) const;
};

}  // namespace knear
