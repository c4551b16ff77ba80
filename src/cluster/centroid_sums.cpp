#include "cluster/centroid_sums.h"

#include <algorithm>

#include "core/parallel_for.h"

namespace knear {
namespace {

constexpr std::size_t kTaskFloats = 1 << 17;  // that a task adds, about

void add(double weight, const float* row, std::size_t dim, double* sum) {
  for (std::size_t j = 0; j < dim; ++j) sum[j] += weight * static_cast<double>(row[j]);
}

double dot(const double* a, const float* b, std::size_t dim) {
  double sum = 0;
  for (std::size_t j = 0; j < dim; ++j) sum += a[j] * static_cast<double>(b[j]);
  return sum;
}

}  // namespace

CentroidSums::CentroidSums(const TrainingRows& rows, std::size_t k, std::size_t updates)
    : rows_(rows), k_(k), updates_(updates), sums_(k * rows.dim()), weights_(k), squares_(k), sizes_(k) {}

// A row that comes into a cell (1) or leaves it (-1).
struct CentroidSums::Change {
  std::size_t row;
  int sign;
};

// Changes ordered by cell, those of a cell by row: the ones of cell c are [starts[c], starts[c + 1]).
struct CentroidSums::ByCell {
  std::vector<std::size_t> starts;
  std::vector<Change> changes;

  // visit(act) calls act(cell, change) for each change, in ascending order of the rows, the same each time.
  template <class Visit>
  ByCell(std::size_t k, Visit visit) : starts(k + 2) {
    visit([&](std::size_t cell, Change) { ++starts[cell + 2]; });
    for (std::size_t c = 2; c < starts.size(); ++c) starts[c] += starts[c - 1];
    changes.resize(starts.back());
    visit([&](std::size_t cell, Change change) { changes[starts[cell + 1]++] = change; });
  }
  std::span<const Change> of(std::size_t cell) const {
    return std::span(changes).subspan(starts[cell], starts[cell + 1] - starts[cell]);
  }
};

CentroidSums::ByCell CentroidSums::all_rows(std::span<const std::uint32_t> cells) const {
  return {k_, [&](auto act) {
            for (std::size_t i = 0; i < cells.size(); ++i) act(cells[i], Change{i, 1});
          }};
}

CentroidSums::ByCell CentroidSums::moved_rows(std::span<const std::uint32_t> cells) const {
  return {k_, [&](auto act) {
            for (std::size_t i = 0; i < cells.size(); ++i) {
              if (cells[i] == cells_[i]) continue;
              act(cells_[i], Change{i, -1});
              act(cells[i], Change{i, 1});
            }
          }};
}

void CentroidSums::update(std::span<const std::uint32_t> cells, const RunOptions& run) {
  std::size_t moved = 0;
  for (std::size_t i = 0; i < cells_.size(); ++i) moved += cells[i] != cells_[i];
  // What is left of taken-off weights would not be 0.
  const bool anew = until_anew_ == 0 || rows_.weighted() || moved > cells.size() / 3;
  until_anew_ = anew ? updates_ : until_anew_ - 1;
  const ByCell by_cell = anew ? all_rows(cells) : moved_rows(cells);
  if (anew) {
    std::fill(sums_.begin(), sums_.end(), 0.0);
    std::fill(weights_.begin(), weights_.end(), 0.0);
    std::fill(squares_.begin(), squares_.end(), 0.0);
    std::fill(sizes_.begin(), sizes_.end(), std::size_t{0});
  }
  const std::size_t tasks = std::clamp<std::size_t>(by_cell.changes.size() * rows_.dim() / kTaskFloats, 1, k_);
  parallel_for(tasks, run, [&](std::size_t task, std::size_t) {
    for (std::size_t c = k_ * task / tasks; c < k_ * (task + 1) / tasks; ++c) apply(c, by_cell.of(c));
  });
  cells_.assign(cells.begin(), cells.end());
}

void CentroidSums::apply(std::size_t cell, std::span<const Change> changes) {
  double* sum = sums_.data() + cell * rows_.dim();
  for (const Change& change : changes) {
    const double weight = change.sign * rows_.weight(change.row);
    add(weight, rows_.row(change.row), rows_.dim(), sum);
    weights_[cell] += weight;
    squares_[cell] += weight * rows_.squared_length(change.row);
    sizes_[cell] = static_cast<std::size_t>(static_cast<std::ptrdiff_t>(sizes_[cell]) + change.sign);
  }
}

double CentroidSums::spread(std::size_t cell) const noexcept {
  if (weights_[cell] == 0) return 0;
  double square = 0;
  for (std::size_t j = 0; j < rows_.dim(); ++j) square += sum(cell)[j] * sum(cell)[j];
  const double spread = squares_[cell] - square / weights_[cell];
  // What is less may be nothing but rounding.
  return spread > 0x1p-40 * squares_[cell] ? spread : 0;
}

double CentroidSums::squared_distances(const float* centroids) const {
  double total = 0;
  const std::size_t dim = rows_.dim();
  for (std::size_t c = 0; c < k_; ++c, centroids += dim) {
    double square = 0;
    for (std::size_t j = 0; j < dim; ++j)
      square += static_cast<double>(centroids[j]) * static_cast<double>(centroids[j]);
    total += std::max(0.0, squares_[c] - 2 * dot(sum(c), centroids, dim) + weights_[c] * square);
  }
  return total;
}

double CentroidSums::inner_products(const float* centroids) const {
  double total = 0;
  for (std::size_t c = 0; c < k_; ++c) total += dot(sum(c), centroids + c * rows_.dim(), rows_.dim());
  return total;
}

double CentroidSums::imbalance() const {
  double squares = 0;
  for (const std::size_t size : sizes_) squares += static_cast<double>(size) * static_cast<double>(size);
  const auto n = static_cast<double>(rows_.count());
  return static_cast<double>(k_) * squares / (n * n);
}

}  // namespace knear
