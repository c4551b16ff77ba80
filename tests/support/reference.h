// The slow, obvious answers that the fast ones are held against.
#pragma once

#include <functional>

#include "knear/index.h"
#include "knear/selector.h"

namespace knear {

// The canonical distance by its definition, in float64; the metric's own value.
double reference_distance(Metric metric, const float* x, const float* y, std::size_t dim);

// Every live row that the selector allows (null: all) against every query, sorted by (distance, id).
Neighbors reference_knn(const Index& index, MatrixView queries, std::size_t k, const Selector* selector = nullptr);

// The same for codecs with distances of their own: each query alone and by one thread asks for all rows, and the
// selector is applied to what it gets.
Neighbors reference_knn_of_codes(const Index& index, MatrixView queries, std::size_t k,
                                 const Selector* selector = nullptr);

}  // namespace knear
