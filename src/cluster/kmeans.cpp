#include <algorithm>
#include <chrono>
#include <cmath>
#include <optional>
#include <utility>

#include "cluster/balance.h"
#include "cluster/centroid_sums.h"
#include "cluster/initial.h"
#include "cluster/nearest_cells.h"
#include "cluster/split.h"
#include "cluster/training_rows.h"
#include "core/call_limits.h"
#include "core/check.h"
#include "core/parallel_for.h"
#include "knear/cluster.h"

namespace knear {
namespace {

using Clock = std::chrono::steady_clock;

void check(MatrixView rows, std::size_t k, const KmeansOptions& options) {
  require(k >= 1, "k-means with k = 0 centroids");
  require(k <= kMaxCentroids, "k-means with k = ", k, " centroids: ", kMaxCentroids, " is the most");
  require(rows.rows() >= k, "k-means with k = ", k, " centroids needs as many rows, not ", rows.rows());
  require(rows.dim() >= 1, "k-means of rows without dimensions");
  require(options.nredo >= 1, "nredo = 0: k-means runs at least once");
  require(options.early_stop >= 0 && options.early_stop < 1, "early_stop = ", options.early_stop,
          ": a share of the objective, from 0 to below 1");
  require(options.balance == 0 || (options.balance >= 1 && std::isfinite(options.balance)),
          "balance = ", options.balance, ": a factor of the mean cell size, so at least 1, or 0 for any size");
  require(options.initial.rows() <= k, options.initial.rows(), " initial centroids for k = ", k);
  require(options.initial.rows() == 0 || options.initial.dim() == rows.dim(), "initial centroids have ",
          options.initial.dim(), " dimensions, rows ", rows.dim());
  require(options.done.empty() || (options.initial.rows() == k && !options.frozen), "to go on after ",
          options.done.size(), " iterations takes all ", k, " centroids as initial ones, none of them frozen");
}

// One run: from initial centroids to the last iteration.
class Lloyd {
 public:
  Lloyd(const TrainingRows& rows, Matrix& centroids, const KmeansOptions& options, ProgressMeter& meter)
      : rows_(rows),
        centroids_(centroids),
        options_(options),
        meter_(meter),
        frozen_(options.frozen ? options.initial.rows() : 0),
        nearness_(options.spherical ? Nearness::product : Nearness::distance),
        nearest_(rows, nearness_, options.seed),
        sums_(rows, centroids.rows(), options.resumable ? 0 : CentroidSums::kUpdates),
        cells_(rows.count()) {}

  std::vector<KmeansIteration> run(const RunOptions& run) {
    const Clock::time_point start = Clock::now();
    const std::size_t done = options_.done.size();
    std::vector<KmeansIteration> iterations(options_.done.begin(), options_.done.end());
    if (done == 0) finish_centroids();
    for (std::size_t i = done; i < options_.niter; ++i) {
      const std::size_t moved = assign(run);
      if (i > done && moved == 0) break;
      sums_.update(cells_, run);
      KmeansIteration& iteration = iterations.emplace_back();
      iteration.objective =
          options_.spherical ? sums_.inner_products(centroids_.floats()) : sums_.squared_distances(centroids_.floats());
      iteration.imbalance = sums_.imbalance();
      update_centroids();
      iteration.splits = split_cells(rows_, sums_, cells_, frozen_, centroids_.floats());
      finish_centroids();
      iteration.seconds = std::chrono::duration<double>(Clock::now() - start).count();
      if (i > 0 && settled(iterations[i - 1].objective, iteration.objective)) break;
      if (options_.on_iteration && !options_.on_iteration(iterations, centroids_)) break;
    }
    return iterations;
  }

 private:
  // Returns how many rows have moved.
  std::size_t assign(const RunOptions& run) {
    if (options_.balance == 0) return nearest_.assign(centroids_, cells_, run, meter_);
    nearest_cells_.resize(cells_.size());
    nearest_.assign(centroids_, nearest_cells_, run, meter_);
    const std::vector<std::uint32_t> before = std::exchange(cells_, nearest_cells_);
    balance_cells(rows_.view(), centroids_, nearness_, cell_limit(options_.balance, rows_.count(), centroids_.rows()),
                  cells_, run);
    std::size_t moved = 0;
    for (std::size_t i = 0; i < before.size(); ++i) moved += cells_[i] != before[i];
    return moved;
  }

  void update_centroids() {
    for (std::size_t c = frozen_; c < centroids_.rows(); ++c) {
      if (sums_.weight(c) == 0) continue;
      float* centroid = centroids_.floats() + c * rows_.dim();
      for (std::size_t j = 0; j < rows_.dim(); ++j) {
        centroid[j] = static_cast<float>(sums_.sum(c)[j] / sums_.weight(c));
      }
    }
  }

  void finish_centroids() {
    const std::size_t dim = rows_.dim();
    for (std::size_t c = frozen_; c < centroids_.rows(); ++c) {
      float* centroid = centroids_.floats() + c * dim;
      double square = 0;
      for (std::size_t j = 0; j < dim; ++j)
        square += static_cast<double>(centroid[j]) * static_cast<double>(centroid[j]);
      const double scale = options_.spherical && square > 0 ? 1 / std::sqrt(square) : 1;
      for (std::size_t j = 0; j < dim && scale != 1; ++j) {
        centroid[j] = static_cast<float>(scale * static_cast<double>(centroid[j]));
      }
      for (std::size_t j = 0; j < dim && options_.int_centroids; ++j) centroid[j] = std::nearbyint(centroid[j]);
    }
  }

  bool settled(double before, double now) const {
    return options_.early_stop > 0 && std::abs(before - now) < options_.early_stop * std::abs(before);
  }

  const TrainingRows& rows_;
  Matrix& centroids_;
  const KmeansOptions& options_;
  ProgressMeter& meter_;
  std::size_t frozen_;
  Nearness nearness_;
  NearestCells nearest_;
  CentroidSums sums_;
  std::vector<std::uint32_t> cells_;
  std::vector<std::uint32_t> nearest_cells_;  // with balance
};

bool better(const Kmeans& a, const Kmeans& b, const KmeansOptions& options) {
  return options.spherical ? a.objective > b.objective : a.objective < b.objective;
}

Matrix initial_centroids(const TrainingRows& rows, std::size_t k, const KmeansOptions& options, std::size_t run) {
  Matrix centroids(DType::f32, k, rows.dim());
  for (std::size_t c = 0; c < options.initial.rows(); ++c) {
    float* centroid = centroids.floats() + c * rows.dim();
    options.initial.copy_row(c, centroid);
    for (std::size_t j = 0; j < rows.dim(); ++j) {
      require(std::isfinite(centroid[j]), "initial centroid ", c, " holds NaN or Inf");
    }
  }
  choose_initial(rows, options.initial.rows(), centroids, options, run);
  return centroids;
}

}  // namespace

Kmeans kmeans(MatrixView rows, std::size_t k, const KmeansOptions& options) {
  const Clock::time_point start = Clock::now();
  check(rows, k, options);
  const bool all = options.max_points_per_centroid == 0 || options.max_points_per_centroid >= rows.rows() / k + 1;
  const TrainingRows sample(rows, all ? rows.rows() : options.max_points_per_centroid * k, options);
  // From given centroids every run would be the same.
  const std::size_t runs = options.initial.rows() == k ? 1 : options.nredo;
  ProgressMeter meter(options.run, "k-means",
                      runs * (options.niter - std::min(options.niter, options.done.size())) * sample.count());
  std::optional<Kmeans> best;
  for (std::size_t run = 0; run < runs; ++run) {
    Kmeans result;
    result.centroids = initial_centroids(sample, k, options, run);
    Lloyd lloyd(sample, result.centroids, options, meter);
    result.iterations = lloyd.run(remaining(options.run, start));
    if (!result.iterations.empty()) result.objective = result.iterations.back().objective;
    if (!best || better(result, *best, options)) best = std::move(result);
  }
  meter.finish();
  if (rows.rows() / k < options.min_points_per_centroid) {
    best->warnings.push_back(concat(rows.rows(), " rows for ", k, " centroids: fewer than the ",
                                    options.min_points_per_centroid * k, " that make good ones"));
  }
  return std::move(*best);
}

}  // namespace knear
