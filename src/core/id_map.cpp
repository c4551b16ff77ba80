#include "core/id_map.h"

#include <algorithm>
#include <bit>
#include <cassert>
#include <random>
#include <utility>

#include "core/mix.h"

namespace knear {
namespace {

constexpr std::size_t kFewestPlaces = 16;

std::uint64_t random_seed() noexcept {
  try {
    std::random_device device;
    return (std::uint64_t{device()} << 32) | device();
  } catch (...) {
    return 0x9e3779b97f4a7c15u;  // a process without random numbers still works
  }
}

const std::uint64_t kSeed = random_seed();

// The places that hold `count` ids three quarters full.
std::size_t places_for(std::size_t count) {
  return count == 0 ? 0 : std::bit_ceil(std::max(count + (count + 2) / 3, kFewestPlaces));
}

}  // namespace

std::size_t IdMap::home_of(Id id) const noexcept { return mix(static_cast<std::uint64_t>(id) ^ kSeed) & mask(); }

std::size_t IdMap::place_of(Id id) const noexcept {
  std::size_t at = home_of(id);
  while (places_[at].slot != kNoSlot && places_[at].id != id) at = (at + 1) & mask();
  return at;
}

std::uint64_t IdMap::find(Id id) const noexcept { return size_ == 0 ? kNoSlot : places_[place_of(id)].slot; }

IdMap::Place& IdMap::place_for(Id id) {
  if (size_ >= places_.size() / 4 * 3) resize_places(std::max(2 * places_.size(), kFewestPlaces));
  return places_[place_of(id)];
}

bool IdMap::insert(Id id, std::uint64_t slot) {
  assert(slot != kNoSlot);
  Place& place = place_for(id);
  if (place.slot != kNoSlot) return false;
  place = {id, slot};
  ++size_;
  return true;
}

void IdMap::assign(Id id, std::uint64_t slot) {
  assert(slot != kNoSlot);
  Place& place = place_for(id);
  if (place.slot == kNoSlot) ++size_;
  place = {id, slot};
}

bool IdMap::erase(Id id) noexcept {
  if (size_ == 0) return false;
  std::size_t hole = place_of(id);
  if (places_[hole].slot == kNoSlot) return false;
  // Followers whose home is not between the hole and themselves move back, so that no search meets a gap.
  for (std::size_t at = (hole + 1) & mask(); places_[at].slot != kNoSlot; at = (at + 1) & mask()) {
    const std::size_t from_home = (at - home_of(places_[at].id)) & mask();
    const std::size_t from_hole = (at - hole) & mask();
    if (from_home < from_hole) continue;
    places_[hole] = places_[at];
    hole = at;
  }
  places_[hole].slot = kNoSlot;
  --size_;
  return true;
}

void IdMap::clear() noexcept {
  std::vector<Place>().swap(places_);
  size_ = 0;
}

void IdMap::reserve(std::size_t count) {
  const std::size_t wanted = places_for(count);
  if (wanted > places_.size()) resize_places(wanted);
}

void IdMap::resize_places(std::size_t place_count) {
  const std::vector<Place> old = std::exchange(places_, std::vector<Place>(place_count));
  for (const Place& place : old)
    if (place.slot != kNoSlot) places_[place_of(place.id)] = place;
}

}  // namespace knear
