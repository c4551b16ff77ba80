// What the grid goes over: a value here puts a codec, a transform or a wrapper under the whole contract.
#pragma once

#include <gtest/gtest.h>

#include <cctype>
#include <ostream>
#include <string>
#include <vector>

#include "knear/knear.h"

namespace knear {

// What a search goes by.
enum class Distances {
  of_decoded_rows,  // the canonical distance to the row that a code decodes to
  of_codes,         // the codec's own
};

struct Composition {
  std::string spec;
  Metric metric;
  std::size_t dim = 19;
  Distances distances = Distances::of_decoded_rows;
};

inline void PrintTo(const Composition& composition, std::ostream* out) {
  *out << composition.spec << " under " << name_of(composition.metric);
}

inline std::string printed(const testing::TestParamInfo<Composition>& info) {
  std::string name = info.param.spec + "_" + name_of(info.param.metric);
  for (char& c : name) {
    if (!std::isalnum(static_cast<unsigned char>(c))) c = '_';
  }
  return name;
}

std::vector<Composition> compositions();

}  // namespace knear
