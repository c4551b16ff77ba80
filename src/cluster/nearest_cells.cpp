#include "cluster/nearest_cells.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <numeric>

#include "cluster/rounding.h"
#include "kernels/dispatch.h"

namespace knear {
namespace {

constexpr std::size_t kTaskRows = 1024;
constexpr float kMarginOfMoves = 8;  // how far behind the nearest lower bounds are looked for
constexpr std::size_t kSample = 2048;

std::size_t tasks_for(std::size_t rows) { return (rows + kTaskRows - 1) / kTaskRows; }

}  // namespace

NearestCells::NearestCells(const TrainingRows& rows, Nearness nearness, std::uint64_t seed)
    : rows_(rows), nearness_(nearness), seed_(seed), places_(rows.count()) {}

std::size_t NearestCells::assign(const Matrix& centroids, std::span<std::uint32_t> cells, const RunOptions& run,
                                 ProgressMeter& meter) {
  prepare(centroids, run);
  std::atomic<std::size_t> moved = 0;
  parallel_for(tasks_for(rows_.count()), run, [&](std::size_t task, std::size_t) {
    const std::size_t first = task * kTaskRows;
    const std::size_t count = std::min(kTaskRows, rows_.count() - first);
    search(first, count);
    std::size_t changes = 0;
    for (std::size_t i = first; i < first + count; ++i) {
      changes += cells[i] != places_[i].cell;
      cells[i] = places_[i].cell;
    }
    moved += changes;
    meter.advance(count);
  });
  before_.assign(centroids.floats(), centroids.floats() + centroids.rows() * centroids.dim());
  ++iteration_;
  return moved;
}

void NearestCells::prepare(const Matrix& centroids, const RunOptions& run) {
  if (iteration_ == 0 && nearness_ == Nearness::distance && ImageSearch::suits(rows_, centroids.rows())) {
    images_.emplace(rows_, seed_, run);
  }
  if (images_) images_->use(centroids);
  if (iteration_ > 0) measure_moves(centroids, run);
  if (images_ && iteration_ == 0) images_->guess(places_, run);
  if (images_ && iteration_ == 1 && !images_->tune(places_)) images_.reset();
  if (!images_) whole_.emplace(rows_, centroids, nearness_);
  if (iteration_ > 0) part_movers();
}

void NearestCells::measure_moves(const Matrix& centroids, const RunOptions& run) {
  const std::size_t dim = centroids.dim();
  moves_.resize(centroids.rows());
  parallel_for((moves_.size() + 63) / 64, run, [&](std::size_t task, std::size_t) {
    for (std::size_t c = 64 * task; c < std::min(moves_.size(), 64 * (task + 1)); ++c) {
      const float* before = before_.data() + c * dim;
      double square = 0;
      kernels::table().exact[kernels::exact_l2](centroids.floats() + c * dim, &before, 1, dim, 0, &square);
      moves_[c] = square == 0 ? 0 : float_above(std::sqrt(square));
    }
  });
}

// A few centroids move far and would spoil the bounds for all others: they are looked at for every row. How many, a
// sample of the rows says.
void NearestCells::part_movers() {
  std::vector<std::uint32_t> order(moves_.size());
  std::iota(order.begin(), order.end(), 0u);
  std::stable_sort(order.begin(), order.end(), [&](auto a, auto b) { return moves_[a] > moves_[b]; });
  const std::size_t width = kernels::table().tile_queries;
  const std::size_t sample = std::min(rows_.count(), kSample);
  std::size_t fast = 0;
  double least = 0;
  for (std::size_t count = 0; 2 * count <= order.size(); count += std::max(width, count / 2)) {
    std::size_t unsure = 0;
    for (std::size_t i = 0; i < sample; ++i) {
      const Place& place = places_[i * rows_.count() / sample];
      unsure += !(place.upper + moves_[place.cell] < place.lower - moves_[order[count]]);
    }
    const double cost =
        static_cast<double>(count) + static_cast<double>(unsure * order.size()) / static_cast<double>(sample);
    if (count == 0 || cost < least) {
      fast = count;
      least = cost;
    }
  }
  slow_move_ = moves_[order[fast]];
  order.resize(fast);
  has_fast_ = fast > 0;
  if (images_) {
    images_->single_out(order);
  } else if (has_fast_) {
    whole_->single_out(order);
  }
}

// Moves the bounds, and looks for the rows that may have to leave their cells. Which rows these are is anybody's guess,
// so they are parted without branches.
void NearestCells::search(std::size_t first, std::size_t count) {
  std::uint32_t parted[2][kTaskRows];
  std::size_t counts[2] = {};
  for (std::size_t i = first; i < first + count; ++i) {
    Place& place = places_[i];
    if (iteration_ > 0) {
      place.upper = float_above(static_cast<double>(place.upper) + static_cast<double>(moves_[place.cell]));
      place.lower = float_below(static_cast<double>(place.lower) - static_cast<double>(slow_move_));
    }
    const bool is_sure = iteration_ > 0 && place.upper < place.lower;
    parted[is_sure][counts[is_sure]++] = static_cast<std::uint32_t>(i);
  }
  const std::span<const std::uint32_t> unsure(parted[false], counts[false]);
  const std::span<const std::uint32_t> sure(parted[true], counts[true]);
  if (images_) {
    const float margin = iteration_ == 0 ? 0 : kMarginOfMoves * slow_move_;
    images_->search(unsure, ImageSearch::Among::all, margin, places_);
    if (has_fast_) images_->search(sure, ImageSearch::Among::few, margin, places_);
  } else {
    whole_->search(unsure, places_);
    if (has_fast_) whole_->search_few(sure, places_);
  }
}

}  // namespace knear
