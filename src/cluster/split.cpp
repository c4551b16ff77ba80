#include "cluster/split.h"

#include <algorithm>
#include <unordered_map>
#include <vector>

#include "kernels/dispatch.h"

namespace knear {
namespace {

constexpr float kShift = 1.0f / 64;  // of the way to the farthest row

// The cells to split, the largest spread first.
std::vector<std::size_t> largest(const CentroidSums& sums, std::size_t k, std::size_t wanted) {
  std::vector<std::pair<double, std::size_t>> order;
  for (std::size_t c = 0; c < k; ++c) {
    if (const double spread = sums.spread(c); spread > 0) order.emplace_back(-spread, c);
  }
  std::sort(order.begin(), order.end());
  order.resize(std::min(wanted, order.size()));
  std::vector<std::size_t> cells;
  cells.reserve(order.size());
  for (const auto& [spread, cell] : order) cells.push_back(cell);
  return cells;
}

struct Farthest {
  std::size_t row = 0;
  double distance = -1;
};

double squared_distance(const float* a, const float* b, std::size_t dim) {
  double out = 0;
  kernels::table().exact[kernels::exact_l2](a, &b, 1, dim, 0, &out);
  return out;
}

// Of each of the cells, its row that is farthest from its centroid; the first of equal ones.
std::vector<Farthest> farthest_rows(const TrainingRows& rows, std::span<const std::uint32_t> cells,
                                    std::span<const std::size_t> wanted, const float* centroids) {
  std::unordered_map<std::size_t, std::size_t> place;
  for (std::size_t i = 0; i < wanted.size(); ++i) place.emplace(wanted[i], i);
  std::vector<Farthest> farthest(wanted.size());
  for (std::size_t i = 0; i < rows.count(); ++i) {
    const auto it = place.find(cells[i]);
    if (it == place.end() || rows.weight(i) == 0) continue;
    const double distance = squared_distance(rows.row(i), centroids + cells[i] * rows.dim(), rows.dim());
    if (distance > farthest[it->second].distance) farthest[it->second] = {i, distance};
  }
  return farthest;
}

}  // namespace

std::size_t split_cells(const TrainingRows& rows, const CentroidSums& sums, std::span<const std::uint32_t> cells,
                        std::size_t frozen, float* centroids) {
  const std::size_t k = sums.cells();
  std::vector<std::size_t> empty;
  for (std::size_t c = frozen; c < k; ++c) {
    if (sums.weight(c) == 0) empty.push_back(c);
  }
  if (empty.empty()) return 0;
  const std::vector<std::size_t> split = largest(sums, k, empty.size());
  const std::vector<Farthest> farthest = farthest_rows(rows, cells, split, centroids);
  for (std::size_t i = 0; i < split.size(); ++i) {
    float* old = centroids + split[i] * rows.dim();
    float* filled = centroids + empty[i] * rows.dim();
    const float* row = rows.row(farthest[i].row);
    for (std::size_t j = 0; j < rows.dim(); ++j) {
      const float shift = kShift * (row[j] - old[j]);
      filled[j] = old[j] + shift;
      if (split[i] >= frozen) old[j] -= shift;
    }
  }
  return split.size();
}

}  // namespace knear
