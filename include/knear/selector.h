// Which ids a search, a removal or a merge may touch.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <vector>

namespace knear {

// The user's name for a vector. Any value but -1, which stands for "no result".
using Id = std::int64_t;
inline constexpr Id kNoId = -1;

// A set of ids. Immutable once made, and safe to ask from many threads at once
// (the user predicate must be, too, unless it says it is serial).
class Selector {
 public:
  virtual ~Selector() = default;

  // May this id be used?
  virtual bool contains(Id id) const = 0;

  // bits[i / 64] bit (i % 64) = contains(ids[i]). Bits past n are zero. Overridden to be faster.
  virtual void test(const Id* ids, std::size_t n, std::uint64_t* bits) const;
  // The same for ids first, first + 1, …, first + n - 1.
  virtual void test_range(Id first, std::size_t n, std::uint64_t* bits) const;
};

using SelectorPtr = std::shared_ptr<const Selector>;

SelectorPtr select_all();
SelectorPtr select_range(Id first, Id end);                        // first <= id < end
SelectorPtr select_array(std::span<const Id> ids);                 // few ids: a sorted array
SelectorPtr select_batch(std::span<const Id> ids);                 // many ids: a hash set
SelectorPtr select_bitmap(const std::vector<std::uint8_t>& bits);  // id allowed when bit id % 8 of byte id / 8 is set
SelectorPtr select_not(SelectorPtr a);
SelectorPtr select_and(SelectorPtr a, SelectorPtr b);
SelectorPtr select_or(SelectorPtr a, SelectorPtr b);
SelectorPtr select_xor(SelectorPtr a, SelectorPtr b);
SelectorPtr select_if(std::function<bool(Id)> predicate);  // called from many threads

}  // namespace knear
