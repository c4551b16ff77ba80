// The ranges of a scalar quantizer: where each dimension's values begin, and how far they are apart.
#pragma once

#include <cstddef>
#include <vector>

#include "knear/codecs.h"
#include "knear/matrix.h"
#include "knear/parallel.h"

namespace knear {

// A range that is narrower than this between two codes is taken for a single value.
inline constexpr float kLeastSqStep = 0x1p-100F;
// So wide that neither a code's value nor the width overflows.
inline constexpr float kMostSqValue = 1e38F;

// Code c stands for offset + step * c. One of each, or one per dimension.
struct SqRanges {
  std::vector<float> offsets;
  std::vector<float> steps;  // 0: a single value
};

// The same for any number of threads. `rows` is not empty.
SqRanges learned_ranges(MatrixView rows, const SqOptions& options, const RunOptions& run);

// The argument that these options mean.
float sq_argument(const SqOptions& options);

}  // namespace knear
