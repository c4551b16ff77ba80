// One value that describes any index, and the one function that builds from it.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "knear/graph.h"
#include "knear/index.h"
#include "knear/matrix.h"
#include "knear/metric.h"
#include "knear/partition.h"
#include "knear/transform.h"

namespace knear {

// One stage of a factory string with the options behind it: "Flat,dtype=float16" is {"Flat", {{"dtype", "float16"}}}.
struct Stage {
  std::string token;
  std::vector<std::pair<std::string, std::string>> options;

  std::string str() const;
  // Null when it is not given.
  const std::string* option(std::string_view key) const;
  void set(std::string_view key, std::string value);
};

struct Spec;

// The cells of a partition: "IVF1024", "IVF4096(PQ16x8),by_residual=off,nprobe=32", "IMI2x8".
struct CellsSpec {
  std::size_t nlist = 0;
  std::shared_ptr<const Spec> coarse = nullptr;  // the index that finds cells; null: Flat
  std::optional<Metric> metric = {};             // by which cells are chosen, where it is not the index's own
  std::optional<bool> by_residual = {};          // see IvfOptions, as the next
  std::size_t nprobe = 0;
  std::vector<Stage> transforms = {};  // between the cells and the codes, which are then of images; not in str()

  // That k-means has to learn at once: nlist, or where cells are combinations, the entries of a codebook.
  std::size_t centroids() const;
  std::string str() const;
};

// The graph over codes: "HNSW32", "HNSW16,ef_construction=200,ef_search=32", "NSG32".
struct GraphSpec {
  GraphOptions options = {};

  std::string str() const;
};

// What an index is made of. As text, the factory string: "Flat", "OPQ16_64,IVF1024,PQ16x4fs,RFlat",
// "IVF1024,PCA32,SQ8".
struct Spec {
  std::vector<Stage> transforms = {};            // in the order in which rows pass them
  std::optional<CellsSpec> cells = {};           // none: every code is looked at
  std::optional<GraphSpec> graph = {};           // edges between codes; not with cells
  Stage codec = {"Flat", {}};                    // of what is stored
  bool dedup = false;                            // equal rows are stored once: "FlatDedup"
  std::shared_ptr<const Spec> refine = nullptr;  // an index of the original rows that ranks again
  float k_factor = 0;                            // candidates for each result that it ranks; 0: the default

  std::string str() const;
};

// Reads a factory string. Throws Error::invalid_argument that quotes the offending token.
Spec parse_spec(std::string_view text);

// The transform of one stage, and from text, "PCA64" or "OPQ16_64,bits=4". Error::invalid_argument as above.
std::unique_ptr<Transform> build_transform(const Stage& stage, std::size_t dim_in);
std::unique_ptr<Transform> transform_factory(std::size_t dim_in, std::string_view text);

// What keeps the rows of a spec, or their images: its codec, behind transforms that stand between cells and codes.
std::unique_ptr<Codec> build_codec(const Spec& spec, std::size_t dim, Metric metric);

// Builds an empty index.
std::unique_ptr<Index> build(const Spec& spec, std::size_t dim, Metric metric = Metric::l2);
// The partition of a spec that is nothing else, "IVF100,PQ8x8", with cells that this index finds. The spec's own idea
// of a coarse index does not count. Transforms come before those of the spec; what they have learned stays.
std::unique_ptr<IvfIndex> build_partition(const Spec& spec, std::shared_ptr<Index> coarse, Metric metric,
                                          TransformChain transforms = {});
// The field's name for build(parse_spec(text), dim, metric).
std::unique_ptr<Index> index_factory(std::size_t dim, std::string_view text, Metric metric = Metric::l2);

}  // namespace knear
