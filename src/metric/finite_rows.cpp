#include "metric/finite_rows.h"

#include <algorithm>
#include <atomic>
#include <numeric>

#include "core/check.h"
#include "core/parallel_for.h"
#include "kernels/dispatch.h"

namespace knear {
namespace {

constexpr std::size_t kTaskRows = 1024;

// The first one from row `first` on.
std::size_t first_bad_row(MatrixView rows, std::size_t first) {
  if (rows.dtype() == DType::i8 || rows.dtype() == DType::u8) return rows.rows();
  const bool floats = rows.dtype() == DType::f32 && reinterpret_cast<std::uintptr_t>(rows.data()) % sizeof(float) == 0;
  if (floats && rows.contiguous() && first < rows.rows() &&
      kernels::table().all_finite(reinterpret_cast<const float*>(rows.row(first)),
                                  (rows.rows() - first) * rows.dim())) {
    return rows.rows();
  }
  std::vector<float> row(rows.dim());
  for (std::size_t i = first; i < rows.rows(); ++i) {
    rows.copy_row(i, row.data());
    if (!kernels::table().all_finite(row.data(), row.size())) return i;
  }
  return rows.rows();
}

}  // namespace

std::size_t first_bad_row(MatrixView rows, const RunOptions& options) {
  std::atomic<std::size_t> first = rows.rows();
  const std::size_t tasks = (rows.rows() + kTaskRows - 1) / kTaskRows;
  parallel_for(tasks, options, [&](std::size_t task, std::size_t) {
    const std::size_t from = task * kTaskRows;
    const std::size_t count = std::min(kTaskRows, rows.rows() - from);
    const std::size_t bad = first_bad_row(rows.slice(from, count), std::size_t{0});
    if (bad == count) return;
    std::size_t seen = first;
    while (from + bad < seen && !first.compare_exchange_weak(seen, from + bad)) {
    }
  });
  return first;
}

void reject_bad_rows(MatrixView rows, const RunOptions& options) {
  const std::size_t bad = first_bad_row(rows, options);
  require(bad == rows.rows(), "row ", bad, " holds NaN or Inf");
}

std::vector<std::size_t> good_rows(MatrixView rows, std::size_t from) {
  std::vector<std::size_t> good(from);
  std::iota(good.begin(), good.end(), std::size_t{0});
  for (std::size_t i = from; i < rows.rows(); ++i) {
    const std::size_t bad = first_bad_row(rows, i);
    for (; i < bad; ++i) good.push_back(i);
  }
  return good;
}

}  // namespace knear
