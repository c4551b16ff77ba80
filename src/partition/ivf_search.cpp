// The searches of an IvfIndex: cells first, then their lists; more cells where these held too few results.
#include <algorithm>
#include <chrono>
#include <cmath>
#include <iterator>
#include <map>

#include "core/call_limits.h"
#include "core/check.h"
#include "core/hit_sort.h"
#include "core/id_map.h"
#include "core/results.h"
#include "core/row_set.h"
#include "metric/finite_rows.h"
#include "partition/ivf_view.h"
#include "partition/list_search.h"

namespace knear {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t kMostQueries = 16384;  // at once
constexpr std::size_t kFewQueries = 64;
constexpr std::size_t kMostCells = 1 << 22;  // that are chosen at once
constexpr std::size_t kMoreCells = 4;        // times as many as before, when results are missing
// Of cells that are combinations, more are not looked for one by one: then come all that hold rows. This many queries
// times cells are at work at once.
constexpr std::size_t kMostCombinations = 1 << 15;
constexpr std::size_t kMostPairs = 1 << 26;

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

void require_no_other_options(const SearchOptions& options, const Index& index) {
  if (options.ef_search != 0) {
    fail(Error::invalid_argument, "ef_search = ", options.ef_search, " is for graphs, not for ", index.spec());
  }
  if (options.k_factor == 0) return;
  fail(Error::invalid_argument, "k_factor = ", options.k_factor, " is for indexes that rank again, not for ",
       index.spec());
}

// counts may be null.
void write_all(std::span<const std::vector<Hit>> hits, std::size_t k, Metric metric, float* distances, Id* ids,
               std::size_t* counts) {
  for (std::size_t q = 0; q < hits.size(); ++q) {
    write_neighbors(hits[q], k, metric, distances + q * k, ids + q * k);
    if (counts) counts[q] = hits[q].size();
  }
}

// Some queries of a batch, with what all of them have in common.
struct Group {
  const Selector* filter = nullptr;
  std::vector<std::size_t> positions;
  Matrix rows;
};

// Without queries that hold NaN or Inf.
std::vector<Group> grouped(MatrixView queries, std::size_t first, const SearchOptions& options, Metric metric) {
  std::map<const Selector*, std::size_t> place;
  std::vector<Group> groups;
  std::vector<std::size_t> good;
  if (metric == Metric::nan_euclidean || first_bad_row(queries, {.num_threads = 1}) == queries.rows()) {
    for (std::size_t q = 0; q < queries.rows(); ++q) good.push_back(q);
  } else {
    good = good_rows(queries, 0);
  }
  for (const std::size_t q : good) {
    const Selector* filter = options.filters.empty() ? options.filter.get() : options.filters[first + q].get();
    const auto [it, is_new] = place.try_emplace(filter, groups.size());
    if (is_new) groups.push_back({filter, {}, {}});
    groups[it->second].positions.push_back(q);
  }
  for (Group& group : groups) {
    group.rows = Matrix(DType::f32, group.positions.size(), queries.dim());
    for (std::size_t i = 0; i < group.positions.size(); ++i) {
      queries.copy_row(group.positions[i], group.rows.floats() + i * queries.dim());
    }
  }
  return groups;
}

// Chooses cells and looks into them, for queries of one group.
class GroupSearch {
 public:
  GroupSearch(const Lists& lists, const Group& group, ListSearch::Wanted wanted, const SearchOptions& options,
              const RunOptions& run, ProgressMeter& meter)
      : lists_(lists),
        group_(group),
        wanted_(wanted),
        options_(options),
        meter_(meter),
        search_(lists, group.rows, group.filter, wanted, run),
        cells_(group.positions.size()),
        seen_(group.positions.size()),
        rows_(group.positions.size()) {
    for (std::uint32_t q = 0; q < cells_.size(); ++q) active_.push_back(q);
  }

  // The cells that the caller chose, by position in the batch; each once.
  void look_into(std::span<const Id> chosen, std::size_t each, const RunOptions& run) {
    for (const std::uint32_t q : active_) {
      std::vector<Id> mine;
      IdMap known;
      for (const Id cell : chosen.subspan(group_.positions[q] * each, each)) {
        if (cell >= 0 && known.insert(cell, 0)) mine.push_back(cell);
      }
      take_cells(q, mine);
    }
    scan(run);
  }

  void look_into_nearest(std::size_t nprobe, const RunOptions& run) {
    const std::size_t nlist = lists_.cells.nlist();
    std::size_t before = 0;
    std::size_t count = std::min(nprobe, nlist);
    for (const auto start = Clock::now(); !active_.empty() && before < count;) {
      const RunOptions left = remaining(run, start);
      if (count == nlist && lists_.cells.are_combinations() && !options_.max_codes) {
        choose_all(left);
      } else {
        choose(count, left);
      }
      scan(remaining(run, start));
      if (wanted_.k == 0 || options_.max_codes) return;
      std::erase_if(active_, [&](std::uint32_t q) { return search_.found(q) >= wanted_.k; });
      before = count;
      count = count * kMoreCells < nlist && !all_after(count * kMoreCells) ? count * kMoreCells : nlist;
      for (const std::uint32_t q : active_) {
        seen_[q].insert(seen_[q].end(), cells_[q].begin(), cells_[q].end());
        std::sort(seen_[q].begin(), seen_[q].end());
      }
    }
  }

  void take(std::span<std::vector<Hit>> hits) {
    for (std::size_t q = 0; q < cells_.size(); ++q) hits[group_.positions[q]] = search_.take(q);
    if (!options_.stats) return;
    const ListCounts counts = search_.counts();
    options_.stats->lists_visited += counts.lists;
    options_.stats->rows_scored += counts.rows;
    options_.stats->bytes_scored += counts.rows * lists_.snapshot.code_bytes;
    options_.stats->rows_reranked += counts.reranked;
    options_.stats->coarse_seconds += coarse_seconds_;
    options_.stats->scan_seconds += scan_seconds_;
  }

 private:
  bool all_after(std::size_t count) const { return lists_.cells.are_combinations() && count > kMostCombinations; }

  // All cells that hold rows, some of the nearest first.
  void choose_all(const RunOptions& run) {
    constexpr std::size_t kFirst = 64;
    choose(std::min(kFirst, lists_.cells.nlist()), run);
    if (occupied_.empty()) {
      for (std::uint32_t cell = 0; cell < lists_.cells.nlist(); ++cell) {
        if (lists_.snapshot.chunks[cell].live()) occupied_.push_back(cell);
      }
    }
    for (const std::uint32_t q : active_) {
      std::vector<std::uint32_t> known = cells_[q];
      known.insert(known.end(), seen_[q].begin(), seen_[q].end());
      std::sort(known.begin(), known.end());
      std::set_difference(occupied_.begin(), occupied_.end(), known.begin(), known.end(),
                          std::back_inserter(cells_[q]));
    }
  }

  void scan(const RunOptions& run) {
    const auto start = Clock::now();
    search_.look(active_, cells_, run, meter_);
    scan_seconds_ += seconds_since(start);
  }

  // The `count` nearest cells of each active query, but those it has seen.
  void choose(std::size_t count, const RunOptions& run) {
    const auto start = Clock::now();
    const auto order = options_.max_codes ? CellFinder::Order::strict : CellFinder::Order::loose;
    const std::size_t at_once = std::max<std::size_t>(1, kMostCells / count);
    for (std::size_t first = 0; first < active_.size(); first += at_once) {
      const auto some =
          std::span<const std::uint32_t>(active_).subspan(first, std::min(at_once, active_.size() - first));
      Matrix rows;
      MatrixView queries = group_.rows;
      if (some.size() < cells_.size()) queries = rows = rows_of(group_.rows, some);
      const std::vector<Id> nearest = lists_.cells.nearest(queries, count, order, remaining(run, start));
      for (std::size_t i = 0; i < some.size(); ++i) {
        take_cells(some[i], std::span(nearest).subspan(i * count, count));
      }
    }
    coarse_seconds_ += seconds_since(start);
  }

  void take_cells(std::uint32_t q, std::span<const Id> cells) {
    cells_[q].clear();
    for (const Id cell : cells) {
      if (cell < 0) continue;
      if (options_.max_codes && rows_[q] >= options_.max_codes) return;
      const std::size_t live = lists_.snapshot.chunks[static_cast<std::size_t>(cell)].live();
      const std::vector<std::uint32_t>& seen = seen_[q];
      if (live == 0 || std::binary_search(seen.begin(), seen.end(), static_cast<std::uint32_t>(cell))) continue;
      rows_[q] += live;
      cells_[q].push_back(static_cast<std::uint32_t>(cell));
    }
  }

  Lists lists_;
  const Group& group_;
  ListSearch::Wanted wanted_;
  const SearchOptions& options_;
  ProgressMeter& meter_;
  ListSearch search_;
  ListSearch::Chosen cells_;
  ListSearch::Chosen seen_;        // of those that look again
  std::vector<std::size_t> rows_;  // in the cells chosen so far
  std::vector<std::uint32_t> active_;
  std::vector<std::uint32_t> occupied_;  // cells that hold rows, once they are asked for
  double coarse_seconds_ = 0;
  double scan_seconds_ = 0;
};

}  // namespace

// chosen: cells of each query, or none; then the nearest ones are chosen here.
std::vector<std::vector<Hit>> IvfIndex::hits_of(MatrixView queries, std::size_t k, double radius,
                                                std::span<const Id> chosen, const SearchOptions& options) const {
  require_no_other_options(options, *this);
  const auto start = Clock::now();
  const View now = view();
  std::vector<std::vector<Hit>> hits(queries.rows());
  if (now.snapshot->live == 0) return hits;
  const auto other = options.pq ? now.learned.codec->searched_by(*options.pq) : nullptr;
  if (options.pq && !other) {
    fail(Error::invalid_argument, "only a product quantizer has other searches, not ", spec());
  }
  const Lists lists{other ? *other : *now.learned.codec, *now.snapshot, *now.learned.cells, residual_};
  const ListSearch::Wanted wanted{std::min(k, now.snapshot->live), radius, options.ranked};
  const std::size_t probes = options.nprobe ? options.nprobe : nprobe();
  ProgressMeter meter(options.run, "search", queries.rows());
  const bool many_cells = now.learned.cells->are_combinations();
  const std::size_t at_once = many_cells ? std::clamp(kMostPairs / nlist_, kFewQueries, kMostQueries) : kMostQueries;
  for (std::size_t first = 0; first < queries.rows(); first += at_once) {
    const std::size_t count = std::min(at_once, queries.rows() - first);
    for (const Group& group : grouped(queries.slice(first, count), first, options, metric())) {
      const RunOptions run = remaining(options.run, start);
      GroupSearch search(lists, group, wanted, options, run, meter);
      if (chosen.empty()) {
        search.look_into_nearest(probes, run);
      } else {
        const std::size_t each = chosen.size() / queries.rows();
        search.look_into(chosen.subspan(first * each, count * each), each, run);
      }
      search.take(std::span(hits).subspan(first, count));
    }
    meter.advance(count);
  }
  meter.finish();
  return hits;
}

void IvfIndex::search_rows(MatrixView queries, std::size_t k, float* distances, Id* ids, std::size_t* counts,
                           const SearchOptions& options) const {
  write_all(hits_of(queries, k, 0, {}, options), k, metric(), distances, ids, counts);
}

Neighbors IvfIndex::search_preassigned(MatrixView queries, std::size_t k, std::span<const Id> cells,
                                       const SearchOptions& options) const {
  require(queries.rows() == 0 ? cells.empty() : cells.size() % queries.rows() == 0, cells.size(), " cells for ",
          queries.rows(), " queries");
  for (const Id cell : cells) require(cell < static_cast<Id>(nlist_), "there is no cell ", cell, " of ", nlist_);
  return searched(queries, k, options, [&](float* distances, Id* ids, std::size_t* counts) {
    std::vector<std::vector<Hit>> hits(queries.rows());
    if (!cells.empty()) hits = hits_of(queries, k, 0, cells, options);
    write_all(hits, k, metric(), distances, ids, counts);
  });
}

RangeNeighbors IvfIndex::range_rows(MatrixView queries, float radius, const SearchOptions& options) const {
  const double limit = larger_is_closer(metric()) ? -static_cast<double>(radius) : radius;
  std::vector<std::vector<Hit>> hits = hits_of(queries, 0, limit, {}, options);
  const auto rounds_to_radius = [&](const Hit& hit) { return value_of(hit.distance, metric()) == radius; };
  for (std::vector<Hit>& query_hits : hits) {
    while (!query_hits.empty() && rounds_to_radius(query_hits.back())) query_hits.pop_back();
  }
  return range_of(hits, metric());
}

RangeNeighbors IvfIndex::rank_rows(MatrixView queries, std::span<const std::vector<Id>> candidates, std::size_t k,
                                   const RunOptions& options) const {
  std::vector<std::vector<Hit>> hits(queries.rows());
  const Learned now = learned();
  parallel_for(queries.rows(), options, [&](std::size_t q, std::size_t) {
    const MatrixView query = queries.slice(q, 1);
    if (metric() != Metric::nan_euclidean && first_bad_row(query, {.num_threads = 1}) == 0) return;
    std::vector<Id> ids = candidates[q];
    std::sort(ids.begin(), ids.end());
    ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
    std::vector<Slot> slots(ids.size());
    const auto snapshot = store_->locate(ids, slots.data());
    std::erase(slots, kNoSlot);
    std::sort(slots.begin(), slots.end());
    hits[q].resize(slots.size());
    const Lists lists{*now.codec, *snapshot, *now.cells, residual_};
    for (std::size_t i = 0; i < slots.size();) {
      const std::size_t cell = slots[i] >> 32;
      std::size_t end = i + 1;
      while (end < slots.size() && slots[end] >> 32 == cell) ++end;
      ListSearch::rank(lists, query, cell, std::span(slots).subspan(i, end - i),
                       std::span(hits[q]).subspan(i, end - i));
      i = end;
    }
    std::erase_if(hits[q], [](const Hit& hit) { return !std::isfinite(hit.distance); });
    keep_nearest(hits[q], k);
  });
  return range_of(hits, metric());
}

}  // namespace knear
