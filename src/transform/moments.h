// Means and sums of products over many rows: what the learned transforms are computed from. The same bits for any
// number of threads.
#pragma once

#include <span>
#include <vector>

#include "core/row_set.h"
#include "knear/parallel.h"

namespace knear {

std::vector<double> mean_of(const RowSet& rows, const RunOptions& options);

// The sum over rows of (x - mean)^T (x - mean): dim x dim, symmetric.
std::vector<double> scatter_of(const RowSet& rows, std::span<const double> mean, const RunOptions& options);

// The sum over rows of x^T y: x.dim() x y.dim(), row-major. Both have as many rows.
std::vector<double> cross_products(const RowSet& x, const RowSet& y, const RunOptions& options);

}  // namespace knear
