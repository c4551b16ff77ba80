// Rows of a DedupIndex on their way in and out.
#include <algorithm>
#include <chrono>
#include <limits>
#include <numeric>
#include <optional>
#include <set>

#include "codec/rows_to_store.h"
#include "core/call_limits.h"
#include "core/check.h"
#include "core/parallel_for.h"
#include "wrap/dedup_state.h"

namespace knear {
namespace {

using Clock = std::chrono::steady_clock;

constexpr Id kLargest = std::numeric_limits<Id>::max();
constexpr std::size_t kTaskRows = 512;
constexpr std::uint64_t kFewNumbers = 1024;  // for which none are looked for that are free

bool strictly_ascending(std::span<const Id> ids) {
  return std::adjacent_find(ids.begin(), ids.end(), std::greater_equal<Id>()) == ids.end();
}

// The smallest id that stands twice, if any does.
std::optional<Id> repeated_id(std::span<const Id> ids) {
  if (strictly_ascending(ids)) return std::nullopt;
  std::vector<Id> sorted(ids.begin(), ids.end());
  std::sort(sorted.begin(), sorted.end());
  const auto twice = std::adjacent_find(sorted.begin(), sorted.end());
  return twice == sorted.end() ? std::nullopt : std::optional(*twice);
}

void require_new(const RowGroups& groups, std::span<const Id> ids) {
  if (const auto twice = repeated_id(ids)) fail(Error::duplicate_id, "id ", *twice, " is given twice");
  for (const Id id : ids) {
    if (groups.group_of(id) != RowGroups::kNone) fail(Error::duplicate_id, "id ", id, " is in the index already");
  }
}

// Groups that lose all their ids and gain none.
std::set<std::uint64_t> emptied(const RowGroups& groups, const RowGroups::Change& change) {
  std::set<std::uint64_t> all;
  const auto& leave = change.leave;
  for (std::size_t first = 0; first < leave.size();) {
    const std::uint64_t group = leave[first].group;
    std::size_t end = first;
    while (end < leave.size() && leave[end].group == group) ++end;
    const auto join =
        std::lower_bound(change.join.begin(), change.join.end(), group,
                         [](const RowGroups::Member& member, std::uint64_t g) { return member.group < g; });
    const bool gains = join != change.join.end() && join->group == group;
    if (end - first == groups.of(group).size() && !gains) all.insert(all.end(), group);
    first = end;
  }
  return all;
}

}  // namespace

// What an addition changes.
struct DedupIndex::State::Plan {
  struct NewRow {
    std::size_t row;
    Id id;  // one of its ids
    std::uint64_t number = RowGroups::kNone;
  };
  struct Entry {
    std::size_t new_row;
    Id id;
  };
  RowFinder::Matches matches;
  RowGroups::Change change;
  std::vector<NewRow> rows;
  std::vector<Entry> entries;  // of new rows
  std::set<std::uint64_t> emptied;
  bool replaces = false;  // rows of the base
};

Id DedupIndex::State::next_id_after(std::span<const Id> ids) const {
  Id next = groups.next_id();
  for (const Id id : ids) next = std::max(next, id == kLargest ? kLargest : id + 1);
  return next;
}

bool DedupIndex::State::are_fresh(std::span<const Id> ids) const {
  return strictly_ascending(ids) && ids.front() >= groups.next_id() && groups.next_id() != kLargest;
}

std::vector<Id> DedupIndex::State::live_numbers() const {
  std::vector<Id> numbers;
  numbers.reserve(groups.live());
  for (std::uint64_t group = 0; group < groups.numbers(); ++group) {
    if (!groups.of(group).empty()) numbers.push_back(static_cast<Id>(group));
  }
  return numbers;
}

void DedupIndex::State::sweep() {
  if (swept.empty()) return;
  base->remove(swept);
  const std::lock_guard turn(turns);
  swept.clear();
}

void DedupIndex::State::try_to_sweep() noexcept {
  try {
    sweep();
  } catch (const std::exception&) {
  }
}

void DedupIndex::State::take(const Arrivals& arrivals) {
  if (arrivals.ids.empty()) return;
  sweep();
  if (!finder.knows()) finder.learn(live_numbers(), arrivals.run);
  Plan plan = this->plan(arrivals);
  number(plan);
  commit(arrivals, plan);
}

DedupIndex::State::Plan DedupIndex::State::plan(const Arrivals& arrivals) {
  Plan plan;
  plan.matches = finder.match(
      arrivals.rows.count(),
      [&](std::size_t i, float* row) {
        std::vector<Byte> code(cast->code_bytes());
        arrivals.rows.encode(*cast, i, 1, code.data());
        cast->decode(code.data(), 1, row);
      },
      arrivals.run);
  plan.change.next_id = next_id_after(arrivals.ids);
  plan.change.repeated = !arrivals.fresh && arrivals.on_duplicate == OnDuplicate::allow;
  if (!arrivals.fresh && arrivals.on_duplicate == OnDuplicate::replace) {
    plan.change.leave = groups.members_of(arrivals.ids);
  }
  place(arrivals, plan);
  std::sort(plan.change.join.begin(), plan.change.join.end());
  plan.emptied = emptied(groups, plan.change);
  return plan;
}

// Of rows under one id that is replaced, the last counts.
void DedupIndex::State::place(const Arrivals& arrivals, Plan& plan) {
  constexpr std::size_t none = ~std::size_t{0};
  const bool one_each = !arrivals.fresh && arrivals.on_duplicate == OnDuplicate::replace;
  IdMap last;
  for (std::size_t i = 0; one_each && i < arrivals.ids.size(); ++i) last.assign(arrivals.ids[i], i);
  std::vector<std::size_t> new_row_of(arrivals.rows.count(), none);
  for (std::size_t i = 0; i < arrivals.ids.size(); ++i) {
    const Id id = arrivals.ids[i];
    if (one_each && last.find(id) != i) continue;
    const std::size_t leader = plan.matches.leader[arrivals.row(i)];
    if (plan.matches.group[leader] != RowFinder::kNone) {
      plan.change.join.push_back({plan.matches.group[leader], id});
      continue;
    }
    if (new_row_of[leader] == none) {
      new_row_of[leader] = plan.rows.size();
      plan.rows.push_back({leader, id});
    }
    plan.entries.push_back({new_row_of[leader], id});
  }
}

// New rows take the numbers of those that go, so that the base replaces them at one moment; best that of their own id,
// which keeps groups in order. Then numbers without a row, when there are many, and the next ones.
void DedupIndex::State::number(Plan& plan) {
  IdMap before;
  for (const RowGroups::Member& member : plan.change.leave) {
    if (plan.emptied.contains(member.group)) before.assign(member.id, member.group);
  }
  for (Plan::NewRow& row : plan.rows) {
    const std::uint64_t group = before.find(row.id);
    if (group != IdMap::kNoSlot && plan.emptied.erase(group) != 0) row.number = group;
    plan.replaces |= row.number != RowGroups::kNone;
  }
  std::uint64_t next = groups.numbers();
  gather_free();
  for (Plan::NewRow& row : plan.rows) {
    if (row.number != RowGroups::kNone) continue;
    if (!plan.emptied.empty()) {
      row.number = *plan.emptied.begin();
      plan.emptied.erase(plan.emptied.begin());
      plan.replaces = true;
    } else if (!free.empty()) {
      row.number = free.back();
      free.pop_back();
    } else {
      row.number = next++;
    }
  }
  for (const Plan::Entry& entry : plan.entries) plan.change.join.push_back({plan.rows[entry.new_row].number, entry.id});
  std::sort(plan.change.join.begin(), plan.change.join.end());
}

void DedupIndex::State::gather_free() {
  if (!free.empty() || groups.numbers() < kFewNumbers || groups.live() >= groups.numbers() / 2) return;
  for (std::uint64_t group = groups.numbers(); group-- > 0;) {
    if (groups.of(group).empty()) free.push_back(group);
  }
}

// The new rows as the base stores them.
Matrix DedupIndex::State::stored(const Arrivals& arrivals, const Plan& plan) const {
  Matrix rows(base->dtype(), plan.rows.size(), cast->dim());
  parallel_for((plan.rows.size() + kTaskRows - 1) / kTaskRows, arrivals.run, [&](std::size_t task, std::size_t) {
    const std::size_t end = std::min(plan.rows.size(), (task + 1) * kTaskRows);
    for (std::size_t i = task * kTaskRows; i < end; ++i) {
      arrivals.rows.encode(*cast, plan.rows[i].row, 1, rows.data() + i * cast->code_bytes());
    }
  });
  return rows;
}

void DedupIndex::State::commit(const Arrivals& arrivals, Plan& plan) {
  const auto start = Clock::now();
  std::vector<Id> numbers;
  for (const Plan::NewRow& row : plan.rows) numbers.push_back(static_cast<Id>(row.number));
  const Matrix rows = stored(arrivals, plan);
  RowGroups::Room room = groups.room_for(plan.change);
  std::vector<Id> gone(plan.emptied.begin(), plan.emptied.end());
  std::unique_lock turn(turns, std::defer_lock);
  const auto show = [&] {
    if (arrivals.on_commit) arrivals.on_commit();
    turn.lock();
  };
  if (plan.rows.empty()) {
    CallLimits(remaining(arrivals.run, start)).check();
    show();
  } else {
    AddOptions to_base{.nan_policy = NanPolicy::keep, .on_commit = show, .run = remaining(arrivals.run, start)};
    if (plan.replaces) to_base.on_duplicate = OnDuplicate::replace;
    const bool next_ones = strictly_ascending(numbers) && numbers.front() == base->next_id() &&
                           numbers.back() - numbers.front() == static_cast<Id>(numbers.size()) - 1;
    if (!next_ones) to_base.ids = numbers;
    base->add(rows, to_base);
  }
  groups.apply(plan.change, std::move(room));
  swept.swap(gone);
  turn.unlock();
  for (const Id number : swept) finder.remove(static_cast<std::uint64_t>(number));
  for (const Plan::NewRow& row : plan.rows) {
    if (plan.replaces) finder.remove(row.number);
    finder.add(row.number, plan.matches.hashes[row.row]);
  }
  note_memory();
  try_to_sweep();
}

std::size_t DedupIndex::State::remove(RowGroups::Change change) {
  if (change.leave.empty()) return 0;
  sweep();
  change.next_id = groups.next_id();
  const std::set<std::uint64_t> all = emptied(groups, change);
  std::vector<Id> gone(all.begin(), all.end());
  RowGroups::Room room = groups.room_for(change);
  {
    const std::lock_guard turn(turns);
    groups.apply(change, std::move(room));
    swept.swap(gone);
  }
  for (const Id number : swept) finder.remove(static_cast<std::uint64_t>(number));
  try_to_sweep();
  return change.leave.size();
}

std::size_t DedupIndex::add_rows(MatrixView rows, const AddOptions& options) {
  const auto start = Clock::now();
  const RowsToStore some(rows, options, *state_->cast);
  if (some.count() == 0) return 0;
  const std::lock_guard lock(state_->writer);
  const Id next = state_->groups.next_id();
  State::Arrivals arrivals{.rows = some,
                           .ids = {some.ids().begin(), some.ids().end()},
                           .row_of = {},
                           .on_duplicate = options.on_duplicate,
                           .on_commit = options.on_commit,
                           .run = remaining(options.run, start)};
  if (arrivals.ids.empty()) {
    require(static_cast<std::uint64_t>(kLargest - next) >= some.count(), "no ids left for ", some.count(),
            " rows after id ", next - 1);
    arrivals.ids.resize(some.count());
    std::iota(arrivals.ids.begin(), arrivals.ids.end(), next);
  }
  arrivals.fresh = state_->are_fresh(arrivals.ids);
  if (!arrivals.fresh && options.on_duplicate == OnDuplicate::error) require_new(state_->groups, arrivals.ids);
  state_->take(arrivals);
  return some.count();
}

void DedupIndex::update_rows(std::span<const Id> ids, MatrixView rows, const AddOptions& options) {
  const auto start = Clock::now();
  AddOptions with_ids = options;
  with_ids.ids = ids;
  const RowsToStore some(rows, with_ids, *state_->cast);
  const std::lock_guard lock(state_->writer);
  const State::Arrivals arrivals{.rows = some,
                                 .ids = {some.ids().begin(), some.ids().end()},
                                 .row_of = {},
                                 .on_duplicate = OnDuplicate::replace,
                                 .on_commit = options.on_commit,
                                 .run = remaining(options.run, start)};
  if (const auto twice = repeated_id(arrivals.ids)) fail(Error::invalid_argument, "id ", *twice, " is given twice");
  for (const Id id : arrivals.ids) {
    if (!state_->groups.contains(id)) fail(Error::not_found, "id ", id, " is not in the index");
  }
  state_->take(arrivals);
}

// Their distinct rows go through float32, all at once.
void DedupIndex::merge_rows(const Index& other, const MergeOptions& options) {
  const auto start = Clock::now();
  const auto* theirs = dynamic_cast<const DedupIndex*>(&other);
  require(theirs != nullptr, "cannot merge an index of another shape: ", other.spec(), " into ", spec());
  const std::scoped_lock lock(state_->writer, theirs->state_->writer);
  const RowGroups& from = theirs->state_->groups;
  const std::vector<Id> numbers = theirs->state_->live_numbers();
  const Id shift = options.ids == MergeIds::shift ? state_->groups.next_id() : 0;
  std::vector<Id> ids;
  std::vector<std::size_t> row_of;
  for (std::size_t row = 0; row < numbers.size(); ++row) {
    for (const Id id : from.of(static_cast<std::uint64_t>(numbers[row]))) {
      require(id <= kLargest - shift, "the other index has the id ", id, ", which ", shift, " more makes too large");
      ids.push_back(id + shift);
      row_of.push_back(row);
    }
  }
  const Matrix rows = theirs->state_->base->get(numbers);
  const AddOptions keep{.nan_policy = NanPolicy::keep, .run = remaining(options.run, start)};
  const RowsToStore some(rows, keep, *state_->cast);
  const State::Arrivals arrivals{.rows = some,
                                 .ids = std::move(ids),
                                 .row_of = std::move(row_of),
                                 .on_duplicate = options.on_duplicate,
                                 .on_commit = options.on_commit,
                                 .run = remaining(options.run, start)};
  if (options.on_duplicate == OnDuplicate::error) require_new(state_->groups, arrivals.ids);
  state_->take(arrivals);
}

std::size_t DedupIndex::remove_ids(std::span<const Id> ids) {
  const std::lock_guard lock(state_->writer);
  return state_->remove({.leave = state_->groups.members_of(ids), .join = {}});
}

std::size_t DedupIndex::remove_selected(const Selector& selector) {
  const std::lock_guard lock(state_->writer);
  return state_->remove({.leave = state_->groups.members_of(selector), .join = {}});
}

void DedupIndex::remove_all() {
  const std::lock_guard lock(state_->writer);
  const std::lock_guard turn(state_->turns);
  state_->base->clear();
  state_->groups.clear();
  state_->finder.empty();
  state_->note_memory();
  state_->free.clear();
  state_->swept.clear();
}

}  // namespace knear
