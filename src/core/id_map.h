// Where the vector of an id lies: id -> slot.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "knear/selector.h"

namespace knear {

// A hash map from any id to a slot below kNoSlot: 16 bytes per place, at most three quarters of the places
// taken. Open addressing with linear probing; erasing shifts the followers back, so nothing ages.
// Ids chosen to collide do not slow it down: each process mixes them with a number of its own.
class IdMap {
 public:
  static constexpr std::uint64_t kNoSlot = ~std::uint64_t{0};

  std::size_t size() const noexcept { return size_; }
  bool contains(Id id) const noexcept { return find(id) != kNoSlot; }
  // The slot of an id, or kNoSlot.
  std::uint64_t find(Id id) const noexcept;

  // False, and nothing changes, when the id is there already.
  bool insert(Id id, std::uint64_t slot);
  // Inserts or overwrites.
  void assign(Id id, std::uint64_t slot);
  // False when the id is not there.
  bool erase(Id id) noexcept;

  void clear() noexcept;            // gives the memory back
  void reserve(std::size_t count);  // no growing until there are `count` ids
  std::size_t memory_bytes() const noexcept { return places_.capacity() * sizeof(Place); }

 private:
  struct Place {
    Id id = 0;
    std::uint64_t slot = kNoSlot;  // kNoSlot: the place is free
  };

  std::size_t mask() const noexcept { return places_.size() - 1; }
  std::size_t home_of(Id id) const noexcept;   // where the search for an id starts
  std::size_t place_of(Id id) const noexcept;  // where it is, or the free place where it would be put
  Place& place_for(Id id);                     // the same after growing when it has to
  void resize_places(std::size_t place_count);

  std::vector<Place> places_;  // none, or a power of two of them
  std::size_t size_ = 0;
};

}  // namespace knear
