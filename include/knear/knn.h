// Nearest neighbours without an index.
#pragma once

#include <cstddef>
#include <span>

#include "knear/matrix.h"
#include "knear/metric.h"
#include "knear/params.h"

namespace knear {

// The k rows of `base` nearest to each query, exactly; ids are row numbers. Nothing is copied.
Neighbors knn(MatrixView queries, MatrixView base, std::size_t k, Metric metric = Metric::l2,
              const SearchOptions& options = {});

// The k rows nearest to each row, itself left out: nearly all of them, in a time that grows little faster than rows do;
// ids are row numbers. By NN-descent (Dong, Charikar, Li: "Efficient k-nearest neighbor graph construction for generic
// similarity measures", WWW 2011), ranked by the canonical distance. Exact for up to 2000 rows, and under inner
// product. The same for any number of threads. Error::invalid_argument for rows with NaN or Inf.
Neighbors knn_graph(MatrixView rows, std::size_t k, Metric metric = Metric::l2, const RunOptions& options = {});

// Scales each row of a rows x dim float32 matrix to unit length in place; zero rows stay.
void normalize_l2(std::span<float> values, std::size_t dim);

// recall@k: the mean over queries of |found ∩ truth| / k, both rows x k with k the smaller of the two.
double recall(std::span<const Id> found, std::size_t found_k, std::span<const Id> truth, std::size_t truth_k,
              std::size_t k);

}  // namespace knear
