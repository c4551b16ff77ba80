#include "wrap/row_groups.h"

#include <algorithm>
#include <bit>
#include <utility>

#include "core/check.h"

namespace knear {
namespace {

constexpr std::size_t kTestedAtOnce = 4096;

// Calls `each` with the members of one group after the other.
template <class Each>
void by_group(std::span<const RowGroups::Member> members, Each each) {
  for (std::size_t first = 0; first < members.size();) {
    std::size_t end = first + 1;
    while (end < members.size() && members[end].group == members[first].group) ++end;
    each(members.subspan(first, end - first));
    first = end;
  }
}

}  // namespace

std::span<const Id> RowGroups::of(std::uint64_t group) const noexcept {
  if (group >= groups_.size()) return {};
  const Group& one = groups_[group];
  if (one.ids) return *one.ids;
  return {&one.id, one.id == kNoId ? std::size_t{0} : std::size_t{1}};
}

void RowGroups::ready_map() const {
  if (map_ready_.load(std::memory_order_acquire)) return;
  const std::lock_guard lock(map_mutex_);
  if (map_ready_.load(std::memory_order_relaxed)) return;
  map_ = IdMap();
  map_.reserve(ids_);
  for (std::uint64_t group = 0; group < groups_.size(); ++group) {
    for (const Id id : of(group)) map_.assign(id, group);
  }
  map_ready_.store(true, std::memory_order_release);
}

std::uint64_t RowGroups::group_of(Id id) const {
  ready_map();
  return map_.find(id);
}

std::vector<RowGroups::Member> RowGroups::members_of(std::span<const Id> ids) const {
  if (repeated_) return members_of(*select_batch(ids));
  ready_map();
  std::vector<Member> members;
  for (const Id id : ids) {
    const std::uint64_t group = map_.find(id);
    if (group != kNone) members.push_back({group, id});
  }
  std::sort(members.begin(), members.end());
  members.erase(std::unique(members.begin(), members.end()), members.end());
  return members;
}

std::vector<RowGroups::Member> RowGroups::members_of(const Selector& selector) const {
  std::vector<Member> members;
  std::vector<Member> some;
  Ids ids;
  std::uint64_t bits[kTestedAtOnce / 64];
  const auto test = [&] {
    selector.test(ids.data(), ids.size(), bits);
    for (std::size_t i = 0; i < ids.size(); ++i) {
      if (bits[i / 64] >> (i % 64) & 1) members.push_back(some[i]);
    }
    ids.clear();
    some.clear();
  };
  for (std::uint64_t group = 0; group < groups_.size(); ++group) {
    for (const Id id : of(group)) {
      ids.push_back(id);
      some.push_back({group, id});
      if (ids.size() == kTestedAtOnce) test();
    }
  }
  if (!ids.empty()) test();
  return members;
}

RowGroups::Room RowGroups::room_for(const Change& change) const {
  Room room;
  const std::uint64_t numbers = change.join.empty() ? 0 : change.join.back().group + 1;
  if (numbers > groups_.capacity()) room.groups_.reserve(std::max<std::size_t>(numbers, 2 * groups_.size()));
  const auto note_first = [&](std::uint64_t group) {
    room.firsts_.push_back({group, of(group).empty() ? kNoId : of(group)[0]});
  };
  by_group(change.leave, [&](std::span<const Member> run) { note_first(run[0].group); });
  by_group(change.join, [&](std::span<const Member> run) {
    const std::uint64_t group = run[0].group;
    note_first(group);
    const std::span<const Id> now = of(group);
    const std::size_t total = now.size() + run.size();
    const bool has_list = group < groups_.size() && groups_[group].ids;
    if (total < 2 || (has_list && groups_[group].ids->capacity() >= total)) return;
    auto ids = std::make_unique<Ids>();
    ids->reserve(has_list ? std::max(total, 2 * now.size()) : total);
    ids->assign(now.begin(), now.end());
    room.lists_.push_back({group, std::move(ids)});
  });
  std::sort(room.firsts_.begin(), room.firsts_.end());
  room.firsts_.erase(std::unique(room.firsts_.begin(), room.firsts_.end()), room.firsts_.end());
  return room;
}

void RowGroups::apply(const Change& change, Room room) noexcept {
  const std::uint64_t before = groups_.size();
  const std::uint64_t numbers = change.join.empty() ? 0 : change.join.back().group + 1;
  if (numbers > groups_.capacity()) {
    for (Group& group : groups_) room.groups_.push_back(std::move(group));
    groups_.swap(room.groups_);
  }
  if (numbers > before) groups_.resize(numbers);
  for (auto& [group, ids] : room.lists_) {
    if (groups_[group].ids) list_bytes_ -= groups_[group].ids->capacity() * sizeof(Id);
    list_bytes_ += ids->capacity() * sizeof(Id);
    groups_[group].ids = std::move(ids);
  }
  by_group(change.leave, [&](std::span<const Member> run) { remove_run(run); });
  by_group(change.join, [&](std::span<const Member> run) { add_run(run); });
  for (const auto& [group, first] : room.firsts_) {
    Group& changed = groups_[group];
    settle(changed);
    if (changed.id == kNoId || changed.id == first) continue;
    in_order_ = in_order_ && group >= before && (!any_ || changed.id > top_);
    top_ = any_ ? std::max(top_, changed.id) : changed.id;
    any_ = true;
  }
  next_id_ = change.next_id;
  repeated_ = repeated_ || change.repeated;
  follow(change);
}

// The ids of one group that go, both in ascending order.
void RowGroups::remove_run(std::span<const Member> run) noexcept {
  Group& group = groups_[run[0].group];
  ids_ -= run.size();
  if (!group.ids) {
    group.id = kNoId;
    --live_;
    return;
  }
  std::size_t kept = 0;
  auto gone = run.begin();
  for (const Id id : *group.ids) {
    if (gone != run.end() && gone->id == id) {
      ++gone;
    } else {
      (*group.ids)[kept++] = id;
    }
  }
  group.ids->resize(kept);
  if (kept == 0) {
    group.id = kNoId;
    --live_;
  }
}

void RowGroups::add_run(std::span<const Member> run) noexcept {
  Group& group = groups_[run[0].group];
  if (group.id == kNoId) ++live_;
  ids_ += run.size();
  if (!group.ids) {
    group.id = run[0].id;
    return;
  }
  group.id = run[0].id;  // not none: settle() looks for the smallest
  const auto middle = static_cast<std::ptrdiff_t>(group.ids->size());
  for (const Member& member : run) group.ids->push_back(member.id);
  std::inplace_merge(group.ids->begin(), group.ids->begin() + middle, group.ids->end());
}

void RowGroups::settle(Group& group) noexcept {
  if (!group.ids) return;
  group.id = group.ids->empty() ? kNoId : group.ids->front();
  if (group.ids->size() > 1) return;
  list_bytes_ -= group.ids->capacity() * sizeof(Id);
  group.ids = nullptr;
}

// A map that does not get the memory it needs is dropped: it will be built again when something asks for it.
void RowGroups::follow(const Change& change) noexcept {
  if (!map_ready_) return;
  try {
    for (const Member& member : change.leave) map_.erase(member.id);
    map_.reserve(map_.size() + change.join.size());
    for (const Member& member : change.join) {
      const std::uint64_t known = repeated_ ? map_.find(member.id) : kNone;
      if (known == kNone || known < member.group) map_.assign(member.id, member.group);
    }
  } catch (const std::exception&) {
    map_.clear();
    map_ready_ = false;
  }
}

void RowGroups::clear() noexcept {
  groups_ = std::vector<Group>();
  ids_ = live_ = list_bytes_ = 0;
  next_id_ = 0;
  any_ = repeated_ = false;
  in_order_ = true;
  map_.clear();
  map_ready_ = false;
}

void RowGroups::read(std::span<const std::uint64_t> counts, std::span<const Id> ids, Id next_id, bool repeated) {
  std::vector<Group> groups(counts.size());
  std::size_t at = 0;
  clear();
  for (std::size_t g = 0; g < counts.size(); ++g) {
    if (counts[g] > ids.size() - at)
      fail(Error::corrupt_file, "groups of rows have more than the ", ids.size(), " ids");
    const std::span<const Id> mine = ids.subspan(at, counts[g]);
    at += mine.size();
    if (mine.empty()) continue;
    const auto wrong = [repeated](Id a, Id b) { return repeated ? a > b : a >= b; };
    if (std::adjacent_find(mine.begin(), mine.end(), wrong) != mine.end() ||
        std::find(mine.begin(), mine.end(), kNoId) != mine.end()) {
      fail(Error::corrupt_file, "the ids of group ", g, " do not ascend, or one is ", kNoId);
    }
    groups[g].id = mine[0];
    if (mine.size() > 1) {
      groups[g].ids = std::make_unique<Ids>(mine.begin(), mine.end());
      list_bytes_ += groups[g].ids->capacity() * sizeof(Id);
    }
    in_order_ = in_order_ && (!any_ || mine[0] > top_);
    top_ = any_ ? std::max(top_, mine[0]) : mine[0];
    any_ = true;
    ++live_;
  }
  if (at != ids.size()) fail(Error::corrupt_file, "groups of rows have ", at, " ids, not ", ids.size());
  groups_ = std::move(groups);
  ids_ = at;
  next_id_ = next_id;
  repeated_ = repeated;
}

std::size_t RowGroups::memory_bytes() const noexcept {
  return groups_.capacity() * sizeof(Group) + list_bytes_ + (map_ready_ ? map_.memory_bytes() : 0);
}

}  // namespace knear
