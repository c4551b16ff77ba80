// Factory strings: stages between commas, options as key=value behind the stage they belong to.
#include "knear/spec.h"

#include "codec/registry.h"
#include "core/check.h"
#include "knear/scan.h"

namespace knear {
namespace {

std::string_view trimmed(std::string_view text) {
  const std::size_t first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

// The pieces between commas that stand outside parentheses.
std::vector<std::string_view> pieces_of(std::string_view text) {
  std::vector<std::string_view> pieces;
  std::size_t depth = 0;
  std::size_t first = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '(') ++depth;
    if (text[i] == ')') {
      require(depth > 0, "')' without '(' in '", text, "'");
      --depth;
    }
    if (text[i] != ',' || depth > 0) continue;
    pieces.push_back(trimmed(text.substr(first, i - first)));
    first = i + 1;
  }
  require(depth == 0, "'(' without ')' in '", text, "'");
  pieces.push_back(trimmed(text.substr(first)));
  return pieces;
}

std::vector<Stage> stages_of(std::string_view text) {
  std::vector<Stage> stages;
  for (const std::string_view piece : pieces_of(text)) {
    const std::size_t equals = piece.find('=');
    if (equals == std::string_view::npos || piece.find('(') < equals) {
      stages.push_back({std::string(piece), {}});
      continue;
    }
    const std::string_view key = trimmed(piece.substr(0, equals));
    require(!stages.empty(), "the option '", piece, "' in '", text, "' has nothing before it that it could belong to");
    require(!stages.back().option(key), "the option ", key, " is given twice in '", text, "'");
    stages.back().set(key, std::string(trimmed(piece.substr(equals + 1))));
  }
  return stages;
}

std::string names_of_codecs() {
  std::string all;
  for (const CodecRow& row : codec_rows()) all += (all.empty() ? "" : ", ") + std::string(row.grammar);
  return all;
}

}  // namespace

std::string Spec::str() const {
  std::string text;
  for (const Stage& stage : transforms) text += stage.str() + ",";
  text += codec.str();
  if (refine) text += refine->str() == "Flat" ? ",RFlat" : ",Refine(" + refine->str() + ")";
  return text;
}

// "IDMap" and "IDMap2" are read and mean nothing: every index has ids.
Spec parse_spec(std::string_view text) {
  Spec spec;
  bool named = false;
  for (Stage& stage : stages_of(text)) {
    if (stage.token == "IDMap" || stage.token == "IDMap2") continue;
    require(!named, "nothing may follow '", spec.codec.token, "' but '", stage.token, "' does, in '", text, "'");
    require(read_codec(stage) != nullptr, "unknown index '", stage.token, "' in '", text, "'; this version knows ",
            names_of_codecs());
    spec.codec = std::move(stage);
    named = true;
  }
  require(named, "the factory string '", text, "' names no index; this version knows ", names_of_codecs());
  return spec;
}

std::unique_ptr<Index> build(const Spec& spec, std::size_t dim, Metric metric) {
  const MakeCodec make = read_codec(spec.codec);
  require(make != nullptr, "unknown index '", spec.codec.token, "'; this version knows ", names_of_codecs());
  return std::make_unique<ScanIndex>(make(dim, metric));
}

std::unique_ptr<Index> index_factory(std::size_t dim, std::string_view text, Metric metric) {
  return build(parse_spec(text), dim, metric);
}

}  // namespace knear
