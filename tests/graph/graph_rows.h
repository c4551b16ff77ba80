// Rows and graphs that the tests of graphs share.
#pragma once

#include <algorithm>
#include <cmath>
#include <memory>
#include <string_view>
#include <vector>

#include "core/rng.h"
#include "knear/spec.h"

namespace knear {

// Rows around a few centres.
inline Matrix clusters(std::size_t n, std::size_t dim, std::uint64_t seed) {
  Matrix rows(DType::f32, n, dim);
  Rng centres(7);
  std::vector<float> centre(32 * dim);
  for (float& value : centre) value = static_cast<float>(centres.normal());
  Rng random(seed);
  for (std::size_t i = 0; i < n; ++i) {
    const std::size_t c = random.below(32);
    for (std::size_t j = 0; j < dim; ++j) {
      rows.floats()[i * dim + j] = centre[c * dim + j] + 0.7f * static_cast<float>(random.normal());
    }
  }
  return rows;
}

inline double recall(const Index& index, const Index& exact, MatrixView queries, std::size_t k) {
  const Neighbors found = index.search(queries, k);
  const Neighbors truth = exact.search(queries, k);
  std::size_t right = 0;
  for (std::size_t q = 0; q < queries.rows(); ++q) {
    for (std::size_t i = 0; i < k; ++i) {
      const auto* first = truth.ids.data() + q * k;
      right += std::count(first, first + k, found.ids[q * k + i]) ? 1U : 0U;
    }
  }
  return static_cast<double>(right) / static_cast<double>(queries.rows() * k);
}

inline std::unique_ptr<Index> filled(std::string_view spec, MatrixView rows, Metric metric = Metric::l2,
                                     std::size_t threads = 0) {
  auto index = index_factory(rows.dim(), spec, metric);
  if (!index->is_trained()) index->train(rows);
  index->add(rows, {.run = {.num_threads = threads}});
  return index;
}

// Lengths over nine orders of magnitude.
inline void stretch_wildly(Matrix& rows) {
  Rng random(3);
  for (std::size_t i = 0; i < rows.rows(); ++i) {
    const auto length = static_cast<float>(std::pow(10.0, 9 * random.uniform_double() - 4.5));
    for (std::size_t j = 0; j < rows.dim(); ++j) rows.floats()[i * rows.dim() + j] *= length;
  }
}

}  // namespace knear
