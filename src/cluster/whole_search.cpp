#include "cluster/whole_search.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "cluster/rounding.h"
#include "kernels/dispatch.h"

namespace knear {
namespace {

constexpr std::size_t kBlockRows = 1024;

Panels panels_of(const Matrix& centroids, Nearness nearness) {
  const FloatSpan rows{centroids.floats(), centroids.rows(), centroids.dim()};
  return nearness == Nearness::distance ? Panels::for_nearest(rows, rows.stride)
                                        : Panels::for_largest_product(rows, rows.stride);
}

double longest(const Settler& settler) {
  double most = 0;
  for (std::size_t c = 0; c < settler.count(); ++c) {
    const float* row = settler.centroid(c);
    double square = 0;
    kernels::table().exact[kernels::exact_inner_product](row, &row, 1, settler.dim(), 0, &square);
    most = std::max(most, square);
  }
  return std::sqrt(most) * (1 + 1e-9);
}

}  // namespace

WholeSearch::WholeSearch(const Matrix& centroids, Nearness nearness)
    : nearness_(nearness),
      settler_(centroids, nearness),
      panels_(panels_of(centroids, nearness)),
      longest_(longest(settler_)),
      error_(sum_error(centroids.dim()) + 0x1p-22) {}

void WholeSearch::search(FloatSpan rows, const double* squares, Place* places) const {
  std::uint32_t numbers[kBlockRows];
  float values[kBlockRows];
  float seconds[kBlockRows];
  for (std::size_t first = 0; first < rows.count; first += kBlockRows) {
    const std::size_t count = std::min(kBlockRows, rows.count - first);
    panels_.nearest({rows.data + first * rows.stride, count, rows.stride}, numbers, values, seconds);
    for (std::size_t i = 0; i < count; ++i) {
      const float* row = rows.data + (first + i) * rows.stride;
      places[first + i] = place(row, squares[first + i], numbers[i], values[i], seconds[i]);
    }
  }
}

// A value is half the squared distance less half the row's square: of a float32 product and half a squared length.
Place WholeSearch::place(const float* row, double square, std::uint32_t number, float value, float second) const {
  const double length = std::sqrt(square) * (1 + 1e-9);
  const double error = error_ * longest_ * (length + longest_) + tiny_error(settler_.dim());
  const bool certain = static_cast<double>(second) - static_cast<double>(value) > 2 * error;  // false for NaN
  Place place{certain ? number : settler_.settle(row), 0, 0, 0};
  if (nearness_ == Nearness::product) {
    place.upper = std::numeric_limits<float>::infinity();
    return place;
  }
  const double slack = 2 * error + 1e-12 * square;
  const double upper = std::max(0.0, square + 2 * static_cast<double>(value) + slack);
  const double lower = std::max(0.0, square + 2 * static_cast<double>(certain ? second : value) - slack);
  place.upper = float_above(std::sqrt(upper));
  place.lower = float_below(std::sqrt(lower));
  return place;
}

}  // namespace knear
