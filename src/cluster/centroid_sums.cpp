#include "cluster/centroid_sums.h"

#include <algorithm>

#include "core/parallel_for.h"

namespace knear {
namespace {

constexpr std::size_t kTaskFloats = 1 << 18;  // that a task adds, about

// Rows ordered by cell, those of a cell ascending: the rows of cell c are [starts[c], starts[c + 1]).
struct RowsByCell {
  std::vector<std::size_t> starts;
  std::vector<std::size_t> rows;
};

RowsByCell by_cell(std::span<const std::uint32_t> cells, std::size_t k) {
  RowsByCell order{std::vector<std::size_t>(k + 2, 0), std::vector<std::size_t>(cells.size())};
  for (const std::uint32_t cell : cells) ++order.starts[cell + 2];
  for (std::size_t c = 2; c < k + 2; ++c) order.starts[c] += order.starts[c - 1];
  for (std::size_t i = 0; i < cells.size(); ++i) order.rows[order.starts[cells[i] + 1]++] = i;
  return order;
}

void add(double weight, const float* row, std::size_t dim, double* sum) {
  for (std::size_t j = 0; j < dim; ++j) sum[j] += weight * static_cast<double>(row[j]);
}

double dot(const double* a, const float* b, std::size_t dim) {
  double sum = 0;
  for (std::size_t j = 0; j < dim; ++j) sum += a[j] * static_cast<double>(b[j]);
  return sum;
}

}  // namespace

CentroidSums::CentroidSums(const TrainingRows& rows, std::size_t k)
    : rows_(rows), k_(k), sums_(k * rows.dim()), weights_(k), squares_(k), sizes_(k) {}

void CentroidSums::recompute(std::span<const std::uint32_t> cells, const RunOptions& run) {
  const RowsByCell order = by_cell(cells, k_);
  const std::size_t dim = rows_.dim();
  const std::size_t tasks = std::clamp<std::size_t>(cells.size() * dim / kTaskFloats, 1, k_);
  parallel_for(tasks, run, [&](std::size_t task, std::size_t) {
    for (std::size_t c = k_ * task / tasks; c < k_ * (task + 1) / tasks; ++c) {
      double* sum = sums_.data() + c * dim;
      std::fill_n(sum, dim, 0.0);
      weights_[c] = squares_[c] = 0;
      sizes_[c] = order.starts[c + 1] - order.starts[c];
      for (std::size_t at = order.starts[c]; at < order.starts[c + 1]; ++at) {
        const std::size_t i = order.rows[at];
        add(rows_.weight(i), rows_.row(i), dim, sum);
        weights_[c] += rows_.weight(i);
        squares_[c] += rows_.weight(i) * rows_.squared_length(i);
      }
    }
  });
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
