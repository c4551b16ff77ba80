#include "transform/moments.h"

#include <chrono>

#include "core/call_limits.h"
#include "core/parallel_for.h"
#include "metric/panels.h"

namespace knear {
namespace {

constexpr std::size_t kMeanRows = 4096;       // of one task
constexpr std::size_t kDepth = 256;           // rows whose products are summed in float32 before float64 takes over
constexpr std::size_t kStride = kDepth + 16;  // no power of two, which would put all dimensions into few cache sets
constexpr std::size_t kColumns = 96;          // of the result, for one task
constexpr std::size_t kSlabBytes = std::size_t{16} << 20;

// Some hundred rows, transposed: slice s holds rows [s * kDepth, (s + 1) * kDepth), dimension by dimension. Behind the
// last row is zero.
class Slab {
 public:
  Slab(std::size_t dim, std::size_t slices) : dim_(dim), values_(DType::f32, slices * dim, kStride) {}

  // Rows [first, first + count) of the set, less the mean (where there is one).
  void fill(const RowSet& rows, std::size_t first, std::size_t count, std::span<const double> mean,
            const RunOptions& options) {
    parallel_for((count + kDepth - 1) / kDepth, options, [&](std::size_t s, std::size_t) {
      const std::size_t from = s * kDepth;
      fill_slice(rows, first + from, std::min(kDepth, count - from), mean, slice(s));
    });
  }

  // Dimensions from `dimension` on, as the rows of a matrix.
  FloatSpan dimensions(std::size_t s, std::size_t dimension, std::size_t count) const {
    return {values_.floats() + (s * dim_ + dimension) * kStride, count, kStride};
  }

 private:
  static constexpr std::size_t kTogether = 16;  // rows: what is written to one dimension fills a cache line

  float* slice(std::size_t s) { return values_.floats() + s * dim_ * kStride; }

  void fill_slice(const RowSet& rows, std::size_t first, std::size_t count, std::span<const double> mean,
                  float* out) const {
    std::vector<float> some(kTogether * dim_);
    for (std::size_t from = 0; from < kDepth; from += kTogether) {
      std::fill(some.begin(), some.end(), 0.0f);
      for (std::size_t i = from; i < std::min(from + kTogether, count); ++i) {
        float* row = some.data() + (i - from) * dim_;
        rows.copy_row(first + i, row);
        for (std::size_t j = 0; j < mean.size(); ++j) row[j] = static_cast<float>(row[j] - mean[j]);
      }
      for (std::size_t j = 0; j < dim_; ++j) {
        for (std::size_t i = 0; i < kTogether; ++i) out[j * kStride + from + i] = some[i * dim_ + j];
      }
    }
  }

  std::size_t dim_;
  Matrix values_;
};

// Sums of products of dimensions of x and y, slab by slab.
class ProductSums {
 public:
  enum class Part { all, lower_triangle };

  ProductSums(std::size_t x_dim, std::size_t y_dim, Part part)
      : x_dim_(x_dim), y_dim_(y_dim), part_(part), sums_(x_dim * y_dim, 0.0) {}

  // A task owns some columns of the result and adds the slices in order, so that the threads do not show.
  void add(const Slab& x, const Slab& y, std::size_t slices, const RunOptions& options) {
    parallel_for((y_dim_ + kColumns - 1) / kColumns, options, [&](std::size_t task, std::size_t) {
      std::vector<float> products(kRows * kColumns);
      for (std::size_t s = 0; s < slices; ++s) add_slice(x, y, s, task * kColumns, products.data());
    });
  }

  std::vector<double> take() { return std::move(sums_); }

 private:
  static constexpr std::size_t kRows = 96;

  void add_slice(const Slab& x, const Slab& y, std::size_t s, std::size_t column, float* products) {
    const std::size_t columns = std::min(kColumns, y_dim_ - column);
    const Panels panels = Panels::for_products(y.dimensions(s, column, columns), kDepth);
    for (std::size_t row = part_ == Part::all ? 0 : column; row < x_dim_; row += kRows) {
      const std::size_t rows = std::min(kRows, x_dim_ - row);
      panels.products(x.dimensions(s, row, rows), products, kColumns);
      for (std::size_t r = 0; r < rows; ++r) {
        double* sums = sums_.data() + (row + r) * y_dim_ + column;
        for (std::size_t c = 0; c < columns; ++c) sums[c] += double{products[r * kColumns + c]};
      }
    }
  }

  std::size_t x_dim_;
  std::size_t y_dim_;
  Part part_;
  std::vector<double> sums_;
};

std::size_t slices_for(std::size_t dim, std::size_t rows) {
  return std::clamp<std::size_t>(kSlabBytes / (dim * kDepth * sizeof(float)), 1, (rows + kDepth - 1) / kDepth + 1);
}

}  // namespace

std::vector<double> mean_of(const RowSet& rows, const RunOptions& options) {
  const std::size_t dim = rows.dim();
  const std::size_t tasks = (rows.count() + kMeanRows - 1) / kMeanRows;
  std::vector<double> sums(tasks * dim, 0.0);
  parallel_for(tasks, options, [&](std::size_t task, std::size_t) {
    std::vector<float> row(dim);
    double* sum = sums.data() + task * dim;
    for (std::size_t i = task * kMeanRows; i < std::min(rows.count(), (task + 1) * kMeanRows); ++i) {
      rows.copy_row(i, row.data());
      for (std::size_t j = 0; j < dim; ++j) sum[j] += double{row[j]};
    }
  });
  std::vector<double> mean(dim, 0.0);
  for (std::size_t task = 0; task < tasks; ++task) {
    for (std::size_t j = 0; j < dim; ++j) mean[j] += sums[task * dim + j];
  }
  for (double& value : mean) value /= static_cast<double>(rows.count());
  return mean;
}

std::vector<double> scatter_of(const RowSet& rows, std::span<const double> mean, const RunOptions& options) {
  const auto start = std::chrono::steady_clock::now();
  const std::size_t dim = rows.dim();
  const std::size_t slices = slices_for(dim, rows.count());
  Slab slab(dim, slices);
  ProductSums sums(dim, dim, ProductSums::Part::lower_triangle);
  for (std::size_t first = 0; first < rows.count(); first += slices * kDepth) {
    const std::size_t count = std::min(slices * kDepth, rows.count() - first);
    const RunOptions rest = remaining(options, start);
    slab.fill(rows, first, count, mean, rest);
    sums.add(slab, slab, (count + kDepth - 1) / kDepth, rest);
  }
  std::vector<double> scatter = sums.take();
  for (std::size_t i = 0; i < dim; ++i) {
    for (std::size_t j = i + 1; j < dim; ++j) scatter[i * dim + j] = scatter[j * dim + i];
  }
  return scatter;
}

std::vector<double> cross_products(const RowSet& x, const RowSet& y, const RunOptions& options) {
  const auto start = std::chrono::steady_clock::now();
  const std::size_t slices = slices_for(std::max(x.dim(), y.dim()), x.count());
  Slab x_slab(x.dim(), slices);
  Slab y_slab(y.dim(), slices);
  ProductSums sums(x.dim(), y.dim(), ProductSums::Part::all);
  for (std::size_t first = 0; first < x.count(); first += slices * kDepth) {
    const std::size_t count = std::min(slices * kDepth, x.count() - first);
    const RunOptions rest = remaining(options, start);
    x_slab.fill(x, first, count, {}, rest);
    y_slab.fill(y, first, count, {}, rest);
    sums.add(x_slab, y_slab, (count + kDepth - 1) / kDepth, rest);
  }
  return sums.take();
}

}  // namespace knear
