#include "codec/sampled_rows.h"

#include <algorithm>
#include <numeric>
#include <vector>

#include "core/rng.h"

namespace knear {

Matrix sampled_rows(MatrixView rows, std::size_t most) {
  constexpr std::uint64_t kSeed = 1234;
  std::vector<std::uint64_t> which(rows.rows());
  std::iota(which.begin(), which.end(), std::uint64_t{0});
  if (which.size() > most) {
    which = Rng(kSeed).sample(rows.rows(), most);
    std::sort(which.begin(), which.end());
  }
  Matrix some(DType::f32, which.size(), rows.dim());
  for (std::size_t i = 0; i < which.size(); ++i) rows.copy_row(which[i], some.floats() + i * rows.dim());
  return some;
}

}  // namespace knear
