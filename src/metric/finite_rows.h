// Which rows hold NaN or Inf.
#pragma once

#include <cstddef>
#include <vector>

#include "knear/matrix.h"
#include "knear/parallel.h"

namespace knear {

// The first row that does; rows.rows() when none does.
std::size_t first_bad_row(MatrixView rows, const RunOptions& options);
// Error::invalid_argument that names it.
void reject_bad_rows(MatrixView rows, const RunOptions& options);
// The numbers of the rows that do not; none before `from` does.
std::vector<std::size_t> good_rows(MatrixView rows, std::size_t from);

}  // namespace knear
