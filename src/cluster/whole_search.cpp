#include "cluster/whole_search.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "cluster/rounding.h"
#include "kernels/dispatch.h"

namespace knear {
namespace {

constexpr std::size_t kGathered = 96;

Panels panels_of(FloatSpan rows, Nearness nearness) {
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

// A value is half the squared distance less half the row's square.
struct WholeSearch::Nearest {
  std::uint32_t number;
  float value;
  float second;  // of the second best
};

WholeSearch::WholeSearch(const TrainingRows& rows, const Matrix& centroids, Nearness nearness)
    : rows_(rows),
      nearness_(nearness),
      settler_(centroids, nearness),
      panels_(panels_of({centroids.floats(), centroids.rows(), centroids.dim()}, nearness)),
      longest_(longest(settler_)),
      error_(sum_error(centroids.dim()) + 0x1p-22) {}

void WholeSearch::single_out(std::span<const std::uint32_t> centroids) {
  const std::size_t dim = rows_.dim();
  few_.assign(centroids.begin(), centroids.end());
  std::vector<float> rows(few_.size() * dim);
  for (std::size_t i = 0; i < few_.size(); ++i) std::copy_n(settler_.centroid(few_[i]), dim, rows.data() + i * dim);
  few_panels_.emplace(panels_of({rows.data(), few_.size(), dim}, nearness_));
}

// take(row, its Nearest).
template <class Take>
void WholeSearch::each_nearest(const Panels& panels, std::span<const std::uint32_t> rows, Take take) const {
  const std::size_t dim = rows_.dim();
  std::vector<float> gathered(kGathered * dim);
  std::uint32_t numbers[kGathered];
  float values[kGathered];
  float seconds[kGathered];
  for (std::size_t first = 0; first < rows.size(); first += kGathered) {
    const auto part = rows.subspan(first, std::min(kGathered, rows.size() - first));
    for (std::size_t i = 0; i < part.size(); ++i) std::copy_n(rows_.row(part[i]), dim, gathered.data() + i * dim);
    panels.nearest({gathered.data(), part.size(), dim}, numbers, values, seconds);
    for (std::size_t i = 0; i < part.size(); ++i) take(part[i], Nearest{numbers[i], values[i], seconds[i]});
  }
}

void WholeSearch::search(std::span<const std::uint32_t> rows, std::span<Place> places) const {
  each_nearest(panels_, rows, [&](std::uint32_t row, const Nearest& nearest) { places[row] = place(row, nearest); });
}

void WholeSearch::search_few(std::span<const std::uint32_t> rows, std::span<Place> places) const {
  std::vector<std::uint32_t> unsure;
  each_nearest(*few_panels_, rows, [&](std::uint32_t row, const Nearest& nearest) {
    Place& place = places[row];
    const float other = few_[nearest.number] == place.cell ? nearest.second : nearest.value;
    const double square = rows_.squared_length(row);
    const double lower = square + 2 * (static_cast<double>(other) - error(row)) - 1e-12 * square;
    const double upper = static_cast<double>(place.upper);
    if (lower > upper * upper * (1 + 1e-12)) {
      place.lower = std::min(place.lower, well_below(std::sqrt(lower)));
    } else {
      unsure.push_back(row);
    }
  });
  search(unsure, places);
}

// Of a value: of a float32 product and half a squared length. The product of two lengths is at most half the sum of
// their squares.
double WholeSearch::error(std::uint32_t row) const {
  const double squares = rows_.squared_length(row) / 2 + 1.5 * longest_ * longest_;
  return error_ * squares * (1 + 1e-9) + tiny_error(settler_.dim());
}

Place WholeSearch::place(std::uint32_t row, const Nearest& nearest) const {
  const double error = this->error(row);
  const auto value = static_cast<double>(nearest.value);
  const auto second = static_cast<double>(nearest.second);
  const bool certain = second - value > 2 * error;  // false for NaN
  Place place{certain ? nearest.number : settler_.settle(rows_.row(row)), 0, 0};
  if (nearness_ == Nearness::product) {
    place.upper = std::numeric_limits<float>::infinity();
    return place;
  }
  const double square = rows_.squared_length(row);
  const double slack = 2 * error + 1e-12 * square;
  const double upper = std::max(0.0, square + 2 * value + slack);
  const double lower = std::max(0.0, square + 2 * (certain ? second : value) - slack);
  place.upper = well_above(std::sqrt(upper));
  place.lower = well_below(std::sqrt(lower));
  return place;
}

}  // namespace knear
