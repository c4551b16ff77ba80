#include "cluster/assign.h"

#include <algorithm>
#include <vector>

#include "core/check.h"
#include "core/parallel_for.h"
#include "kernels/dispatch.h"
#include "knear/cluster.h"

namespace knear {
namespace {

Matrix as_floats(MatrixView rows) {
  Matrix floats(DType::f32, rows.rows(), rows.dim());
  for (std::size_t i = 0; i < rows.rows(); ++i) rows.copy_row(i, floats.floats() + i * rows.dim());
  return floats;
}

float squared_distance(const float* a, const float* b, std::size_t dim) {
  double out = 0;
  kernels::table().exact[kernels::exact_l2](a, &b, 1, dim, 0, &out);
  return static_cast<float>(out);
}

}  // namespace

void assign_rows(FloatSpan rows, const Panels& panels, std::uint32_t* numbers) {
  float values[kAssignRows];
  for (std::size_t first = 0; first < rows.count; first += kAssignRows) {
    const FloatSpan part{rows.data + first * rows.stride, std::min(kAssignRows, rows.count - first), rows.stride};
    panels.nearest(part, numbers + first, values);
  }
}

void assign_to_nearest(MatrixView rows, MatrixView centroids, std::span<std::uint32_t> numbers,
                       std::span<float> distances, const RunOptions& options) {
  require(centroids.rows() >= 1, "no centroids to assign ", rows.rows(), " rows to");
  require(centroids.rows() <= kMaxCentroids, centroids.rows(), " centroids: ", kMaxCentroids, " is the most");
  require(rows.dim() == centroids.dim(), "rows have ", rows.dim(), " dimensions, centroids ", centroids.dim());
  require(numbers.size() == rows.rows(), "room for ", numbers.size(), " numbers of ", rows.rows(), " rows");
  require(distances.empty() || distances.size() == rows.rows(), "room for ", distances.size(), " distances of ",
          rows.rows(), " rows");
  const std::size_t dim = rows.dim();
  const Matrix floats = as_floats(centroids);
  const Panels panels = Panels::for_nearest({floats.floats(), floats.rows(), dim}, dim);
  ProgressMeter meter(options, "assign", rows.rows());
  parallel_for(assign_tasks(rows.rows()), options, [&](std::size_t task, std::size_t) {
    const std::size_t first = task * kAssignRows;
    const std::size_t count = std::min(kAssignRows, rows.rows() - first);
    const Matrix part = as_floats(rows.slice(first, count));
    assign_rows({part.floats(), count, dim}, panels, numbers.data() + first);
    for (std::size_t i = first; i < first + count && !distances.empty(); ++i) {
      distances[i] = squared_distance(part.floats() + (i - first) * dim, floats.floats() + numbers[i] * dim, dim);
    }
    meter.advance(count);
  });
  meter.finish();
}

}  // namespace knear
