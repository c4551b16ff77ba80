#include "core/results.h"

#include <algorithm>
#include <limits>

namespace knear {

float value_of(double distance, Metric metric) noexcept {
  constexpr double kMost = std::numeric_limits<float>::max();
  return static_cast<float>(std::clamp(larger_is_closer(metric) ? 0.0 - distance : distance, -kMost, kMost));
}

void write_neighbors(std::span<const Hit> hits, std::size_t k, Metric metric, float* distances, Id* ids) {
  for (std::size_t i = 0; i < hits.size(); ++i) {
    distances[i] = value_of(hits[i].distance, metric);
    ids[i] = hits[i].id;
  }
  std::fill(distances + hits.size(), distances + k, worst_value(metric));
  std::fill(ids + hits.size(), ids + k, kNoId);
}

RangeNeighbors range_of(std::span<const std::vector<Hit>> hits, Metric metric) {
  RangeNeighbors result;
  result.limits.reserve(hits.size() + 1);
  result.limits.push_back(0);
  for (const std::vector<Hit>& of_query : hits) result.limits.push_back(result.limits.back() + of_query.size());
  result.distances.reserve(result.limits.back());
  result.ids.reserve(result.limits.back());
  for (const std::vector<Hit>& of_query : hits) {
    for (const Hit& hit : of_query) {
      result.distances.push_back(value_of(hit.distance, metric));
      result.ids.push_back(hit.id);
    }
  }
  return result;
}

}  // namespace knear
