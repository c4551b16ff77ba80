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
constexpr float kMarginOfMoves = 2;  // how far behind the nearest lower bounds are looked for
constexpr float kReach = 2.1f;       // times the radius of a cell: a little more than what matters
constexpr std::size_t kLooks = 1024;

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
    const std::vector<std::uint32_t> rows = unsure(first, count);
    if (images_) {
      images_->search(rows, margins_, places_);
    } else {
      search_whole(rows);
    }
    std::size_t changes = 0;
    for (const std::uint32_t row : rows) {
      changes += cells[row] != places_[row].cell;
      cells[row] = places_[row].cell;
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
  if (iteration_ == 0) margins_.assign(centroids.rows(), 0);
  if (iteration_ > 0) measure_moves(centroids, run);
  if (images_ && iteration_ == 0) images_->guess(places_, run);
  if (images_ && iteration_ == 1 && !images_->tune(places_)) images_.reset();
  if (!images_) whole_.emplace(centroids, nearness_);
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
  look_around(run);
}

// Of each cell, how far the others that matter have moved. One matters when it may be nearer to a row of the cell than
// the row's own centroid: not when it is more than twice as far from that as the farthest of the rows is.
void NearestCells::look_around(const RunOptions& run) {
  const std::size_t k = moves_.size();
  std::vector<float> radius(k);
  for (Place& place : places_) {
    place.upper = float_above(static_cast<double>(place.upper) + static_cast<double>(moves_[place.cell]));
    if (!(place.upper <= radius[place.cell])) radius[place.cell] = place.upper;
  }
  std::vector<std::uint32_t> order(k);
  std::iota(order.begin(), order.end(), 0u);
  std::stable_sort(order.begin(), order.end(), [&](auto a, auto b) { return moves_[a] > moves_[b]; });
  around_.assign(k, {});
  margins_.assign(k, 0);
  parallel_for((k + 63) / 64, run, [&](std::size_t task, std::size_t) {
    for (std::size_t c = 64 * task; c < std::min(k, 64 * (task + 1)); ++c) {
      around_[c] = around(c, kReach * radius[c], order);
      margins_[c] = kMarginOfMoves * around_[c].move;
    }
  });
}

// Goes through the centroids that have moved farthest and stops at the first that matters.
NearestCells::Around NearestCells::around(std::size_t cell, float reach, std::span<const std::uint32_t> order) const {
  Around around;
  std::size_t looks = images_ ? kLooks : 0;
  for (const std::uint32_t other : order) {
    if (other == cell) continue;
    const float apart = looks == 0 || moves_[other] == 0 ? 0 : images_->apart(cell, other);
    if (!(apart > reach)) {
      around.move = moves_[other];
      break;
    }
    around.beyond = std::min(around.beyond, apart);
    --looks;
  }
  return around;
}

// Moves the bounds; the rows that may have to leave their cells.
std::vector<std::uint32_t> NearestCells::unsure(std::size_t first, std::size_t count) {
  std::vector<std::uint32_t> rows;
  rows.reserve(count);
  for (std::size_t i = first; i < first + count; ++i) {
    Place& place = places_[i];
    if (iteration_ > 0) {
      const Around& around = around_[place.cell];
      const double lower = static_cast<double>(place.lower) - static_cast<double>(around.move);
      const double beyond = static_cast<double>(around.beyond) - static_cast<double>(place.upper);
      place.lower = float_below(std::min(lower, beyond));
      if (place.upper < place.lower) continue;
    }
    rows.push_back(static_cast<std::uint32_t>(i));
  }
  return rows;
}

void NearestCells::search_whole(std::span<const std::uint32_t> rows) {
  constexpr std::size_t kGathered = 96;
  const std::size_t dim = rows_.dim();
  std::vector<float> gathered(kGathered * dim);
  double squares[kGathered];
  Place places[kGathered];
  for (std::size_t first = 0; first < rows.size(); first += kGathered) {
    const auto part = rows.subspan(first, std::min(kGathered, rows.size() - first));
    for (std::size_t i = 0; i < part.size(); ++i) {
      std::copy_n(rows_.row(part[i]), dim, gathered.data() + i * dim);
      squares[i] = rows_.squared_length(part[i]);
    }
    whole_->search({gathered.data(), part.size(), dim}, squares, places);
    for (std::size_t i = 0; i < part.size(); ++i) places_[part[i]] = places[i];
  }
}

}  // namespace knear
