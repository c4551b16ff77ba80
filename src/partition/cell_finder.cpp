#include "partition/cell_finder.h"

#include <numeric>

#include "core/check.h"
#include "metric/finite_rows.h"

namespace knear {
namespace {

std::vector<Id> first_ids(std::size_t n) {
  std::vector<Id> ids(n);
  std::iota(ids.begin(), ids.end(), Id{0});
  return ids;
}

}  // namespace

CellFinder::CellFinder(std::shared_ptr<Index> coarse)
    : coarse_(std::move(coarse)), centroids_(coarse_->get(first_ids(coarse_->size()))) {
  const Metric metric = coarse_->metric();
  if (!(metric == Metric::l2 || metric == Metric::inner_product) || !coarse_->capabilities().exact) return;
  auto quick = std::make_unique<const NearestCentroids>(centroids_, metric);
  if (quick->sound()) quick_ = std::move(quick);
}

void CellFinder::put_back() const {
  coarse_->clear();
  coarse_->add(centroids_);
}

bool CellFinder::means_the_same_as(const CellFinder& other) const {
  const std::size_t values = centroids_.rows() * centroids_.dim();
  return centroids_.rows() == other.centroids_.rows() && coarse_->spec() == other.coarse_->spec() &&
         std::equal(centroids_.floats(), centroids_.floats() + values, other.centroids_.floats());
}

// Where both mean the same, the assignment of k-means is faster than a search.
std::vector<std::uint32_t> CellFinder::assign(MatrixView rows, const RunOptions& run) const {
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

void fill_coarse(MatrixView rows, std::size_t nlist, const KmeansOptions& kmeans, const TrainOptions& options,
                 Index& coarse) {
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

}  // namespace knear
