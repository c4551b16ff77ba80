// One value that describes any index, and the one function that builds from it.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "knear/index.h"
#include "knear/matrix.h"
#include "knear/metric.h"

namespace knear {

// Rows as they are, or rounded to a narrower element type.
struct FlatSpec {
  DType stored = DType::f32;
};

// What an index is made of. As text, the factory string: "Flat", "Flat,dtype=float16".
struct Spec {
  FlatSpec codec;

  std::string str() const;
};

// Reads a factory string. Throws Error::invalid_argument that quotes the offending token.
Spec parse_spec(std::string_view text);

// Builds an empty index.
std::unique_ptr<Index> build(const Spec& spec, std::size_t dim, Metric metric = Metric::l2);
// The field's name for build(parse_spec(text), dim, metric).
std::unique_ptr<Index> index_factory(std::size_t dim, std::string_view text, Metric metric = Metric::l2);

}  // namespace knear
