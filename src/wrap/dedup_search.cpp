// Searches of a DedupIndex: groups that the base finds become the ids that are in them.
#include <algorithm>
#include <bit>
#include <chrono>
#include <limits>
#include <map>
#include <numeric>

#include "codec/ranker.h"
#include "core/call_limits.h"
#include "core/row_set.h"
#include "wrap/dedup_state.h"
#include "wrap/search_sums.h"

namespace knear {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t kAll = std::numeric_limits<std::size_t>::max();
constexpr std::size_t kMoreGroups = 4;                     // times as many as before, while it is open who is last
constexpr std::size_t kMostPlaces = std::size_t{1} << 22;  // for groups, when queries look again

// The groups of which any id is allowed.
class GroupSelector final : public Selector {
 public:
  GroupSelector(const RowGroups& groups, const Selector* ids) : groups_(groups), ids_(ids) {}

  bool contains(Id group) const override {
    const std::span<const Id> ids = groups_.of(static_cast<std::uint64_t>(group));
    return std::any_of(ids.begin(), ids.end(), [this](Id id) { return !ids_ || ids_->contains(id); });
  }
  void test(const Id* groups, std::size_t n, std::uint64_t* bits) const override {
    test_each(n, bits, [groups](std::size_t i) { return groups[i]; });
  }
  void test_range(Id first, std::size_t n, std::uint64_t* bits) const override {
    test_each(n, bits, [first](std::size_t i) { return first + static_cast<Id>(i); });
  }

 private:
  static constexpr std::size_t kAtOnce = 4096;

  // All their ids are tested together.
  template <class GroupOf>
  void test_each(std::size_t n, std::uint64_t* bits, GroupOf group_of) const {
    std::fill_n(bits, (n + 63) / 64, std::uint64_t{0});
    std::vector<Id> ids;
    std::vector<std::size_t> of;
    std::uint64_t allowed[kAtOnce / 64];
    const auto flush = [&] {
      if (ids_) ids_->test(ids.data(), ids.size(), allowed);
      for (std::size_t j = 0; j < ids.size(); ++j) {
        if (!ids_ || (allowed[j / 64] >> (j % 64) & 1) != 0) bits[of[j] / 64] |= std::uint64_t{1} << (of[j] % 64);
      }
      ids.clear();
      of.clear();
    };
    for (std::size_t i = 0; i < n; ++i) {
      for (const Id id : groups_.of(static_cast<std::uint64_t>(group_of(i)))) {
        ids.push_back(id);
        of.push_back(i);
        if (ids.size() == kAtOnce) flush();
      }
    }
    if (!ids.empty()) flush();
  }

  const RowGroups& groups_;
  const Selector* ids_;
};

// What the caller's filters say, as the base takes it.
struct Filters {
  Filters(const RowGroups& groups, bool hide, const SearchOptions& options) : filter(options.filter) {
    per_query.assign(options.filters.begin(), options.filters.end());
    std::map<const Selector*, SelectorPtr> made;
    const auto around = [&](const SelectorPtr& ids) -> SelectorPtr {
      if (!ids && !hide) return nullptr;
      SelectorPtr& known = made[ids.get()];
      if (!known) known = std::make_shared<GroupSelector>(groups, ids.get());
      return known;
    };
    if (per_query.empty()) one = around(filter);
    for (const SelectorPtr& ids : per_query) many.push_back(around(ids));
  }
  const Selector* of(std::size_t q) const { return per_query.empty() ? filter.get() : per_query[q].get(); }

  SelectorPtr filter;
  std::vector<SelectorPtr> per_query;
  SelectorPtr one;
  std::vector<SelectorPtr> many;
};

// 0.0 and -0.0 are two similarities.
bool same_bits(float a, float b) { return std::bit_cast<std::uint32_t>(a) == std::bit_cast<std::uint32_t>(b); }

struct Found {
  std::span<const Id> groups;
  std::span<const float> distances;
};

// Turns the groups found by a query into ids.
class Unfolder {
 public:
  Unfolder(const Index& base, const Codec& codec, MatrixView queries)
      : base_(base), ranker_(codec), queries_(queries), query_(queries.dim()) {}

  // Up to `most` ids, added to the results. `pick(group, ids)` adds those of a group that count, ascending. Returns how
  // many of the groups were looked at.
  template <class Pick>
  std::size_t unfold(std::size_t q, Found found, std::size_t most, const Pick& pick, RangeNeighbors& results) {
    const std::size_t end = results.ids.size() + std::min(most, kAll - results.ids.size());
    std::size_t first = 0;
    while (first < found.groups.size() && results.ids.size() < end) {
      std::size_t last = first + 1;
      while (last < found.groups.size() && same_bits(found.distances[last], found.distances[first])) ++last;
      ids_.clear();
      for (std::size_t i = first; i < last; ++i) pick(found.groups[i], ids_);
      if (!std::is_sorted(ids_.begin(), ids_.end())) order(q, found.groups.subspan(first, last - first), pick);
      const std::size_t count = std::min(ids_.size(), end - results.ids.size());
      results.ids.insert(results.ids.end(), ids_.begin(), ids_.begin() + static_cast<std::ptrdiff_t>(count));
      results.distances.insert(results.distances.end(), count, found.distances[first]);
      first = last;
    }
    return first;
  }

 private:
  // Distances that are the same in float32 may not be so in float64.
  template <class Pick>
  void order(std::size_t q, std::span<const Id> groups, const Pick& pick) {
    const Matrix rows = base_.get(groups);
    std::vector<const float*> places;
    for (std::size_t i = 0; i < groups.size(); ++i) places.push_back(rows.floats() + i * rows.dim());
    std::vector<double> distances(groups.size());
    queries_.copy_row(q, query_.data());
    ranker_.distances(query_.data(), places, distances.data());
    std::vector<std::pair<double, Id>> hits;
    for (std::size_t i = 0; i < groups.size(); ++i) {
      ids_.clear();
      pick(groups[i], ids_);
      for (const Id id : ids_) hits.emplace_back(distances[i], id);
    }
    std::sort(hits.begin(), hits.end());
    ids_.clear();
    for (const auto& hit : hits) ids_.push_back(hit.second);
  }

  const Index& base_;
  Ranker ranker_;
  MatrixView queries_;
  std::vector<float> query_;
  std::vector<Id> ids_;
};

auto allowed_by(const RowGroups& groups, const Selector* filter) {
  return [&groups, filter](Id group, std::vector<Id>& ids) {
    for (const Id id : groups.of(static_cast<std::uint64_t>(group))) {
      if (!filter || filter->contains(id)) ids.push_back(id);
    }
  };
}

// Where results go, and what searches need on the way there.
struct KnnSearch {
  const Index& base;
  const RowGroups& groups;
  const Filters& filters;
  const SearchOptions& options;
  std::size_t k;
  float* distances;
  Id* ids;
  std::size_t* counts;

  // Searches for so many groups; gives the queries that want more.
  std::vector<std::uint32_t> round(MatrixView queries, std::span<const std::uint32_t> which, std::size_t wanted,
                                   Unfolder& unfolder, const RunOptions& run) const {
    const bool all = which.size() == queries.rows();
    const Matrix some = all ? Matrix() : rows_of(queries, which);
    std::vector<SelectorPtr> many;
    for (const std::uint32_t q : which) {
      if (!filters.many.empty()) many.push_back(filters.many[q]);
    }
    SearchStats stats;
    SearchOptions of_base = options;
    of_base.filter = filters.one;
    of_base.filters = many;
    of_base.ranked = true;
    of_base.stats = &stats;
    of_base.run = run;
    const Neighbors found = base.search(all ? queries : MatrixView(some), wanted, of_base);
    add_to(options.stats, stats);
    std::vector<std::uint32_t> open;
    for (std::size_t i = 0; i < which.size(); ++i) {
      const std::uint32_t q = which[i];
      const Found mine{std::span(found.ids).subspan(i * wanted, found.counts[i]),
                       std::span(found.distances).subspan(i * wanted, found.counts[i])};
      RangeNeighbors results;
      const std::size_t used = unfolder.unfold(q, mine, k, allowed_by(groups, filters.of(q)), results);
      std::copy(results.ids.begin(), results.ids.end(), ids + q * k);
      std::copy(results.distances.begin(), results.distances.end(), distances + q * k);
      if (counts) counts[q] = results.ids.size();
      const bool last = found.counts[i] < wanted || (filters.of(q) == nullptr && groups.in_order());
      if (!last && used == found.counts[i]) open.push_back(q);
    }
    return open;
  }
};

}  // namespace

// Each group gives an id at least, so k groups are enough; but of groups at the distance of the last, the one with the
// smallest id comes first, and unless groups are in that order, all of them have to be known.
void DedupIndex::search_rows(MatrixView queries, std::size_t k, float* distances, Id* ids, std::size_t* counts,
                             const SearchOptions& options) const {
  const auto start = Clock::now();
  const std::shared_lock turn(state_->turns);
  const RowGroups& groups = state_->groups;
  std::fill_n(distances, queries.rows() * k, worst_value(metric()));
  std::fill_n(ids, queries.rows() * k, kNoId);
  if (counts) std::fill_n(counts, queries.rows(), std::size_t{0});
  const Filters filters(groups, !state_->swept.empty(), options);
  const KnnSearch search{base(), groups, filters, options, k, distances, ids, counts};
  Unfolder unfolder(base(), *state_->cast, queries);
  const bool filtered = options.filter || !options.filters.empty();
  const std::size_t all = std::max<std::size_t>(1, groups.live());
  std::size_t wanted = k < all ? k + (groups.in_order() && !filtered ? 0 : 1) : all;
  std::vector<std::uint32_t> open(queries.rows());
  std::iota(open.begin(), open.end(), 0u);
  open = search.round(queries, open, wanted, unfolder, options.run);
  while (!open.empty() && wanted < all) {
    wanted = std::min(all, wanted * kMoreGroups);
    const std::size_t at_once = std::max<std::size_t>(1, kMostPlaces / wanted);
    std::vector<std::uint32_t> still;
    for (std::size_t first = 0; first < open.size(); first += at_once) {
      const auto some = std::span(open).subspan(first, std::min(at_once, open.size() - first));
      const auto more = search.round(queries, some, wanted, unfolder, remaining(options.run, start));
      still.insert(still.end(), more.begin(), more.end());
    }
    open = std::move(still);
  }
}

RangeNeighbors DedupIndex::range_rows(MatrixView queries, float radius, const SearchOptions& options) const {
  const std::shared_lock turn(state_->turns);
  const RowGroups& groups = state_->groups;
  const Filters filters(groups, !state_->swept.empty(), options);
  SearchOptions of_base = options;
  of_base.filter = filters.one;
  of_base.filters = filters.many;
  SearchStats stats;
  of_base.stats = &stats;
  const RangeNeighbors found = base().range_search(queries, radius, of_base);
  add_to(options.stats, stats);
  Unfolder unfolder(base(), *state_->cast, queries);
  RangeNeighbors results{{0}, {}, {}};
  for (std::size_t q = 0; q < queries.rows(); ++q) {
    const std::size_t first = found.limits[q];
    const std::size_t count = found.limits[q + 1] - first;
    const Found mine{std::span(found.ids).subspan(first, count), std::span(found.distances).subspan(first, count)};
    unfolder.unfold(q, mine, kAll, allowed_by(groups, filters.of(q)), results);
    results.limits.push_back(results.ids.size());
  }
  return results;
}

RangeNeighbors DedupIndex::rank_rows(MatrixView queries, std::span<const std::vector<Id>> candidates, std::size_t k,
                                     const RunOptions& options) const {
  using Member = RowGroups::Member;
  const std::shared_lock turn(state_->turns);
  std::vector<std::vector<Member>> members(queries.rows());
  std::vector<std::vector<Id>> numbers(queries.rows());
  for (std::size_t q = 0; q < queries.rows(); ++q) {
    for (const Id id : candidates[q]) {
      const std::uint64_t group = state_->groups.group_of(id);
      if (group != RowGroups::kNone) members[q].push_back({group, id});
    }
    std::sort(members[q].begin(), members[q].end());
    members[q].erase(std::unique(members[q].begin(), members[q].end()), members[q].end());
    for (const Member& member : members[q]) {
      const Id number = static_cast<Id>(member.group);
      if (numbers[q].empty() || numbers[q].back() != number) numbers[q].push_back(number);
    }
  }
  const RangeNeighbors found = base().rank(queries, numbers, kAll, options);
  Unfolder unfolder(base(), *state_->cast, queries);
  RangeNeighbors results{{0}, {}, {}};
  for (std::size_t q = 0; q < queries.rows(); ++q) {
    const auto pick = [&mine = members[q]](Id number, std::vector<Id>& ids) {
      const auto group = static_cast<std::uint64_t>(number);
      auto member = std::lower_bound(mine.begin(), mine.end(), Member{group, std::numeric_limits<Id>::min()});
      for (; member != mine.end() && member->group == group; ++member) ids.push_back(member->id);
    };
    const std::size_t first = found.limits[q];
    const std::size_t count = found.limits[q + 1] - first;
    const Found mine{std::span(found.ids).subspan(first, count), std::span(found.distances).subspan(first, count)};
    unfolder.unfold(q, mine, k, pick, results);
    results.limits.push_back(results.ids.size());
  }
  return results;
}

}  // namespace knear
