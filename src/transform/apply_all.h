// A transform over many rows by many threads.
#pragma once

#include <algorithm>
#include <cstddef>

#include "core/parallel_for.h"
#include "knear/matrix.h"

namespace knear {

// The images of all rows, float32. `Map` is a Transform or a LinearMap.
template <class Map>
Matrix images_of(const Map& map, std::size_t dim_out, MatrixView rows, const RunOptions& options) {
  constexpr std::size_t kTaskRows = 768;
  Matrix images(DType::f32, rows.rows(), dim_out);
  parallel_for((rows.rows() + kTaskRows - 1) / kTaskRows, options, [&](std::size_t task, std::size_t) {
    const std::size_t first = task * kTaskRows;
    const std::size_t count = std::min(kTaskRows, rows.rows() - first);
    map.apply(rows.slice(first, count), images.floats() + first * dim_out);
  });
  return images;
}

}  // namespace knear
