// The middle of some values.
#pragma once

#include <vector>

namespace knear {

// The middle one of at least one value, or between the two in the middle; finite.
float median_of(std::vector<float> values);

}  // namespace knear
