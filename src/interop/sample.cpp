#include <algorithm>

#include "core/parallel_for.h"
#include "core/rng.h"
#include "knear/dataset.h"

namespace knear {

Matrix sample_rows(VectorFile& file, std::size_t count, std::uint64_t seed, const RunOptions& options) {
  const std::size_t n = file.rows();
  count = std::min(count, n);
  Matrix rows(file.dtype(), count, file.dim());
  const std::size_t row_bytes = file.dim() * bytes_of(file.dtype());
  ProgressMeter meter(options, "sample", count);
  Rng rng(seed);
  // One row of each of `count` stretches; their ends are computed without overflow.
  const auto start = [&](std::size_t i) { return n / count * i + n % count * i / count; };
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t row = start(i) + rng.below(start(i + 1) - start(i));
    std::copy_n(file.read(row, 1).data(), row_bytes, rows.data() + i * row_bytes);
    meter.advance(1);
  }
  meter.finish();
  return rows;
}

}  // namespace knear
