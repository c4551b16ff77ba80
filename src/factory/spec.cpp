// Factory strings: a codec token and options as key=value, e.g. "Flat,dtype=float16".
#include "knear/spec.h"

#include <vector>

#include "core/check.h"
#include "knear/scan.h"

namespace knear {
namespace {

std::vector<std::string_view> tokens_of(std::string_view text) {
  std::vector<std::string_view> tokens;
  for (;;) {
    const std::size_t comma = text.find(',');
    tokens.push_back(text.substr(0, comma));
    if (comma == std::string_view::npos) return tokens;
    text.remove_prefix(comma + 1);
  }
}

std::string_view trimmed(std::string_view text) {
  const std::size_t first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

void set_option(FlatSpec& flat, std::string_view option) {
  const std::size_t equals = option.find('=');
  const std::string_view key = trimmed(option.substr(0, equals));
  require(equals != std::string_view::npos && key == "dtype", "unknown token '", option,
          "' after Flat; known: dtype=float32|float16|bfloat16|int8|uint8");
  flat.stored = dtype_of(trimmed(option.substr(equals + 1)));
}

}  // namespace

std::string Spec::str() const {
  return codec.stored == DType::f32 ? "Flat" : concat("Flat,dtype=", name_of(codec.stored));
}

// "IDMap" and "IDMap2" are read and mean nothing: every index has ids.
Spec parse_spec(std::string_view text) {
  Spec spec;
  bool named = false;
  for (const std::string_view raw : tokens_of(text)) {
    const std::string_view token = trimmed(raw);
    if (token == "IDMap" || token == "IDMap2") continue;
    if (named) {
      set_option(spec.codec, token);
      continue;
    }
    require(token == "Flat", "unknown index '", token, "' in '", text, "'; this version knows Flat");
    named = true;
  }
  require(named, "the factory string '", text, "' names no index; this version knows Flat");
  return spec;
}

std::unique_ptr<Index> build(const Spec& spec, std::size_t dim, Metric metric) {
  return std::make_unique<ScanIndex>(make_flat_codec(dim, metric, spec.codec.stored));
}

std::unique_ptr<Index> index_factory(std::size_t dim, std::string_view text, Metric metric) {
  return build(parse_spec(text), dim, metric);
}

}  // namespace knear
