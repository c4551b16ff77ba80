#include "codec/median.h"

#include <algorithm>
#include <limits>

namespace knear {

float median_of(std::vector<float> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  double median = *middle;
  if (values.size() % 2 == 0) median = (median + double{*std::max_element(values.begin(), middle)}) / 2;
  constexpr double most = std::numeric_limits<float>::max();
  return static_cast<float>(std::clamp(median, -most, most));
}

}  // namespace knear
