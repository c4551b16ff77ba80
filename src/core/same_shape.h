// Other indexes as what this one is.
#pragma once

#include <span>
#include <vector>

#include "core/check.h"
#include "knear/index.h"

namespace knear {

template <class Shape>
std::vector<const Shape*> same_shape(const Shape& index, std::span<const Index* const> others) {
  std::vector<const Shape*> same;
  for (const Index* other : others) {
    same.push_back(dynamic_cast<const Shape*>(other));
    require(same.back() != nullptr, "cannot merge an index of another shape: ", other->spec(), " into ", index.spec());
  }
  return same;
}

}  // namespace knear
