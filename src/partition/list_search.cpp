#include "partition/list_search.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>

#include "codec/ranker.h"
#include "core/row_set.h"
#include "storage/block_feeder.h"

namespace knear {
namespace {

constexpr std::size_t kMostQueries = 256;  // of one scan
constexpr std::size_t kFewQueries = 3;     // for each list, on average: fewer go query by query
constexpr std::size_t kSeedQueries = 4;    // for each list
constexpr std::size_t kAhead = 2;          // lists that are asked for before they are read
constexpr std::size_t kFetched = 2048;     // bytes of each quarter of them
constexpr std::size_t kAsked = 16;         // the same of lists in a file, for each thread
constexpr double kInfinity = std::numeric_limits<double>::infinity();

// A limit on a + b as one on b, no less for all that rounding does.
double less_offset(double limit, double offset) {
  if (offset == 0 || !std::isfinite(limit)) return limit;
  const double rest = limit - offset;
  return rest + 8 * std::numeric_limits<double>::epsilon() * (std::abs(limit) + std::abs(offset) + std::abs(rest));
}

// Of the lists that a scan is to look at.
class ListTable final : public SlotTable {
 public:
  ListTable(const Snapshot& snapshot, std::size_t rows) : snapshot_(snapshot), rows_(rows) {}
  const Byte* code(Slot slot, Byte* scratch) const noexcept override { return snapshot_.code(slot, scratch); }
  Id id(Slot slot) const noexcept override { return snapshot_.id(slot); }
  std::size_t rows() const noexcept override { return rows_; }

 private:
  const Snapshot& snapshot_;
  std::size_t rows_;
};

// Asks for what a scan of a list will read first; kernels read four quarters side by side.
void fetch(const Snapshot& snapshot, std::uint32_t cell) {
  const Chunk& chunk = snapshot.chunks[cell];
  const Byte* const codes = chunk.shadows ? chunk.shadows : chunk.codes;
  const std::size_t bytes = chunk.count * (chunk.shadows ? snapshot.shadow_bytes() : snapshot.code_bytes);
  for (std::size_t quarter = 0; quarter < 4; ++quarter) {
    const Byte* const start = codes + bytes / 4 * quarter;
    for (std::size_t at = 0; at < std::min(kFetched, bytes / 4); at += 64) __builtin_prefetch(start + at, 0, 2);
  }
}

}  // namespace

struct ListSearch::Found {
  std::mutex mutex;
  TopK nearest{0};
  std::vector<Hit> within;
  std::size_t count = 0;
  std::atomic<double> threshold = kInfinity;
};

// Queries as codes of a cell want them that are of rows less its centroid. Under L2 and the like, the query goes
// without the centroid, too. An inner product is the sum of that with the centroid, the offset, and that with what is
// coded.
class ListSearch::Relative {
 public:
  Relative(const Lists& lists, MatrixView queries, std::span<const std::uint32_t> chosen, std::size_t cell)
      : rows_(rows_of(queries, chosen)), offsets_(chosen.size(), 0.0) {
    const std::size_t dim = queries.dim();
    const bool product = lists.codec.metric() == Metric::inner_product;
    const Ranker ranker(lists.codec);
    std::vector<float> scratch(dim);
    const float* const centroid = lists.cells.centroid(cell, scratch.data());
    for (std::size_t i = 0; i < chosen.size(); ++i) {
      float* const row = rows_.floats() + i * dim;
      if (product) {
        ranker.distances(row, std::span(&centroid, 1), &offsets_[i]);
      } else {
        for (std::size_t j = 0; j < dim; ++j) row[j] -= centroid[j];
      }
    }
  }

  MatrixView rows() const noexcept { return rows_; }
  double offset(std::size_t i) const noexcept { return offsets_[i]; }

 private:
  Matrix rows_;
  std::vector<double> offsets_;
};

ListSearch::ListSearch(const Lists& lists, MatrixView queries, const Selector* filter, Wanted wanted,
                       const RunOptions& run)
    : lists_(lists),
      queries_(queries),
      filter_(filter),
      wanted_(wanted),
      found_(std::make_unique<Found[]>(queries.rows())) {
  for (std::size_t q = 0; q < queries.rows(); ++q) found_[q].nearest = TopK(wanted.k);
  if (!lists.residual) prepared_ = lists.codec.prepare(queries, lists.snapshot.shadow.get(), run);
}

ListSearch::~ListSearch() = default;

void ListSearch::look(std::span<const std::uint32_t> queries, const Chosen& cells, const RunOptions& run,
                      ProgressMeter& meter) {
  std::size_t pairs = 0;
  for (const std::uint32_t q : queries) pairs += cells[q].size();
  const bool looks_up = !lists_.residual && lists_.codec.layout() == CodeLayout::planes;
  const bool few = pairs < kFewQueries * std::min(pairs, lists_.cells.nlist());
  if (few || (looks_up && !lists_.snapshot.mostly_on_disk())) return look_by_query(queries, cells, run, meter);
  // Where few queries share a nearest list, going there first costs more than what it tells.
  if (queries.size() < kSeedQueries * lists_.cells.nlist()) return look_by_list(queries, cells, Ranks::all, run, meter);
  look_by_list(queries, cells, Ranks::nearest, run, meter);
  look_by_list(queries, cells, Ranks::others, run, meter);
}

void ListSearch::look_by_list(std::span<const std::uint32_t> queries, const Chosen& cells, Ranks ranks,
                              const RunOptions& run, ProgressMeter& meter) {
  const auto part = [&](std::uint32_t q) {
    const std::span<const std::uint32_t> all(cells[q]);
    if (ranks == Ranks::all) return all;
    const std::size_t first = std::min<std::size_t>(1, all.size());
    return ranks == Ranks::nearest ? all.first(first) : all.subspan(first);
  };
  std::vector<std::size_t> ends(lists_.cells.nlist() + 1);
  for (const std::uint32_t q : queries) {
    for (const std::uint32_t cell : part(q)) ++ends[cell + 1];
  }
  for (std::size_t cell = 1; cell < ends.size(); ++cell) ends[cell] += ends[cell - 1];
  std::vector<std::uint32_t> choosers(ends.back());
  for (const std::uint32_t q : queries) {
    for (const std::uint32_t cell : part(q)) choosers[ends[cell]++] = q;
  }
  struct Task {
    std::uint32_t cell;
    std::size_t first;
    std::size_t count;
  };
  std::vector<Task> tasks;
  std::size_t first = 0;
  for (std::uint32_t cell = 0; cell < lists_.cells.nlist(); ++cell) {
    const std::size_t count = ends[cell] - first;
    const std::size_t blocks = (count + kMostQueries - 1) / kMostQueries;
    for (std::size_t b = 0; b < blocks; ++b) {
      tasks.push_back({cell, first + count * b / blocks, count * (b + 1) / blocks - count * b / blocks});
    }
    first += count;
  }
  const std::size_t asked = kAsked * threads_for(run, tasks.size());
  parallel_for(tasks.size(), run, [&](std::size_t task, std::size_t) {
    const Task& now = tasks[task];
    for (std::size_t next = task ? task + asked : 0; next <= std::min(task + asked, tasks.size() - 1); ++next) {
      lists_.snapshot.ask_for(lists_.snapshot.chunks[tasks[next].cell]);
    }
    visit(std::span(choosers).subspan(now.first, now.count), std::span(&now.cell, 1), Share::some, meter);
  });
}

// The lists of a query are dealt to threads when there are more threads than queries.
void ListSearch::look_by_query(std::span<const std::uint32_t> queries, const Chosen& cells, const RunOptions& run,
                               ProgressMeter& meter) {
  if (queries.empty()) return;
  const std::size_t threads = threads_for(run, queries.size() * 64);
  const std::size_t parts = std::max<std::size_t>(1, threads / queries.size());
  parallel_for(queries.size() * parts, run, [&](std::size_t task, std::size_t) {
    const std::uint32_t query = queries[task / parts];
    if (task % parts == 0) {
      for (const std::uint32_t cell : cells[query]) lists_.snapshot.ask_for(lists_.snapshot.chunks[cell]);
    }
    std::vector<std::uint32_t> mine;
    for (std::size_t r = task % parts; r < cells[query].size(); r += parts) mine.push_back(cells[query][r]);
    const Share share = mine.size() == cells[query].size() ? Share::all : Share::some;
    if (!lists_.residual) return visit(std::span(&query, 1), mine, share, meter);
    for (const std::uint32_t cell : mine) visit(std::span(&query, 1), std::span(&cell, 1), Share::some, meter);
  });
}

// One scan of all these queries over all these lists; of codes that are relative to their centroids, one list.
void ListSearch::visit(std::span<const std::uint32_t> queries, std::span<const std::uint32_t> cells, Share share,
                       ProgressMeter& meter) {
  std::size_t rows = 0;
  for (const std::uint32_t cell : cells) rows += lists_.snapshot.chunks[cell].live();
  lists_seen_ += cells.size() * queries.size();
  rows_seen_ += rows * queries.size();
  if (rows == 0) return;
  std::optional<Relative> relative;
  if (lists_.residual) relative.emplace(lists_, queries_, queries, cells.front());
  const ListTable table(lists_.snapshot, rows);
  if (cells.size() > 1) {
    for (std::size_t c = 0; c < std::min(kAhead, cells.size()); ++c) fetch(lists_.snapshot, cells[c]);
  }
  const auto scan = make_scan(queries, relative ? &*relative : nullptr, table);
  BlockFeeder feeder(lists_.snapshot, filter_);
  for (std::size_t c = 0; c < cells.size(); ++c) {
    const std::uint32_t cell = cells[c];
    if (c + kAhead < cells.size()) fetch(lists_.snapshot, cells[c + kAhead]);
    feeder.feed(cell, 0, lists_.snapshot.chunks[cell].count, *scan, [&] { meter.advance(0); });
  }
  std::vector<std::vector<Hit>> hits(queries.size());
  // Distances are what joins the results of several scans.
  const bool joins = share == Share::some || found_[queries.front()].count != 0;
  if (wanted_.ranked || joins) {
    scan->finish(hits);
  } else {
    scan->finish_unranked(hits);
  }
  reranked_ += scan->reranked();
  for (std::size_t i = 0; i < queries.size(); ++i) keep(queries[i], hits[i], relative ? relative->offset(i) : 0);
}

std::unique_ptr<Scan> ListSearch::make_scan(std::span<const std::uint32_t> queries, const Relative* relative,
                                            const SlotTable& table) const {
  const auto offset = [&](std::size_t i) { return relative ? relative->offset(i) : 0; };
  if (wanted_.k == 0) {
    double radius = -kInfinity;
    for (std::size_t i = 0; i < queries.size(); ++i) radius = std::max(radius, less_offset(wanted_.radius, offset(i)));
    return relative ? lists_.codec.make_range_scan(relative->rows(), radius, table)
                    : prepared_->make_range_scan(queries, radius, table);
  }
  auto scan = relative ? lists_.codec.make_knn_scan(relative->rows(), wanted_.k, table)
                       : prepared_->make_knn_scan(queries, wanted_.k, table);
  std::vector<double> limits(queries.size());
  for (std::size_t i = 0; i < queries.size(); ++i) {
    limits[i] = less_offset(found_[queries[i]].threshold.load(std::memory_order_relaxed), offset(i));
  }
  scan->limit(limits);
  return scan;
}

void ListSearch::keep(std::uint32_t query, std::span<const Hit> hits, double offset) {
  if (hits.empty()) return;
  Found& found = found_[query];
  const std::lock_guard lock(found.mutex);
  for (const Hit& hit : hits) {
    const double distance = hit.distance + offset;
    if (wanted_.k) {
      found.nearest.push(distance, hit.id);
    } else if (distance < wanted_.radius) {
      found.within.push_back({distance, hit.id});
    }
  }
  found.count += hits.size();
  if (wanted_.k) found.threshold.store(found.nearest.threshold(), std::memory_order_relaxed);
}

std::size_t ListSearch::found(std::size_t query) const { return found_[query].count; }

std::vector<Hit> ListSearch::take(std::size_t query) {
  if (wanted_.k) return found_[query].nearest.sorted();
  sort_hits(found_[query].within);
  return std::move(found_[query].within);
}

void ListSearch::rank(const Lists& lists, MatrixView query, std::size_t cell, std::span<const Slot> slots,
                      std::span<Hit> hits) {
  if (!lists.residual) return lists.codec.make_ranker(query)->rank(0, lists.snapshot, slots, hits);
  const std::uint32_t first = 0;
  const Relative relative(lists, query, std::span(&first, 1), cell);
  lists.codec.make_ranker(relative.rows())->rank(0, lists.snapshot, slots, hits);
  for (Hit& hit : hits) hit.distance += relative.offset(0);
}

}  // namespace knear
