// Consecutive codes of a store, and the table of all of them that one snapshot shares with the next.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <memory>
#include <utility>
#include <vector>

#include "knear/codec.h"
#include "knear/matrix.h"

namespace knear {

// How far `id` lies above `base`, which must not be larger. Ids may be as far apart as 64 bits allow.
constexpr std::uint64_t id_distance(Id base, Id id) noexcept {
  return static_cast<std::uint64_t>(id) - static_cast<std::uint64_t>(base);
}

// One bit per row of a chunk; set when the row was removed.
using DeadRows = std::vector<std::uint64_t>;

// What the rows of a chunk live in when it is not a file. Those past the published count belong to the writer alone.
struct ChunkMemory {
  Matrix codes;
  std::unique_ptr<Id[]> ids;
};

// Consecutive codes and their ids. Rows [0, count) never change while anyone looks at them.
struct Chunk {
  // Ascending through a store; names the chunk across snapshots. By cells, the number of the cell, where it was ever
  // touched.
  std::uint32_t serial = 0;
  bool mapped = false;
  const Byte* codes = nullptr;
  const Id* ids = nullptr;  // null: row i has id first_id + i
  Id first_id = 0;
  std::size_t count = 0;
  std::size_t dead_count = 0;
  std::shared_ptr<const DeadRows> dead = {};  // null: all live
  // In planes, the bytes of one code lie among those of others, so that rows cannot be written beside published ones
  // while someone reads. A last group that may still grow is therefore published as this copy.
  std::shared_ptr<const Byte[]> last_group = {};
  std::shared_ptr<const void> owner = {};  // keeps codes and ids
  ChunkMemory* room = nullptr;             // for the writer, who may put rows up to `capacity` there; null: it is full
  std::size_t capacity = 0;
  const Byte* shadows = nullptr;  // of the snapshot's shadow, one a row
  std::shared_ptr<const void> shadow_owner = {};

  Id id(std::size_t row) const noexcept { return ids ? ids[row] : first_id + static_cast<Id>(row); }
  bool alive(std::size_t row) const noexcept { return !dead || ((*dead)[row / 64] >> (row % 64) & 1) == 0; }
  std::size_t live() const noexcept { return count - dead_count; }
  std::size_t held() const noexcept { return room ? capacity : count; }  // rows that there is memory for
  // Planes: group g, the groups `stride` bytes apart.
  const Byte* group(std::size_t g, std::ptrdiff_t stride) const noexcept {
    return last_group && g == count / kGroupRows ? last_group.get() : codes + static_cast<std::ptrdiff_t>(g) * stride;
  }
};

// Chunks by position, in blocks that tables share: a copy of a table costs a pointer a block, and a change of it copies
// the blocks that it touches. Blocks of cells that were never touched are not there.
class ChunkTable {
 public:
  ChunkTable() = default;
  // Empty chunks, whose serials are their positions once they are edited.
  explicit ChunkTable(std::size_t cells) : blocks_((cells + kBlock - 1) / kBlock), size_(cells) {}

  std::size_t size() const noexcept { return size_; }
  bool empty() const noexcept { return size_ == 0; }
  const Chunk& operator[](std::size_t i) const noexcept {
    const Block* const block = blocks_[i / kBlock].get();
    return block ? (*block)[i % kBlock] : kEmpty;
  }
  const Chunk& back() const noexcept { return (*this)[size_ - 1]; }

  // Of the table itself.
  std::size_t memory_bytes() const noexcept {
    const auto there =
        static_cast<std::size_t>(std::count_if(blocks_.begin(), blocks_.end(), [](auto& b) { return b; }));
    return blocks_.size() * sizeof(blocks_[0]) + there * kBlock * sizeof(Chunk);
  }

  // To write to, in a table that no other thread sees yet. Holds until the next chunk comes.
  Chunk& edit(std::size_t i) { return own(i / kBlock)[i % kBlock]; }
  Chunk& push_back(Chunk chunk) {
    if (size_ % kBlock == 0) {
      blocks_.push_back(std::make_shared<Block>());
      blocks_.back()->reserve(kBlock);
    }
    Block& last = own(size_ / kBlock);
    ++size_;
    return last.emplace_back(std::move(chunk));
  }

  class Iterator {
   public:
    using iterator_category = std::random_access_iterator_tag;
    using value_type = Chunk;
    using difference_type = std::ptrdiff_t;
    using pointer = const Chunk*;
    using reference = const Chunk&;

    Iterator() = default;
    Iterator(const ChunkTable& table, std::size_t at) : table_(&table), at_(static_cast<std::ptrdiff_t>(at)) {}
    reference operator*() const noexcept { return (*table_)[static_cast<std::size_t>(at_)]; }
    pointer operator->() const noexcept { return &**this; }
    reference operator[](difference_type n) const noexcept { return *(*this + n); }
    Iterator& operator++() noexcept { return *this += 1; }
    Iterator operator++(int) noexcept { return std::exchange(*this, *this + 1); }
    Iterator& operator--() noexcept { return *this += -1; }
    Iterator operator--(int) noexcept { return std::exchange(*this, *this + -1); }
    Iterator& operator+=(difference_type n) noexcept { return at_ += n, *this; }
    Iterator& operator-=(difference_type n) noexcept { return at_ -= n, *this; }
    friend Iterator operator+(Iterator it, difference_type n) noexcept { return it += n; }
    friend Iterator operator+(difference_type n, Iterator it) noexcept { return it += n; }
    friend Iterator operator-(Iterator it, difference_type n) noexcept { return it -= n; }
    friend difference_type operator-(Iterator a, Iterator b) noexcept { return a.at_ - b.at_; }
    friend bool operator==(Iterator a, Iterator b) noexcept { return a.at_ == b.at_; }
    friend auto operator<=>(Iterator a, Iterator b) noexcept { return a.at_ <=> b.at_; }

   private:
    const ChunkTable* table_ = nullptr;
    std::ptrdiff_t at_ = 0;
  };
  Iterator begin() const noexcept { return {*this, 0}; }
  Iterator end() const noexcept { return {*this, size_}; }

 private:
  static constexpr std::size_t kBlock = 32;
  using Block = std::vector<Chunk>;
  static inline const Chunk kEmpty = {};

  // Only tables that are being made hold a block alone: what readers see, the store holds too.
  Block& own(std::size_t b) {
    if (!blocks_[b]) {
      blocks_[b] = std::make_shared<Block>();
      blocks_[b]->reserve(kBlock);
      const std::size_t end = std::min(size_, (b + 1) * kBlock);
      for (std::size_t i = b * kBlock; i < end; ++i) blocks_[b]->push_back({.serial = static_cast<std::uint32_t>(i)});
    } else if (blocks_[b].use_count() > 1) {
      auto copy = std::make_shared<Block>();
      copy->reserve(kBlock);
      copy->assign(blocks_[b]->begin(), blocks_[b]->end());
      blocks_[b] = std::move(copy);
    }
    return *blocks_[b];
  }

  std::vector<std::shared_ptr<Block>> blocks_;
  std::size_t size_ = 0;
};

}  // namespace knear
