// Finds the stored row that is the same as a new one, bit for bit: by a hash, then by comparing.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <span>
#include <vector>

#include "core/id_map.h"
#include "knear/index.h"

namespace knear {

class RowFinder {
 public:
  static constexpr std::uint64_t kNone = ~std::uint64_t{0};
  using Hash = std::uint64_t (*)(const float* row, std::size_t dim);
  // Writes row i, as the index keeps it.
  using RowOf = std::function<void(std::size_t i, float* row)>;

  struct Matches {
    std::vector<std::uint64_t> hashes;
    std::vector<std::size_t> leader;   // of each row, the first that is the same
    std::vector<std::uint64_t> group;  // of each leader, the id of the same row in the index, or kNone
  };

  // The index outlives it.
  explicit RowFinder(const Index& index, Hash hash = hash_of) : index_(index), hash_(hash) {}

  // Bits of different rows hardly ever agree; other ones in each process.
  static std::uint64_t hash_of(const float* row, std::size_t dim);

  // Does it know the rows of the index? If not, learn() makes it know them, which takes a hash of each.
  bool knows() const noexcept { return knows_; }
  void learn(std::span<const Id> ids, const RunOptions& run);
  void forget() noexcept;  // all rows, and that it knew them
  void empty() noexcept;   // it knows that there are none

  Matches match(std::size_t count, const RowOf& row_of, const RunOptions& run) const;

  // Follows the index. Without memory it forgets.
  void add(std::uint64_t id, std::uint64_t hash) noexcept;
  void remove(std::uint64_t id) noexcept;
  std::size_t memory_bytes() const noexcept;

 private:
  struct Pair {
    std::size_t row;
    std::uint64_t group;
  };
  void hash_rows(std::size_t count, const RowOf& row_of, const RunOptions& run, std::uint64_t* hashes) const;
  void find_leaders(Matches& matches, const RowOf& row_of) const;
  std::vector<Pair> candidates(const Matches& matches) const;

  const Index& index_;
  Hash hash_;
  bool knows_ = true;
  IdMap first_;                                         // hash -> id of a row
  std::multimap<std::uint64_t, std::uint64_t> others_;  // other rows with the same hash
  std::vector<std::uint64_t> hashes_;                   // by id
};

}  // namespace knear
