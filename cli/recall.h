// How many of the true neighbours a search found.
#pragma once

#include <cstddef>

#include "knear/dataset.h"
#include "knear/index.h"

namespace knear::cli {

struct Recall {
  double by_id = 0;        // results that are among the true k
  double by_distance = 0;  // results no farther than the true k-th: the other of two equally near rows counts, too
};

// `found` against the first k ids of each row of `truth`; ids of -1 in the truth mean that there are fewer than k.
// The distance of the true k-th is measured on the rows of the index. Throws Error::invalid_argument when the shapes
// do not fit, Error::not_found when the truth names ids that the index does not hold.
Recall recall_of(const Index& index, MatrixView queries, const Neighbors& found, const IdMatrix& truth);

}  // namespace knear::cli
