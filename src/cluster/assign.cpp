#include <algorithm>

#include "core/check.h"
#include "core/parallel_for.h"
#include "core/row_set.h"
#include "kernels/dispatch.h"
#include "knear/cluster.h"
#include "metric/panels.h"

namespace knear {
namespace {

constexpr std::size_t kTaskRows = 1024;

float squared_distance(const float* a, const float* b, std::size_t dim) {
  double out = 0;
  kernels::table().exact[kernels::exact_l2](a, &b, 1, dim, 0, &out);
  return static_cast<float>(out);
}

}  // namespace

void assign_to_nearest(MatrixView rows, MatrixView centroids, std::span<std::uint32_t> numbers,
                       std::span<float> distances, const RunOptions& options) {
  require(centroids.rows() >= 1, "no centroids to assign ", rows.rows(), " rows to");
  require(centroids.rows() <= kMaxCentroids, centroids.rows(), " centroids: ", kMaxCentroids, " is the most");
  require(rows.dim() == centroids.dim(), "rows have ", rows.dim(), " dimensions, centroids ", centroids.dim());
  require(numbers.size() == rows.rows(), "room for ", numbers.size(), " numbers of ", rows.rows(), " rows");
  require(distances.empty() || distances.size() == rows.rows(), "room for ", distances.size(), " distances of ",
          rows.rows(), " rows");
  const std::size_t dim = rows.dim();
  const Matrix floats = RowSet(centroids).floats();
  const Panels panels = Panels::for_nearest({floats.floats(), floats.rows(), dim}, dim);
  ProgressMeter meter(options, "assign", rows.rows());
  parallel_for((rows.rows() + kTaskRows - 1) / kTaskRows, options, [&](std::size_t task, std::size_t) {
    const std::size_t first = task * kTaskRows;
    const std::size_t count = std::min(kTaskRows, rows.rows() - first);
    const Matrix part = RowSet(rows.slice(first, count)).floats();
    float values[kTaskRows];
    panels.nearest({part.floats(), count, dim}, numbers.data() + first, values);
    for (std::size_t i = first; i < first + count && !distances.empty(); ++i) {
      distances[i] = squared_distance(part.floats() + (i - first) * dim, floats.floats() + numbers[i] * dim, dim);
    }
    meter.advance(count);
  });
  meter.finish();
}

}  // namespace knear
