#include <algorithm>
#include <chrono>
#include <cmath>
#include <numeric>

#include "cluster/streams.h"
#include "cluster/training_rows.h"
#include "core/call_limits.h"
#include "core/check.h"
#include "core/parallel_for.h"
#include "knear/cluster.h"

namespace knear {
namespace {

using Clock = std::chrono::steady_clock;

void check(MatrixView rows, std::size_t k, const KmeansOptions& options) {
  require(k >= 1 && k <= kMaxCentroids, "k-means with k = ", k, " centroids: 1 to ", kMaxCentroids, " are possible");
  require(rows.rows() >= k, "k-means with k = ", k, " centroids needs as many rows, not ", rows.rows());
  require(options.weights.empty() && options.initial.rows() == 0 && options.balance == 0 && options.done.empty() &&
              !options.on_iteration,
          "k-means in two levels takes no weights, initial centroids, balance, done or on_iteration");
}

// Row numbers, those of a cell next to each other and ascending: cell c has [starts[c], starts[c + 1]).
struct ByCell {
  std::vector<std::size_t> starts;
  std::vector<std::uint32_t> rows;

  ByCell(std::span<const std::uint32_t> cells, std::size_t k) : starts(k + 1), rows(cells.size()) {
    for (const std::uint32_t cell : cells) ++starts[cell + 1];
    std::partial_sum(starts.begin(), starts.end(), starts.begin());
    std::vector<std::size_t> ends(starts.begin(), starts.end() - 1);
    for (std::uint32_t i = 0; i < cells.size(); ++i) rows[ends[cells[i]]++] = i;
  }
  std::size_t size(std::size_t cell) const { return starts[cell + 1] - starts[cell]; }
};

// k centroids in proportion to the sizes of the cells, k <= n in all: so no cell gets more than it has rows. What
// rounding down leaves over goes to the largest remainders, of equal ones to the first.
std::vector<std::size_t> shares(const ByCell& cells, std::size_t k) {
  const std::size_t n = cells.rows.size();
  std::vector<std::size_t> shares(cells.starts.size() - 1);
  std::vector<std::size_t> order(shares.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  for (std::size_t c = 0; c < shares.size(); ++c) shares[c] = cells.size(c) * k / n;
  std::stable_sort(order.begin(), order.end(),
                   [&](auto a, auto b) { return cells.size(a) * k % n > cells.size(b) * k % n; });
  const std::size_t left = k - std::accumulate(shares.begin(), shares.end(), std::size_t{0});
  for (std::size_t i = 0; i < left; ++i) ++shares[order[i]];
  return shares;
}

class TwoLevels {
 public:
  TwoLevels(const TrainingRows& rows, std::size_t k, const KmeansOptions& options)
      : rows_(rows),
        k_(k),
        coarse_k_(static_cast<std::size_t>(std::round(std::sqrt(static_cast<double>(k))))),
        options_(options),
        start_(Clock::now()),
        meter_(options.run, "k-means", options.nredo * options.niter * (coarse_rows() + rows.count()) + rows.count()) {
    result_.centroids = Matrix(DType::f32, k, rows.dim());
  }

  Kmeans run() {
    KmeansOptions coarse = part_options(coarse_rows());
    coarse.max_points_per_centroid = coarse_rows() / coarse_k_;
    const Kmeans first = kmeans(rows_.view(), coarse_k_, coarse);
    std::vector<std::uint32_t> numbers(rows_.count());
    // Spherical centroids have length 1, so the nearest is that of the largest product.
    assign_to_nearest(rows_.view(), first.centroids, numbers, {}, part_run(rows_.count()));
    const ByCell cells(numbers, coarse_k_);
    const std::vector<std::size_t> share = shares(cells, k_);
    for (std::size_t c = 0; c < coarse_k_; ++c) train(cells, c, share[c], first.centroids);
    meter_.finish();
    return std::move(result_);
  }

 private:
  // That the first level learns from.
  std::size_t coarse_rows() const {
    const std::size_t most = options_.max_points_per_centroid;
    return most == 0 ? rows_.count() : std::min(rows_.count(), std::max<std::size_t>(most, 1) * coarse_k_);
  }

  // The part's progress moves that of the whole; it ends when the whole does.
  RunOptions part_run(std::size_t work) {
    RunOptions run = remaining(options_.run, start_);
    if (!run.progress) return run;
    run.progress = [this, seen = std::size_t{0}, work](const Progress& progress) mutable {
      const std::size_t done = progress.total == 0 ? 0 : progress.done * work / progress.total;
      meter_.advance(done - std::min(done, seen));
      seen = std::max(seen, done);
      return true;
    };
    return run;
  }

  KmeansOptions part_options(std::size_t rows) {
    KmeansOptions options = options_;
    options.min_points_per_centroid = 0;
    options.run = part_run(options.nredo * options.niter * rows);
    return options;
  }

  // The centroids of one cell; they follow those of the cells before.
  void train(const ByCell& cells, std::size_t cell, std::size_t share, const Matrix& coarse) {
    if (share == 0) return;
    const std::size_t dim = rows_.dim();
    Matrix part(DType::f32, cells.size(cell), dim);
    for (std::size_t i = 0; i < part.rows(); ++i) {
      std::copy_n(rows_.row(cells.rows[cells.starts[cell] + i]), dim, part.floats() + i * dim);
    }
    KmeansOptions options = part_options(part.rows());
    options.max_points_per_centroid = 0;
    options.seed = Rng(options_.seed, stream_of(Draw::cell, cell)).bits();
    if (share == 1) options.initial = MatrixView(coarse.floats() + cell * dim, DType::f32, 1, dim);
    const Kmeans found = kmeans(part, share, options);
    std::copy_n(found.centroids.floats(), share * dim, result_.centroids.floats() + filled_ * dim);
    filled_ += share;
    result_.objective += found.objective;
  }

  const TrainingRows& rows_;
  std::size_t k_;
  std::size_t coarse_k_;
  const KmeansOptions& options_;
  Clock::time_point start_;
  ProgressMeter meter_;
  Kmeans result_;
  std::size_t filled_ = 0;
};

}  // namespace

Kmeans kmeans_two_level(MatrixView rows, std::size_t k, const KmeansOptions& options) {
  check(rows, k, options);
  const std::size_t most = options.max_points_per_centroid;
  const TrainingRows sample(rows, most == 0 || most >= rows.rows() / k + 1 ? rows.rows() : most * k, options);
  Kmeans result = TwoLevels(sample, k, options).run();
  if (rows.rows() / k < options.min_points_per_centroid) {
    result.warnings.push_back(concat(rows.rows(), " rows for ", k, " centroids: fewer than the ",
                                     options.min_points_per_centroid * k, " that make good ones"));
  }
  return result;
}

}  // namespace knear
