// Rows to learn from, when all would be more than it takes.
#pragma once

#include <cstddef>

#include "knear/matrix.h"

namespace knear {

// All rows as float32 if they are at most `most`; else that many, always the same, in their order.
Matrix sampled_rows(MatrixView rows, std::size_t most);

}  // namespace knear
