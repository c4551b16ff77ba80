// What readers see of a store: its chunks as they were at one moment.
#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include "storage/chunk.h"

namespace knear {

// Where no row is.
inline constexpr Slot kNoSlot = ~Slot{0};

// What a shape keeps beside the rows, published with them: the edges of a graph. Later snapshots hold on to it.
class BesideRows {
 public:
  virtual ~BesideRows() = default;
};

// Slots name a row as chunk position << 32 | row; they hold within one snapshot.
class Snapshot final : public SlotTable {
 public:
  ChunkTable chunks;
  bool by_cell = false;  // each chunk is a cell of a partition, at the cell's number
  CodeLayout layout = CodeLayout::rows;
  std::size_t code_bytes = 0;
  std::ptrdiff_t stride = 0;  // bytes from one code, or in planes from one group, to the next
  std::size_t live = 0;
  std::shared_ptr<const Shadow> shadow;      // that casts the shadows of all chunks; null: they have none
  std::shared_ptr<const BesideRows> beside;  // of the shape; null: nothing
  std::size_t shadow_rows = 0;               // that there were when it was last looked at whether it suits them

  std::size_t shadow_bytes() const noexcept { return shadow ? shadow->bytes() : 0; }
  static Slot slot(std::size_t chunk, std::size_t row) noexcept { return Slot{chunk} << 32 | row; }
  const Byte* code(Slot slot, Byte* scratch) const noexcept override {
    return code(chunks[slot >> 32], slot & 0xffffffffu, scratch);
  }
  const Byte* code(const Chunk& chunk, std::size_t row, Byte* scratch) const noexcept;
  Id id(Slot slot) const noexcept override { return chunks[slot >> 32].id(slot & 0xffffffffu); }

  std::size_t rows() const noexcept override;
  bool mapped() const noexcept;  // does any chunk lie in a mapped file?
  // What a scan of a chunk reads from front to back.
  std::span<const Byte> scanned_first(const Chunk& chunk) const noexcept;
  // Has what a scan of a mapped chunk reads brought from its file, unless it is there already; or its ids.
  void ask_for(const Chunk& chunk) const noexcept;
  static void ask_for_ids(const Chunk& chunk) noexcept;
  // Would many mapped chunks have to be brought from their file? From a sample.
  bool mostly_on_disk() const noexcept;
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
    for (std::size_t c = 0; c < chunks.size(); ++c) {
      for (std::size_t row = 0; row < chunks[c].count; ++row) {
        if (chunks[c].alive(row)) visit(slot(c, row));
      }
    }
  }
  // bits = which of rows [first, first + n) of a chunk are live and pass the selector (null: all do).
  // Returns how many. bits has (n + 63) / 64 words.
  std::size_t allowed(const Chunk& chunk, std::size_t first, std::size_t n, const Selector* selector,
                      std::uint64_t* bits) const;
};

}  // namespace knear
