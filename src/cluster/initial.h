// Rows to start from.
#pragma once

#include <cstddef>

#include "cluster/training_rows.h"
#include "knear/cluster.h"

namespace knear {

// Fills centroids[first … k) of a k x dim matrix with rows; the first ones are given. `run` counts the runs of nredo.
void choose_initial(const TrainingRows& rows, std::size_t first, Matrix& centroids, const KmeansOptions& options,
                    std::size_t run);

}  // namespace knear
