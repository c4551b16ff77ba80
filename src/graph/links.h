// The edges of a graph: records of 32-bit words in blocks that never move, so that walks need no lock.
//
// Record of a vertex on the lowest level: how many edges, depth (a float32), the next row with the same code, the last
// of these, where its records of the upper levels begin, how many these are, then room for edges. Record of an
// upper level: how many edges, room for M.
#pragma once

#include <algorithm>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <unordered_set>
#include <vector>

#include "core/mix.h"
#include "storage/snapshot.h"

namespace knear {

using Vertex = std::uint32_t;
inline constexpr Vertex kNoVertex = ~Vertex{0};
inline constexpr std::size_t kMostLevels = 15;  // above the lowest
inline constexpr std::size_t kMostVertices = 0xfffffff0;

// Words that walks read while a writer changes them: old and new ones may mix, none is torn.
inline std::uint32_t read_word(const std::uint32_t* word) noexcept {
  return std::atomic_ref<std::uint32_t>(*const_cast<std::uint32_t*>(word)).load(std::memory_order_relaxed);
}
inline void write_word(std::uint32_t* word, std::uint32_t value) noexcept {
  std::atomic_ref<std::uint32_t>(*word).store(value, std::memory_order_relaxed);
}

// Records of one size, in blocks that copies share.
class Records {
 public:
  static constexpr std::size_t kBlock = 4096;  // records

  explicit Records(std::size_t words) : words_(words) {}

  std::size_t words() const noexcept { return words_; }
  std::size_t size() const noexcept { return size_; }
  std::size_t memory_bytes() const noexcept;
  std::size_t mapped_bytes() const noexcept;
  const std::uint32_t* operator[](std::size_t i) const noexcept {
    return blocks_[i / kBlock].words + i % kBlock * words_;
  }
  // Not for records of a file: see own().
  std::uint32_t* edit(std::size_t i) noexcept {
    return const_cast<std::uint32_t*>(blocks_[i / kBlock].words) + i % kBlock * words_;
  }
  // Makes record i one that may be edited: copies its block if that lies in a file.
  void own(std::size_t i);
  // Room for `count` more, all zero.
  void grow(std::size_t count);
  // Takes over records of a file.
  void take(const std::uint32_t* words, std::size_t count, const std::shared_ptr<const void>& owner);

 private:
  struct Block {
    const std::uint32_t* words = nullptr;
    std::shared_ptr<const void> owner = {};
    bool foreign = false;
  };
  Block new_block() const;

  std::size_t words_;
  std::size_t size_ = 0;
  std::vector<Block> blocks_;
};

// Records as they were before a change. Puts them back when it goes, unless it was told to forget them.
class Undo {
 public:
  Undo() = default;
  Undo(const Undo&) = delete;
  Undo& operator=(const Undo&) = delete;
  ~Undo();
  void keep(std::uint32_t* record, std::size_t words);
  void forget() noexcept;

 private:
  struct Old {
    std::uint32_t* record;
    std::size_t words;
    std::size_t at;
  };
  std::mutex mutex_;
  std::unordered_set<const std::uint32_t*> kept_;
  std::vector<Old> old_;
  std::vector<std::uint32_t> words_;
};

// What a graph is like, whatever its rows.
struct LinksForm {
  std::size_t M = 0;
  std::size_t lowest_edges = 0;  // room of a vertex on the lowest level, up to 2 M
  bool has_levels = true;
  float stretch = 1;  // a row gets no edge when one chosen before is so many times nearer to it
  std::uint64_t seed = 0;
};

// A graph as of one moment. Later ones share its records: what they add is told by `count`, beyond which edges do not
// count.
struct Links final : BesideRows, LinksForm {
  explicit Links(const LinksForm& form) : LinksForm(form), lowest(kHead + form.lowest_edges), upper(1 + form.M) {}

  static constexpr std::size_t kHead = 6;
  enum Head : std::size_t { edges = 0, depth = 1, twin = 2, last_twin = 3, above = 4, levels = 5 };

  std::size_t count = 0;  // vertices: rows of the store, in order
  Vertex entry = kNoVertex;
  std::size_t top = 0;  // level of the entry
  double most = 0;      // under inner product: the largest squared length when the graph began
  Records lowest;
  Records upper;
  std::vector<Vertex> apart = {};                         // rows that no walk can tell the distance of, ascending
  std::shared_ptr<Undo> undo = std::make_shared<Undo>();  // goes before the records

  std::size_t most_edges(std::size_t level) const noexcept { return level == 0 ? lowest_edges : M; }
  // On which level a new vertex is: one in M of a level is on the next, too.
  std::size_t level_for(Vertex v) const noexcept {
    std::uint64_t bits = mix(seed ^ mix(v + 1));
    std::size_t level = 0;
    if (!has_levels) return level;
    for (; level < kMostLevels && bits % M == 0; bits /= M) ++level;
    return level;
  }
  // A file may say anything: what is not there counts as empty.
  std::size_t level_of(Vertex v) const noexcept {
    const std::size_t there = read_word(lowest[v] + levels);
    const std::size_t first = read_word(lowest[v] + above);
    return there <= kMostLevels && first + there <= upper.size() ? there : 0;
  }
  const std::uint32_t* record(Vertex v, std::size_t level) const noexcept {
    return level == 0 ? lowest[v] : upper[read_word(lowest[v] + above) + level - 1];
  }
  std::uint32_t* edit(Vertex v, std::size_t level) noexcept {
    return level == 0 ? lowest.edit(v) : upper.edit(read_word(lowest[v] + above) + level - 1);
  }
  static std::size_t first_edge(std::size_t level) noexcept { return level == 0 ? kHead : 1; }
  // The edges of a vertex that are there: copied to `out`, which has room for 2 M.
  std::size_t edges_of(Vertex v, std::size_t level, Vertex* out) const noexcept {
    const std::uint32_t* const words = record(v, level);
    const std::size_t most_of = most_edges(level);
    const std::size_t n = std::min<std::size_t>(read_word(words), most_of);
    std::size_t kept = 0;
    for (std::size_t i = 0; i < n; ++i) {
      const Vertex to = read_word(words + first_edge(level) + i);
      if (to < count && (level == 0 || level <= level_of(to))) out[kept++] = to;
    }
    return kept;
  }
  void set_edges(Vertex v, std::size_t level, std::span<const Vertex> to) noexcept {
    std::uint32_t* const words = edit(v, level);
    for (std::size_t i = 0; i < to.size(); ++i) write_word(words + first_edge(level) + i, to[i]);
    write_word(words, static_cast<std::uint32_t>(to.size()));
  }
  float depth_of(Vertex v) const noexcept { return std::bit_cast<float>(read_word(lowest[v] + depth)); }
  // Behind a vertex, rows with its code, in ascending order.
  Vertex twin_of(Vertex v) const noexcept {
    const Vertex next = read_word(lowest[v] + twin);
    return next > v && next < count ? next : kNoVertex;
  }
};

// Which slot of a store each vertex is.
class Places {
 public:
  explicit Places(const Snapshot& snapshot);

  std::size_t count() const noexcept { return starts_.back(); }
  const Chunk& chunk(std::size_t c) const noexcept { return *chunks_[c]; }
  struct Place {
    std::size_t chunk;
    std::size_t row;
  };
  Place operator[](Vertex v) const noexcept {
    std::size_t c = pages_[v / kPage];
    while (v >= starts_[c + 1]) ++c;
    return {c, v - starts_[c]};
  }

 private:
  static constexpr std::size_t kPage = 1024;
  std::vector<std::size_t> starts_;
  std::vector<std::uint32_t> pages_;  // the chunk of the first vertex of each page
  std::vector<const Chunk*> chunks_;
};

}  // namespace knear
