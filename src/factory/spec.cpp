// Factory strings: stages between commas, options as key=value behind the stage they belong to.
#include "knear/spec.h"

#include <bit>
#include <cctype>
#include <charconv>

#include "codec/registry.h"
#include "core/check.h"
#include "knear/partition.h"
#include "knear/scan.h"
#include "knear/wrap.h"
#include "partition/implicit_centroids.h"
#include "transform/registry.h"

namespace knear {
namespace {

constexpr const char* kDedup = "FlatDedup";
constexpr const char* kCells =
    ", FlatDedup (as Flat), each alone or behind HNSW<M>, NSG<M>[,near_rows=<n>], Vamana<M>[,alpha=<a>] or "
    "NNDescent<M>, with [,ef_construction=<n>][,ef_search=<n>], or behind IVF<n>[(<index>)], "
    "IMI<m>x<bits>, Residual<n> or Residual<m>x<bits>, "
    "with [,nprobe=<p>][,by_residual=on|off]; IMI<m>x<bits> and RCQ<m>x<bits> alone, or in the brackets of IVF<n>";

std::size_t stages_before_codes(const Spec& spec) {
  return spec.transforms.size() + (spec.graph ? 1 : 0) + (spec.cells ? 1 + spec.cells->transforms.size() : 0);
}

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

template <class Row>
std::string grammar_of(std::span<const Row> rows) {
  std::string all;
  for (const Row& row : rows) all += (all.empty() ? "" : ", ") + std::string(row.grammar);
  return all;
}

// Is this the stage that ranks again, "RFlat" or "Refine(...)"? Then it becomes part of the spec.
bool read_refine(const Stage& stage, Spec& spec) {
  StageReader reader(stage);
  std::string inside = "Flat";
  if (!reader.word("RFlat")) {
    if (!reader.word("Refine(")) return false;
    require(reader.rest().ends_with(')'), "'", stage.token, "' should end behind its ')'");
    inside = reader.rest().substr(0, reader.rest().size() - 1);
    reader.word(reader.rest());
  }
  if (const auto text = reader.option("k_factor")) {
    const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), spec.k_factor);
    require(error == std::errc() && end == text->data() + text->size() && spec.k_factor >= 1,
            "the option k_factor=", *text, " of '", stage.token, "' is not a number from 1 on");
  }
  reader.done();
  spec.refine = std::make_shared<Spec>(parse_spec(inside));
  return true;
}

// "IVF1024", "IVF65536(RCQ2x8)": how many cells, and what finds them.
CellsSpec read_ivf(StageReader& reader, const Stage& stage) {
  CellsSpec cells;
  cells.nlist = reader.number("the number of cells, as in IVF1024");
  const std::size_t unit = reader.word("k") ? 1024 : reader.word("M") ? std::size_t{1} << 20 : 1;
  require(cells.nlist >= 1 && cells.nlist <= kMaxCentroids / unit, "a partition has 1 to ", kMaxCentroids,
          " cells, not what '", stage.token, "' says");
  cells.nlist *= unit;
  for (const char* graph : {"HNSW", "NSG", "Vamana", "NNDescent"}) {
    if (!reader.word(concat("_", graph))) continue;
    cells.coarse = std::make_shared<Spec>(parse_spec(concat(graph, reader.rest())));
    reader.word(reader.rest());
    return cells;
  }
  if (!reader.word("(")) return cells;
  require(reader.rest().ends_with(')'), "'", stage.token, "' should end behind its ')'");
  cells.coarse = std::make_shared<Spec>(parse_spec(reader.rest().substr(0, reader.rest().size() - 1)));
  reader.word(reader.rest());
  if (const auto implicit = read_implicit(cells.coarse->codec)) {
    require(implicit->cells == cells.nlist, "'", stage.token, "' says ", cells.nlist, " cells, ",
            cells.coarse->codec.token, " has ", implicit->cells);
  }
  return cells;
}

// "IMI2x8", what is behind its first word: the cells of a multi-index.
CellsSpec read_multi(StageReader& reader) {
  CellsSpec cells;
  const Stage coarse{concat("IMI", reader.rest()), {}};
  cells.nlist = read_implicit(coarse)->cells;
  cells.coarse = std::make_shared<Spec>(Spec{.codec = coarse});
  reader.word(reader.rest());
  return cells;
}

// What "IVF…", "IMI…" and "Residual…" say of cells. The last, the field's Index2Layer, looks into all of them and codes
// what is left of rows.
std::optional<CellsSpec> cells_named(StageReader& reader, const Stage& stage) {
  if (reader.word("IVF")) return read_ivf(reader, stage);
  if (reader.word("IMI")) return read_multi(reader);
  if (!reader.word("Residual")) return std::nullopt;
  CellsSpec cells = reader.rest().find('x') == std::string_view::npos ? read_ivf(reader, stage) : read_multi(reader);
  cells.by_residual = true;
  cells.nprobe = cells.nlist;
  return cells;
}

// Is this the stage of a partition? Then it becomes part of the spec.
bool read_cells(const Stage& stage, std::string_view text, Spec& spec) {
  StageReader reader(stage);
  auto named = cells_named(reader, stage);
  if (!named) return false;
  require(!spec.cells, "two partitions, '", stage.token, "' is the second, in '", text, "'");
  CellsSpec cells = std::move(*named);
  if (const auto metric = reader.option("metric")) cells.metric = metric_of(*metric);
  if (const auto choice = reader.choice_option("by_residual", {"off", "on"})) cells.by_residual = *choice == 1;
  if (const auto nprobe = reader.number_option("nprobe")) {
    require(*nprobe >= 1, "the option nprobe=0 of '", stage.token, "': a search looks into at least 1 cell");
    cells.nprobe = *nprobe;
  }
  reader.done();
  spec.cells = std::move(cells);
  return true;
}

std::optional<GraphKind> graph_named(StageReader& reader) {
  if (reader.word("HNSW")) return GraphKind::hnsw;
  if (reader.word("NSG")) return GraphKind::nsg;
  if (reader.word("Vamana")) return GraphKind::vamana;
  if (reader.word("NNDescent")) return GraphKind::nn_descent;
  return std::nullopt;
}

// Is this the stage of a graph? Then it becomes part of the spec.
bool read_graph(const Stage& stage, std::string_view text, Spec& spec) {
  StageReader reader(stage);
  const auto kind = graph_named(reader);
  if (!kind) return false;
  require(!spec.graph && !spec.cells, "'", stage.token, "' is the second way to search in '", text, "'");
  GraphOptions options{.kind = *kind};
  if (const auto M = reader.number()) options.M = *M;
  if (const auto ef = reader.number_option("ef_construction")) options.ef_construction = *ef;
  if (const auto ef = reader.number_option("ef_search")) options.ef_search = *ef;
  if (const auto seed = reader.number_option("seed")) options.seed = *seed;
  if (options.kind == GraphKind::vamana) {
    if (const auto alpha = reader.real_option("alpha")) options.alpha = *alpha;
  }
  if (options.kind == GraphKind::nsg) {
    if (const auto near_rows = reader.number_option("near_rows")) options.near_rows = *near_rows;
  }
  reader.done();
  spec.graph = GraphSpec{options};
  return true;
}

// "PQ16x4fsr" is what others call a 4-bit fast scan of residuals, "SH1.5c" a spectral hash of them.
void read_residual_suffix(Stage& stage, CellsSpec& cells) {
  const std::string_view token = stage.token;
  std::size_t at = token.starts_with("PQ") ? token.find("x4fsr") : std::string_view::npos;
  if (at != std::string_view::npos) at += 4;
  if (token.starts_with("SH") && token.ends_with('c')) at = token.size() - 1;
  if (at == std::string_view::npos) return;
  require(cells.by_residual.value_or(true), "'", stage.token, "' contradicts by_residual=off");
  stage.token.erase(at, 1);
  cells.by_residual = true;
}

// "256+PQ16" and "2x8+PQ16" are what others call, behind a graph, a centroid or two and a product quantizer of what is
// left: one quantizer behind another.
void read_two_levels(Stage& stage) {
  const std::size_t plus = stage.token.find("+PQ");
  if (plus == std::string::npos || !std::isdigit(static_cast<unsigned char>(stage.token.front()))) return;
  const Stage centroids{stage.token.substr(0, plus), {}};
  StageReader reader(centroids);
  std::size_t first = *reader.number();
  std::size_t bits = 0;
  if (reader.word("x")) {
    bits = reader.number("the number of bits, as in 2x8+PQ16");
  } else {
    require(std::has_single_bit(first) && first >= 2, "'", stage.token, "' says ", first,
            " centroids; it has to be a power of two");
    bits = static_cast<std::size_t>(std::countr_zero(first));
    first = 1;
  }
  reader.done();
  stage.token = concat("PQ", first, "x", bits, "+", stage.token.substr(plus + 3));
}

std::unique_ptr<IvfIndex> partition_of(const Spec& spec, std::shared_ptr<Index> coarse, std::unique_ptr<Codec> codec) {
  return std::make_unique<IvfIndex>(
      std::move(coarse), std::move(codec),
      IvfOptions{.nlist = spec.cells->nlist, .by_residual = spec.cells->by_residual, .nprobe = spec.cells->nprobe});
}

TransformChain chain_of(std::span<const Stage> stages, std::size_t dim) {
  TransformChain chain;
  for (const Stage& stage : stages) {
    chain.push_back(build_transform(stage, dim));
    dim = chain.back()->dim_out();
  }
  return chain;
}

// Adds a stage to what was read before it.
void read_stage(Stage stage, bool codec_is_known, std::string_view text, Spec& spec) {
  require(!spec.refine, "nothing may follow what ranks again, but '", stage.token, "' does, in '", text, "'");
  if (codec_is_known) {
    if (read_refine(stage, spec)) return;
    const bool transform = read_transform(stage) != nullptr;
    fail(Error::invalid_argument, "only RFlat or Refine(...) may follow '", spec.codec.token, "' but '", stage.token,
         "' does, in '", text, "'", transform ? "; transforms come first" : "");
  }
  require(stage.token != "RFlat" && !stage.token.starts_with("Refine("), "'", stage.token, "' in '", text,
          "' has no index before it");
  if (read_graph(stage, text, spec)) return;
  require(!spec.graph || !stage.token.starts_with("IVF"), "'", stage.token, "' is the second way to search in '", text,
          "'");
  if (read_cells(stage, text, spec)) return;
  if (read_transform(stage)) {
    require(!spec.graph, "a graph is over codes, but '", stage.token, "' follows it in '", text,
            "'; transforms come first");
    (spec.cells ? spec.cells->transforms : spec.transforms).push_back(std::move(stage));
    return;
  }
  if (spec.cells) read_residual_suffix(stage, *spec.cells);
  if (spec.graph) read_two_levels(stage);
  if (stage.token == kDedup) {
    stage.token = "Flat";
    spec.dedup = true;
  }
  require(read_codec(stage) != nullptr, "unknown index '", stage.token, "' in '", text, "'; this version knows ",
          grammar_of(codec_rows()), kCells, ", behind any of ", grammar_of(transform_rows()));
  spec.codec = std::move(stage);
}

}  // namespace

std::size_t CellsSpec::centroids() const {
  const auto implicit = coarse ? read_implicit(coarse->codec) : std::nullopt;
  return implicit ? implicit->entries : nlist;
}

std::string CellsSpec::str() const {
  std::string text = text_of_cells(nlist, coarse ? coarse->str() : "Flat");
  if (metric) text += concat(",metric=", name_of(*metric));
  if (by_residual) text += *by_residual ? ",by_residual=on" : ",by_residual=off";
  return nprobe ? concat(text, ",nprobe=", nprobe) : text;
}

std::string GraphSpec::str() const { return text_of(options); }

std::string Spec::str() const {
  std::string text;
  for (const Stage& stage : transforms) text += stage.str() + ",";
  if (cells) {
    text += cells->str() + ",";
    for (const Stage& stage : cells->transforms) text += stage.str() + ",";
  }
  if (graph) text += graph->str() + ",";
  text += dedup ? Stage{kDedup, codec.options}.str() : codec.str();
  if (!refine) return text;
  text += refine->str() == "Flat" ? ",RFlat" : ",Refine(" + refine->str() + ")";
  return k_factor == 0 || k_factor == kDefaultKFactor ? text : concat(text, ",k_factor=", k_factor);
}

// "IDMap" and "IDMap2" are read and mean nothing: every index has ids.
Spec parse_spec(std::string_view text) {
  Spec spec;
  bool named = false;
  std::vector<Stage> stages = stages_of(text);
  if (stages.size() == 1 && read_implicit(stages.front())) return {.codec = std::move(stages.front())};
  for (Stage& stage : stages) {
    if (stage.token == "IDMap" || stage.token == "IDMap2") continue;
    const std::size_t before = stages_before_codes(spec);
    read_stage(std::move(stage), named, text, spec);
    named = stages_before_codes(spec) == before;
  }
  named = named || spec.graph;
  require(named, "the factory string '", text, "' names no index; this version knows ", grammar_of(codec_rows()),
          kCells, ", behind any of ", grammar_of(transform_rows()));
  return spec;
}

std::unique_ptr<Transform> build_transform(const Stage& stage, std::size_t dim_in) {
  const MakeTransform make = read_transform(stage);
  require(make != nullptr, "unknown transform '", stage.token, "'; this version knows ", grammar_of(transform_rows()));
  return make(dim_in);
}

std::unique_ptr<Transform> transform_factory(std::size_t dim_in, std::string_view text) {
  const std::vector<Stage> stages = stages_of(text);
  require(stages.size() == 1, "'", text, "' is not one transform");
  return build_transform(stages.front(), dim_in);
}

std::unique_ptr<IvfIndex> build_partition(const Spec& spec, std::shared_ptr<Index> coarse, Metric metric,
                                          TransformChain transforms) {
  require(spec.cells && spec.transforms.empty() && !spec.refine && !spec.dedup, "'", spec.str(),
          "' is not just a partition");
  require(coarse != nullptr, "a partition needs a coarse index");
  const std::size_t dim = transforms.empty() ? coarse->dim() : transforms.back()->dim_out();
  auto codec = build_codec(spec, dim, metric);
  if (!transforms.empty()) codec = make_transformed_codec(std::move(transforms), std::move(codec));
  return partition_of(spec, std::move(coarse), std::move(codec));
}

std::unique_ptr<Codec> build_codec(const Spec& spec, std::size_t dim, Metric metric) {
  const MakeCodec make = read_codec(spec.codec);
  require(make != nullptr, "unknown codes '", spec.codec.token, "'; this version knows ", grammar_of(codec_rows()));
  if (!spec.cells || spec.cells->transforms.empty()) return make(dim, metric);
  TransformChain transforms = chain_of(spec.cells->transforms, dim);
  auto inner = make(transforms.back()->dim_out(), metric);
  return make_transformed_codec(std::move(transforms), std::move(inner));
}

std::unique_ptr<Index> build(const Spec& spec, std::size_t dim, Metric metric) {
  const bool alone = spec.transforms.empty() && !spec.cells && !spec.refine;
  if (const auto implicit = read_implicit(spec.codec); implicit && alone) {
    return std::make_unique<ImplicitIndex>(implicit->make(dim, metric));
  }
  TransformChain transforms = chain_of(spec.transforms, dim);
  const std::size_t dim_now = transforms.empty() ? dim : transforms.back()->dim_out();
  auto codec = build_codec(spec, dim_now, metric);
  std::unique_ptr<Index> index;
  if (spec.cells) {
    const Spec coarse = spec.cells->coarse ? *spec.cells->coarse : Spec{};
    index = partition_of(spec, build(coarse, dim_now, spec.cells->metric.value_or(metric)), std::move(codec));
  } else if (spec.graph) {
    index = std::make_unique<GraphIndex>(std::move(codec), spec.graph->options);
  } else {
    index = std::make_unique<ScanIndex>(std::move(codec));
  }
  if (spec.dedup) index = std::make_unique<DedupIndex>(std::move(index));
  if (!transforms.empty()) index = std::make_unique<PreTransformIndex>(std::move(transforms), std::move(index));
  if (!spec.refine) return index;
  const float k_factor = spec.k_factor == 0 ? kDefaultKFactor : spec.k_factor;
  return std::make_unique<RefineIndex>(std::move(index), build(*spec.refine, dim, metric), k_factor);
}

std::unique_ptr<Index> index_factory(std::size_t dim, std::string_view text, Metric metric) {
  return build(parse_spec(text), dim, metric);
}

}  // namespace knear
