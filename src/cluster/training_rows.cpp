#include "cluster/training_rows.h"

#include <algorithm>
#include <atomic>
#include <cmath>

#include "cluster/streams.h"
#include "core/check.h"
#include "core/parallel_for.h"
#include "kernels/dispatch.h"

namespace knear {
namespace {

constexpr std::size_t kTaskRows = 1024;
constexpr std::size_t kMostRows = 0xffffffff;

std::size_t tasks_for(std::size_t rows) { return (rows + kTaskRows - 1) / kTaskRows; }

// Can a kernel read the rows as they lie, and without the cache filling up with what lies between them?
bool in_place(MatrixView rows) {
  if (rows.dtype() != DType::f32 || rows.row_stride() <= 0) return false;
  const auto stride = static_cast<std::size_t>(rows.row_stride());
  return reinterpret_cast<std::uintptr_t>(rows.data()) % sizeof(float) == 0 && stride % sizeof(float) == 0 &&
         stride <= 2 * rows.dim() * sizeof(float);
}

}  // namespace

TrainingRows::TrainingRows(MatrixView rows, std::size_t most, const KmeansOptions& options) : dim_(rows.dim()) {
  require(options.weights.empty() || options.weights.size() == rows.rows(), options.weights.size(), " weights for ",
          rows.rows(), " rows");
  require(std::min(rows.rows(), most) <= kMostRows, "k-means of ", rows.rows(), " rows: ", kMostRows,
          " is the most; max_points_per_centroid takes a sample");
  if (rows.rows() > most) {
    chosen_ = Rng(options.seed, stream_of(Draw::sample)).sample(rows.rows(), most);
    std::sort(chosen_.begin(), chosen_.end());
  }
  if (!options.weights.empty()) {
    weights_.resize(std::min(rows.rows(), most));
    for (std::size_t i = 0; i < weights_.size(); ++i) weights_[i] = options.weights[number(i)];
    check_weights();
  }
  refer(rows, options.run);
}

TrainingRows::TrainingRows(MatrixView rows, std::uint64_t first, const RunOptions& run)
    : dim_(rows.dim()), first_(first) {
  refer(rows, run);
}

void TrainingRows::refer(MatrixView rows, const RunOptions& run) {
  if (chosen_.empty() && in_place(rows)) {
    rows_ = {reinterpret_cast<const float*>(rows.data()), rows.rows(),
             static_cast<std::size_t>(rows.row_stride()) / sizeof(float)};
  } else {
    take(rows, run);
  }
  measure(run);
}

void TrainingRows::take(MatrixView rows, const RunOptions& run) {
  const std::size_t count = chosen_.empty() ? rows.rows() : chosen_.size();
  copy_ = Matrix(DType::f32, count, dim_);
  rows_ = {copy_.floats(), count, dim_};
  parallel_for(tasks_for(count), run, [&](std::size_t task, std::size_t) {
    const std::size_t end = std::min(count, (task + 1) * kTaskRows);
    for (std::size_t i = task * kTaskRows; i < end; ++i) rows.copy_row(number(i), copy_.floats() + i * dim_);
  });
}

// Squared lengths; NaN and Inf are found on the way.
void TrainingRows::measure(const RunOptions& run) {
  squared_lengths_.resize(count());
  std::atomic<std::size_t> bad = count();
  parallel_for(tasks_for(count()), run, [&](std::size_t task, std::size_t) {
    const std::size_t end = std::min(count(), (task + 1) * kTaskRows);
    for (std::size_t i = task * kTaskRows; i < end; ++i) {
      const float* x = row(i);
      kernels::table().exact[kernels::exact_inner_product](x, &x, 1, dim_, 0, &squared_lengths_[i]);
      if (std::isfinite(squared_lengths_[i])) continue;
      std::size_t seen = bad;
      while (i < seen && !bad.compare_exchange_weak(seen, i)) {
      }
      return;
    }
  });
  if (bad < count()) fail(Error::invalid_argument, "row ", first_ + number(bad), " holds NaN or Inf");
}

void TrainingRows::check_weights() const {
  double sum = 0;
  for (std::size_t i = 0; i < weights_.size(); ++i) {
    require(std::isfinite(weights_[i]) && weights_[i] >= 0, "the weight of row ", number(i), " is ", weights_[i],
            ": weights are finite and not negative");
    sum += weights_[i];
  }
  require(sum > 0, "all ", weights_.size(), " weights are 0");
}

}  // namespace knear
