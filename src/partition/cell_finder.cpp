#include "partition/cell_finder.h"

#include <algorithm>
#include <numeric>

#include "core/check.h"
#include "core/parallel_for.h"
#include "io/byte_fields.h"
#include "metric/finite_rows.h"
#include "partition/implicit_centroids.h"

namespace knear {
namespace {

std::vector<Id> first_ids(std::size_t n) {
  std::vector<Id> ids(n);
  std::iota(ids.begin(), ids.end(), Id{0});
  return ids;
}

std::shared_ptr<const ImplicitCentroids> implicit_of(const Index& coarse) {
  const auto* index = dynamic_cast<const ImplicitIndex*>(&coarse);
  return index ? index->centroids() : nullptr;
}

}  // namespace

CellFinder::CellFinder(std::shared_ptr<Index> coarse)
    : coarse_(std::move(coarse)), nlist_(coarse_->size()), implicit_(implicit_of(*coarse_)) {
  if (implicit_) return;
  centroids_ = coarse_->get(first_ids(nlist_));
  const Metric metric = coarse_->metric();
  if (!(metric == Metric::l2 || metric == Metric::inner_product) || !coarse_->capabilities().exact) return;
  auto quick = std::make_unique<const NearestCentroids>(centroids_, metric);
  if (quick->sound()) quick_ = std::move(quick);
}

const float* CellFinder::centroid(std::size_t cell, float* scratch) const {
  if (!implicit_) return centroids_.floats() + cell * centroids_.dim();
  implicit_->centroid(cell, scratch);
  return scratch;
}

void CellFinder::put_back() const {
  coarse_->clear();
  coarse_->add(centroids_);
}

bool CellFinder::means_the_same_as(const CellFinder& other) const {
  const std::size_t values = centroids_.rows() * centroids_.dim();
  if (implicit_ && other.implicit_) {
    return coarse_->spec() == other.coarse_->spec() && learned_bytes(*implicit_) == learned_bytes(*other.implicit_);
  }
  return !implicit_ && !other.implicit_ && centroids_.rows() == other.centroids_.rows() &&
         coarse_->spec() == other.coarse_->spec() &&
         std::equal(centroids_.floats(), centroids_.floats() + values, other.centroids_.floats());
}

// Where both mean the same, the assignment of k-means is faster than a search.
std::vector<std::uint32_t> CellFinder::assign(MatrixView rows, const RunOptions& run) const {
  if (implicit_) return implicit_->assign(rows, run);
  std::vector<std::uint32_t> cells(rows.rows());
  const bool exact = coarse_->metric() == Metric::l2 && coarse_->capabilities().exact;
  if (exact && first_bad_row(rows, run) == rows.rows()) {
    assign_to_nearest(rows, centroids_, cells, {}, run);
    return cells;
  }
  constexpr std::size_t kRows = 65536;
  for (std::size_t first = 0; first < rows.rows(); first += kRows) {
    const std::size_t count = std::min(kRows, rows.rows() - first);
    const std::vector<Id> found = nearest(rows.slice(first, count), 1, Order::strict, run);
    for (std::size_t i = 0; i < count; ++i) cells[first + i] = static_cast<std::uint32_t>(std::max<Id>(found[i], 0));
  }
  return cells;
}

std::vector<Id> CellFinder::nearest(MatrixView queries, std::size_t count, Order order, const RunOptions& run) const {
  if (implicit_) return nearest_combinations(queries, count, run);
  if (quick_ && order == Order::loose && count <= nlist() &&
      first_bad_row(queries, {.num_threads = 1}) == queries.rows()) {
    std::vector<Id> cells(queries.rows() * count);
    quick_->find(queries, count, run, cells.data());
    return cells;
  }
  SearchOptions options;
  options.run = run;
  options.run.progress = {};
  Neighbors found = coarse_->search(queries, std::min(count, nlist()), options);
  for (Id& id : found.ids) {
    if (id >= static_cast<Id>(nlist())) id = kNoId;
  }
  return std::move(found.ids);
}

std::vector<Id> CellFinder::nearest_combinations(MatrixView queries, std::size_t count, const RunOptions& run) const {
  constexpr std::size_t kTaskQueries = 16;
  std::vector<Id> cells(queries.rows() * count, kNoId);
  parallel_for((queries.rows() + kTaskQueries - 1) / kTaskQueries, run, [&](std::size_t task, std::size_t) {
    const auto search = implicit_->make_search();
    std::vector<float> query(queries.dim());
    for (std::size_t q = task * kTaskQueries; q < std::min(queries.rows(), (task + 1) * kTaskQueries); ++q) {
      if (first_bad_row(queries.slice(q, 1), {.num_threads = 1}) == 0) continue;
      queries.copy_row(q, query.data());
      Id* cell = cells.data() + q * count;
      for (const Hit& hit : search->nearest(query.data(), std::min(count, nlist_), nullptr)) *cell++ = hit.id;
    }
  });
  return cells;
}

void fill_coarse(MatrixView rows, std::size_t nlist, const KmeansOptions& kmeans, const TrainOptions& options,
                 Index& coarse) {
  if (dynamic_cast<const ImplicitIndex*>(&coarse)) return coarse.train(rows, options);
  require(rows.rows() >= nlist, "a partition of ", nlist, " cells learns from at least as many rows, not ",
          rows.rows());
  KmeansOptions all = kmeans;
  all.run = options.run;
  all.spherical |= coarse.metric() == Metric::cosine;
  const Kmeans found = knear::kmeans(rows, nlist, all);
  if (options.warnings) options.warnings->insert(options.warnings->end(), found.warnings.begin(), found.warnings.end());
  if (!coarse.is_trained()) coarse.train(found.centroids, options);
  coarse.clear();
  coarse.add(found.centroids, {.run = options.run});
}

CoarseBackup::CoarseBackup(Index& coarse, std::shared_ptr<const CellFinder> before)
    : coarse_(coarse), before_(std::move(before)), implicit_(implicit_of(coarse)) {}

void CoarseBackup::restore() const {
  if (auto* const index = dynamic_cast<ImplicitIndex*>(&coarse_)) return index->set_centroids(implicit_);
  before_ ? before_->put_back() : coarse_.clear();
}

}  // namespace knear
