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
constexpr float kMarginOfMoves = 4;    // how far behind the nearest lower bounds are looked for
constexpr std::size_t kFarMovers = 8;  // of so many centroids, one may move farther than these moves
constexpr std::size_t kGroups = 16;    // of tasks, of which one looks for lower bounds and one does not, always
constexpr std::size_t kSample = 2048;
constexpr std::size_t kTries = 2;
constexpr std::size_t kWorthLearning = std::size_t{1} << 23;  // pairs of rows and centroids

std::size_t tasks_for(std::size_t rows) { return (rows + kTaskRows - 1) / kTaskRows; }

}  // namespace

NearestCells::NearestCells(const TrainingRows& rows, Nearness nearness, std::uint64_t seed, Calls calls)
    : rows_(rows), nearness_(nearness), seed_(seed), calls_(calls), places_(rows.count()) {}

std::size_t NearestCells::assign(const Matrix& centroids, std::span<std::uint32_t> cells, const RunOptions& run,
                                 ProgressMeter& meter) {
  prepare(centroids, run);
  std::atomic<std::size_t> moved = 0;
  parallel_for(tasks_for(rows_.count()), run, [&](std::size_t task, std::size_t) {
    const std::size_t first = task * kTaskRows;
    const std::size_t count = std::min(kTaskRows, rows_.count() - first);
    if (images_) {
      search_images(task, first, count);
    } else {
      search_whole(first, count);
    }
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
  if (iteration_ == 0) {
    order_.resize(centroids.rows());
    std::iota(order_.begin(), order_.end(), 0u);
  } else {
    measure_moves(centroids, run);
  }
  if (images_) images_->use(centroids, order_);
  if (iteration_ < kTries && nearness_ == Nearness::distance) try_images(centroids, run);
  margins_pay_ = costs_[true] < costs_[false];
  costs_[false] = costs_[true] = 0;
  if (images_) return;
  whole_.emplace(rows_, centroids, nearness_);
  if (iteration_ > 0) part_movers();
}

// In the first iteration and again in the second: the first centroids may be anything.
void NearestCells::try_images(const Matrix& centroids, const RunOptions& run) {
  if (!ImageSearch::suits(rows_, centroids.rows())) return;
  if (calls_ == Calls::one && rows_.count() * centroids.rows() < kWorthLearning) return;
  if (!images_) {
    images_.emplace(rows_, seed_);
    images_->use(centroids, order_);
  }
  if (iteration_ == 0) images_->guess(places_, run);
  if (!images_->tune(places_, run)) images_.reset();
}

void NearestCells::measure_moves(const Matrix& centroids, const RunOptions& run) {
  const std::size_t dim = centroids.dim();
  moves_.resize(centroids.rows());
  parallel_for((moves_.size() + 63) / 64, run, [&](std::size_t task, std::size_t) {
    for (std::size_t c = 64 * task; c < std::min(moves_.size(), 64 * (task + 1)); ++c) {
      const float* before = before_.data() + c * dim;
      double square = 0;
      kernels::table().exact[kernels::exact_l2](centroids.floats() + c * dim, &before, 1, dim, 0, &square);
      moves_[c] = square == 0 ? 0 : well_above(std::sqrt(square));
    }
  });
  std::stable_sort(order_.begin(), order_.end(), [&](auto a, auto b) { return moves_[a] > moves_[b]; });
  in_order_.resize(moves_.size());
  for (std::size_t i = 0; i < moves_.size(); ++i) in_order_[i] = moves_[order_[i]];
}

// A few centroids move far and would spoil the bounds for all others: they are looked at for every row. How many, a
// sample of the rows says.
void NearestCells::part_movers() {
  const std::size_t width = kernels::table().tile_queries;
  const std::size_t sample = std::min(rows_.count(), kSample);
  std::size_t fast = 0;
  double least = 0;
  for (std::size_t count = 0; 2 * count <= order_.size(); count += std::max(width, count / 2)) {
    std::size_t unsure = 0;
    for (std::size_t i = 0; i < sample; ++i) {
      const Place& place = places_[i * rows_.count() / sample];
      unsure += !(place.upper + moves_[place.cell] < place.lower - in_order_[count]);
    }
    const double cost =
        static_cast<double>(count) + static_cast<double>(unsure * order_.size()) / static_cast<double>(sample);
    if (count == 0 || cost < least) {
      fast = count;
      least = cost;
    }
  }
  slow_move_ = in_order_[fast];
  has_fast_ = fast > 0;
  if (has_fast_) whole_->single_out(std::span(order_).first(fast));
}

// Moves the bounds, and looks for the rows that may have to leave their cells. Which rows these are is anybody's guess,
// so they are parted without branches.
void NearestCells::search_whole(std::size_t first, std::size_t count) {
  std::uint32_t parted[2][kTaskRows];
  std::size_t counts[2] = {};
  for (std::size_t i = first; i < first + count; ++i) {
    Place& place = places_[i];
    if (iteration_ > 0) {
      place.upper = well_above(static_cast<double>(place.upper) + static_cast<double>(moves_[place.cell]));
      place.lower = well_below(static_cast<double>(place.lower) - static_cast<double>(slow_move_));
    }
    const bool is_sure = iteration_ > 0 && place.upper < place.lower;
    parted[is_sure][counts[is_sure]++] = static_cast<std::uint32_t>(i);
  }
  const std::span<const std::uint32_t> unsure(parted[false], counts[false]);
  const std::span<const std::uint32_t> sure(parted[true], counts[true]);
  whole_->search(unsure, places_);
  if (has_fast_) whole_->search_few(sure, places_);
}

// How many of the centroids that moved farthest may have come nearer than the row's own; moves the bounds for the rest.
std::size_t NearestCells::centroids_to_look_at(std::uint32_t row) {
  Place& place = places_[row];
  const std::size_t k = order_.size();
  if (iteration_ == 0) {
    place.upper = images_->distance(row, place.cell);
    return k;
  }
  const float own = moves_[place.cell];
  place.upper = well_above(static_cast<double>(place.upper) + static_cast<double>(own));
  const float least = well_below(static_cast<double>(place.lower) - static_cast<double>(in_order_[0]));
  if (place.upper < least) {
    place.lower = least;
    return 0;
  }
  place.upper = images_->distance(row, place.cell);
  // Those that moved by less than what is to spare are still farther; a half of it is kept for the next time. Where
  // nothing is, those that did not move are still farther than a centroid that did not.
  const float spare = place.lower - place.upper;
  if (!(spare > 0) && own > 0) return k;
  const float most = spare > 0 ? spare / 2 : 0;
  const auto moved = std::partition_point(in_order_.begin(), in_order_.end(), [&](float move) { return move > most; });
  const auto count = static_cast<std::size_t>(moved - in_order_.begin());
  if (4 * count > 3 * k) return k;
  place.lower = well_below(static_cast<double>(place.lower) - static_cast<double>(in_order_[count]));
  return count;
}

void NearestCells::search_images(std::size_t task, std::size_t first, std::size_t count) {
  std::vector<ImageSearch::Look> looks;
  for (std::size_t i = first; i < first + count; ++i) {
    const auto row = static_cast<std::uint32_t>(i);
    if (const std::size_t centroids = centroids_to_look_at(row); centroids > 0)
      looks.push_back({row, static_cast<std::uint32_t>(centroids)});
  }
  std::stable_sort(looks.begin(), looks.end(), [](const auto& a, const auto& b) { return a.centroids > b.centroids; });
  const std::size_t group = task % kGroups;
  const bool margins = group == 0 || (group > 1 && margins_pay_);
  const float margin = margins && iteration_ > 0 ? kMarginOfMoves * in_order_[order_.size() / kFarMovers] : 0;
  const std::size_t cost = images_->search(looks, margin, places_);
  if (group < 2) costs_[group == 0] += cost;
}

}  // namespace knear
