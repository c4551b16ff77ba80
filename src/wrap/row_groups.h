// Which ids share a row: groups of ids, by the number under which the row is stored.
#pragma once

#include <atomic>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <vector>

#include "core/id_map.h"
#include "knear/selector.h"

namespace knear {

// Many may read it, also look up ids, while nobody applies a change.
class RowGroups {
 public:
  static constexpr std::uint64_t kNone = ~std::uint64_t{0};

  struct Member {
    std::uint64_t group;
    Id id;
    bool operator==(const Member&) const = default;
    friend bool operator<(const Member& a, const Member& b) noexcept {
      return a.group < b.group || (a.group == b.group && a.id < b.id);
    }
  };
  // Both sorted. Of an id that leaves a group, all that it is a member of are here.
  struct Change {
    std::vector<Member> leave;
    std::vector<Member> join;  // after that; groups may be new, their numbers are then the next ones
    Id next_id = 0;
    bool repeated = false;  // from now on an id may stand more than once
  };
  class Room;

  std::size_t ids() const noexcept { return ids_; }
  std::size_t live() const noexcept { return live_; }                // groups with ids
  std::uint64_t numbers() const noexcept { return groups_.size(); }  // of groups are below it
  Id next_id() const noexcept { return next_id_; }
  bool repeated() const noexcept { return repeated_; }
  // Do the smallest ids of groups ascend with their numbers?
  bool in_order() const noexcept { return in_order_; }
  // Its ids, ascending; none for any number that is no group's.
  std::span<const Id> of(std::uint64_t group) const noexcept;

  // The group of an id, the last of them, or kNone.
  std::uint64_t group_of(Id id) const;
  bool contains(Id id) const { return group_of(id) != kNone; }
  // All memberships of these ids, sorted, and of the ids that a selector names.
  std::vector<Member> members_of(std::span<const Id> ids) const;
  std::vector<Member> members_of(const Selector& selector) const;

  // What a change needs to be applied without asking for memory.
  Room room_for(const Change& change) const;
  void apply(const Change& change, Room room) noexcept;
  void clear() noexcept;

  // Takes over what a file says: how many ids each number has, and the ids, group by group. Error::corrupt_file unless
  // they ascend and are as many.
  void read(std::span<const std::uint64_t> counts, std::span<const Id> ids, Id next_id, bool repeated);
  std::size_t memory_bytes() const noexcept;

 private:
  using Ids = std::vector<Id>;
  struct Group {
    Id id = kNoId;                       // the smallest; kNoId: there is none
    std::unique_ptr<Ids> ids = nullptr;  // all, where they are several
  };

  void remove_run(std::span<const Member> run) noexcept;
  void add_run(std::span<const Member> run) noexcept;
  void settle(Group& group) noexcept;
  void follow(const Change& change) noexcept;
  void ready_map() const;

  std::vector<Group> groups_;
  std::size_t ids_ = 0;
  std::size_t live_ = 0;
  std::size_t list_bytes_ = 0;
  Id next_id_ = 0;
  Id top_ = kNoId;  // the largest of the groups' smallest ids so far
  bool any_ = false;
  bool repeated_ = false;
  bool in_order_ = true;
  mutable std::mutex map_mutex_;  // of readers who find no map
  mutable std::atomic<bool> map_ready_ = false;
  mutable IdMap map_;  // id -> its last group; built when first needed
};

class RowGroups::Room {
 private:
  friend class RowGroups;
  struct Grown {
    std::uint64_t group;
    std::unique_ptr<Ids> ids;
  };
  std::vector<Group> groups_;   // room for all, where there is not enough
  std::vector<Grown> lists_;    // with the ids so far
  std::vector<Member> firsts_;  // smallest ids of the groups that change, before that
};

}  // namespace knear
