#include <algorithm>

#include "cluster/nearest_cells.h"
#include "cluster/training_rows.h"
#include "core/check.h"
#include "core/parallel_for.h"
#include "core/row_set.h"
#include "kernels/dispatch.h"
#include "knear/cluster.h"

namespace knear {
namespace {

constexpr std::size_t kBlockRows = std::size_t{1} << 16;
constexpr std::size_t kTaskRows = 1024;
constexpr std::uint64_t kSeed = 1;  // saves work one way or another; the result is the same

void measure(const TrainingRows& rows, const Matrix& centroids, std::span<const std::uint32_t> numbers,
             std::span<float> distances, const RunOptions& run) {
  parallel_for((rows.count() + kTaskRows - 1) / kTaskRows, run, [&](std::size_t task, std::size_t) {
    for (std::size_t i = kTaskRows * task; i < std::min(rows.count(), kTaskRows * (task + 1)); ++i) {
      const float* centroid = centroids.floats() + numbers[i] * rows.dim();
      double out = 0;
      kernels::table().exact[kernels::exact_l2](rows.row(i), &centroid, 1, rows.dim(), 0, &out);
      distances[i] = static_cast<float>(out);
    }
  });
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
  const Matrix floats = RowSet(centroids).floats();
  ProgressMeter meter(options, "assign", rows.rows());
  for (std::size_t first = 0; first < rows.rows(); first += kBlockRows) {
    const std::size_t count = std::min(kBlockRows, rows.rows() - first);
    const TrainingRows block(rows.slice(first, count), first, options);
    NearestCells nearest(block, Nearness::distance, kSeed, NearestCells::Calls::one);
    const auto cells = numbers.subspan(first, count);
    nearest.assign(floats, cells, options, meter);
    if (!distances.empty()) measure(block, floats, cells, distances.subspan(first, count), options);
  }
  meter.finish();
}

}  // namespace knear
