// Every row against every centroid.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "cluster/settle.h"
#include "metric/panels.h"

namespace knear {

// A float32 pass decides wherever the second best is farther behind than it may be off; the other rows are settled by
// the canonical distance.
class WholeSearch {
 public:
  WholeSearch(const Matrix& centroids, Nearness nearness);

  // places[i] of rows[i]. `squares` are the rows' squared lengths.
  void search(FloatSpan rows, const double* squares, Place* places) const;

 private:
  Place place(const float* row, double square, std::uint32_t number, float value, float second) const;

  Nearness nearness_;
  Settler settler_;
  Panels panels_;
  double longest_;  // centroid's length
  double error_;
};

}  // namespace knear
