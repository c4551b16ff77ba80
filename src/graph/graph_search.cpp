#include "graph/graph_search.h"

#include <algorithm>
#include <atomic>
#include <cmath>

#include "core/hit_sort.h"
#include "core/parallel_for.h"
#include "graph/walk_view.h"

namespace knear {
namespace {

constexpr std::size_t kTaskQueries = 8;
constexpr std::size_t kSample = 512;  // rows that a filter is tried on

const Selector* filter_of(const SearchOptions& options, std::size_t q) {
  return options.filters.empty() ? options.filter.get() : options.filters[q].get();
}

class GraphSearch {
 public:
  GraphSearch(const GraphView& view, std::size_t k, std::size_t ef)
      : view_(view),
        places_(view.snapshot),
        k_(k),
        ef_(std::max(ef, k) * (view.codec.metric() == Metric::inner_product ? 2 : 1)) {}

  const Places& places() const noexcept { return places_; }

  // How many a walk keeps, so that enough of them can be results; 0: a scan costs less.
  std::size_t beam(const Walk& walk, const Selector* filter) const {
    const std::size_t rows = places_.count();
    double share = static_cast<double>(view_.snapshot.live) / static_cast<double>(rows);
    if (filter) {
      const std::size_t tried = std::min(rows, kSample);
      std::size_t pass = 0;
      for (std::size_t i = 0; i < tried; ++i) {
        const auto v = static_cast<Vertex>(i * (rows / tried) + i * (rows % tried) / tried);
        pass += walk.alive(v) && filter->contains(walk.id(v)) ? 1 : 0;
      }
      share = static_cast<double>(pass) / static_cast<double>(tried);
    }
    if (share == 0) return 0;
    const double kept = static_cast<double>(ef_) / share;
    const double walked = kept * static_cast<double>(view_.links.M) / 2;
    return share * static_cast<double>(rows) <= walked ? 0 : static_cast<std::size_t>(kept);
  }

  // False when it wants a scan.
  bool run(Walk& walk, CodeRanker& ranker, std::size_t i, const Selector* filter, std::vector<Hit>& hits) {
    const std::size_t ef = beam(walk, filter);
    const Links& links = view_.links;
    if (ef == 0 || links.entry == kNoVertex || !walk.stand_at_query(i)) return false;
    std::vector<Slot> slots;
    const auto take = [&](Vertex v) {
      if (walk.alive(v) && (!filter || filter->contains(walk.id(v)))) slots.push_back(walk.slot(v));
    };
    for (const Near& near : walk.nearest(links, 0, walk.descend(links, 0), ef)) {
      for (Vertex v = near.vertex; v != kNoVertex; v = links.twin_of(v)) take(v);
    }
    for (const Vertex v : links.apart) take(v);
    hits.resize(slots.size());
    ranker.rank(i, view_.snapshot, slots, hits);
    std::erase_if(hits, [](const Hit& hit) { return !std::isfinite(hit.distance); });
    keep_nearest(hits, k_);
    reranked_.fetch_add(slots.size(), std::memory_order_relaxed);
    return hits.size() >= std::min(k_, view_.snapshot.live);
  }

  void note(std::uint64_t scored) noexcept { scored_.fetch_add(scored, std::memory_order_relaxed); }
  std::uint64_t scored() const noexcept { return scored_; }
  std::uint64_t reranked() const noexcept { return reranked_; }

 private:
  const GraphView& view_;
  Places places_;
  std::size_t k_;
  std::size_t ef_;
  std::atomic<std::uint64_t> scored_ = 0;
  std::atomic<std::uint64_t> reranked_ = 0;
};

Matrix floats_of(MatrixView rows) {
  Matrix floats(DType::f32, rows.rows(), rows.dim());
  for (std::size_t i = 0; i < rows.rows(); ++i) rows.copy_row(i, floats.floats() + i * rows.dim());
  return floats;
}

bool is_finite(const float* row, std::size_t dim) {
  return std::all_of(row, row + dim, [](float value) { return std::isfinite(value); });
}

}  // namespace

std::vector<std::size_t> search_graph(const GraphView& view, MatrixView queries, std::size_t k, std::size_t ef,
                                      const SearchOptions& options, std::span<std::vector<Hit>> hits) {
  GraphSearch search(view, k, ef);
  std::vector<std::uint8_t> wants_scan(queries.rows());
  ProgressMeter meter(options.run, "search", queries.rows());
  parallel_for((queries.rows() + kTaskQueries - 1) / kTaskQueries, options.run, [&](std::size_t task, std::size_t) {
    const std::size_t first = task * kTaskQueries;
    const Matrix some = floats_of(queries.slice(first, std::min(kTaskQueries, queries.rows() - first)));
    Walk walk(view.codec, view.snapshot, search.places(), some);
    const auto ranker = view.codec.make_ranker(some);
    for (std::size_t i = 0; i < some.rows(); ++i) {
      if (!is_finite(some.floats() + i * some.dim(), some.dim())) {
        wants_scan[first + i] = view.codec.metric() == Metric::nan_euclidean;
        continue;
      }
      if (search.run(walk, *ranker, i, filter_of(options, first + i), hits[first + i])) continue;
      hits[first + i].clear();
      wants_scan[first + i] = 1;
    }
    search.note(walk.scored());
    meter.advance(some.rows());
  });
  meter.finish();
  if (options.stats) {
    options.stats->queries += queries.rows();
    options.stats->rows_scored += search.scored();
    const std::size_t shadow = view.snapshot.shadow_bytes();
    options.stats->bytes_scored += search.scored() * (shadow ? shadow : view.codec.code_bytes());
    options.stats->rows_reranked += search.reranked();
  }
  std::vector<std::size_t> scans;
  for (std::size_t q = 0; q < queries.rows(); ++q) {
    if (wants_scan[q]) scans.push_back(q);
  }
  return scans;
}

}  // namespace knear
