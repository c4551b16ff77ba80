// Which ids were there already.
#pragma once

#include <algorithm>
#include <limits>
#include <vector>

#include "core/id_map.h"
#include "storage/chunk.h"

namespace knear {

// Of some ids; of none when least > most.
struct IdRange {
  Id least = std::numeric_limits<Id>::max();
  Id most = std::numeric_limits<Id>::min();

  bool overlaps(const IdRange& other) const noexcept { return least <= other.most && other.least <= most; }
  void take_in(const IdRange& other) noexcept {
    least = std::min(least, other.least);
    most = std::max(most, other.most);
  }
};

// Ids out of a range, as bits where they lie close together, else in a map of about 16 bytes each.
class SeenIds {
 public:
  SeenIds(const IdRange& range, std::uint64_t rows) : least_(range.least) {
    if (range.least > range.most) return;
    const std::uint64_t words = id_distance(range.least, range.most) / 64 + 1;
    if (words <= 2 * rows) bits_.resize(words);
  }
  bool contains(Id id) const noexcept {
    if (bits_.empty()) return map_.contains(id);
    const std::uint64_t at = id_distance(least_, id);
    return (bits_[at / 64] >> (at % 64) & 1) != 0;
  }
  // False when it was there already.
  bool insert(Id id) {
    if (bits_.empty()) return map_.insert(id, 0);
    const std::uint64_t at = id_distance(least_, id);
    const std::uint64_t bit = std::uint64_t{1} << (at % 64);
    const bool is_new = (bits_[at / 64] & bit) == 0;
    bits_[at / 64] |= bit;
    return is_new;
  }

 private:
  Id least_;
  std::vector<std::uint64_t> bits_;  // none: the map knows
  IdMap map_;
};

}  // namespace knear
