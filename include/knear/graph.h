// The graph shape: edges between near rows, along which a search walks to the nearest.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "knear/codecs.h"
#include "knear/scan.h"

namespace knear {

// How edges are chosen.
enum class GraphKind : std::uint8_t {
  // Levels of ever fewer rows; all others have one. Malkov, Yashunin: "Efficient and robust approximate nearest
  // neighbor search using Hierarchical Navigable Small World graphs", TPAMI 2020.
  hnsw,
  // Rows that come first begin, all at once, with their near rows by NN-descent; walks from the middle of all rows then
  // give each the edges that lead there. Fu, Xiang, Wang, Cai: "Fast approximate nearest neighbor search with the
  // Navigating Spreading-out Graph", VLDB 2019.
  nsg,
  // Rows are inserted; those that come first then choose again, longer edges too. Subramanya et al.: "DiskANN: Fast
  // accurate billion-point nearest neighbor search on a single node", NeurIPS 2019.
  vamana,
  // The M near rows, edges back from them, and one edge to anywhere. Dong, Charikar, Li: "Efficient k-nearest neighbor
  // graph construction for generic similarity measures", WWW 2011.
  nn_descent,
};

// What a graph is built by.
struct GraphOptions {
  GraphKind kind = GraphKind::hnsw;
  // Edges of a row, 2 to 512. hnsw: on each level, twice as many on the lowest. nn_descent: its own, and as many back.
  std::size_t M = 32;
  std::size_t ef_construction = 0;  // near rows that edges are chosen from; 1 to 65536; 0: 200 of nsg, else 100
  // Near rows that a search keeps on its walk, at least k, twice as many of inner product; 1 to 2^24.
  std::size_t ef_search = 64;
  std::uint64_t seed = 0x5eed;  // of the levels, and where NN-descent begins
  // vamana: a row gets no edge when one chosen before is so many times nearer to it, by squared distances under L2,
  // inner product and cosine; 1 to 10.
  float alpha = 1.2f;
  std::size_t near_rows = 48;  // nsg: how many of each row NN-descent looks for; 2 to 512
};

// As in a factory string: "HNSW32,ef_search=100", "NSG32", "Vamana32,alpha=1.3", "NNDescent32".
std::string text_of(const GraphOptions& options);

// The edges of a graph on its lowest level. Rows with equal codes share a vertex, of which the first has the edges.
struct GraphStats {
  std::vector<std::size_t> degrees;  // how many vertices have no edge, one, two, …
  double mean_degree = 0;
  std::size_t max_degree = 0;
  std::size_t orphans = 0;    // vertices to which no edge leads, but for the one where walks begin
  double reachable = 1;       // share of live rows that edges lead to from there
  std::size_t top_level = 0;  // levels above the lowest
  Id entry = kNoId;           // the row where walks begin; none in an empty graph
};

// A graph of any kind over codes of any kind. Rows are inserted in batches that see the graph as it was before (Manohar
// et al.: "ParlayANN", PPoPP 2024), or all at once, so the same calls give the same graph for any number of threads.
// Rows that come later are inserted, whatever the kind.
//
// Walks go by the bytes that shadow float rows, or by the codec's distances; what they find is ranked by the canonical
// distance. Filters that let few rows pass are answered by a scan of these, and so is whatever a walk does not fill.
// range_search() looks at all rows. Rows with equal codes share a place.
//
// Removed rows are walked through until the index is saved, which leaves them out, or no row is left. merge_files()
// takes no graphs.
class GraphIndex : public ScanIndex {
 public:
  // Error::invalid_argument unless the options are as said there.
  explicit GraphIndex(std::unique_ptr<Codec> codec, const GraphOptions& options = {});

  std::string spec() const override;
  Capabilities capabilities() const override;
  IndexStats stats() const override;
  // Also: edges lead to rows, none twice, and each live row can be reached.
  Report verify() const override;
  // Looks at all edges.
  GraphStats graph_stats() const;
  void write_merged(SectionWriter& writer, Others others, const MergeOptions& options) const override;
  void read(const Container& container) override;

  GraphKind kind() const noexcept { return options_.kind; }
  std::size_t M() const noexcept { return options_.M; }
  float alpha() const noexcept { return options_.alpha; }
  std::size_t near_rows() const noexcept { return options_.near_rows; }
  std::size_t ef_construction() const noexcept { return ef_construction_.load(std::memory_order_relaxed); }
  std::size_t ef_search() const noexcept { return ef_search_.load(std::memory_order_relaxed); }
  // For the calls that come. Error::invalid_argument as above.
  void set_ef_construction(std::size_t ef);
  void set_ef_search(std::size_t ef);

 protected:
  void search_rows(MatrixView queries, std::size_t k, float* distances, Id* ids, std::size_t* counts,
                   const SearchOptions& options) const override;
  void complete(Draft& draft, const RunOptions& options) const override;
  bool takes_rows_as_they_are() const override { return false; }
  void check_search(const SearchOptions& options) const override;

 private:
  struct Into {
    float* distances;
    Id* ids;
    std::size_t* counts;  // or null
  };
  void scan_some(MatrixView queries, std::span<const std::size_t> which, std::size_t k, const SearchOptions& options,
                 const Into& into) const;

  GraphOptions options_;
  std::atomic<std::size_t> ef_construction_;
  std::atomic<std::size_t> ef_search_;
};

// A graph of one kind over codes of any kind: the field's names.
template <GraphKind kKind>
struct GraphOf : GraphIndex {
  explicit GraphOf(std::unique_ptr<Codec> codec, GraphOptions options = {})
      : GraphIndex(std::move(codec), (options.kind = kKind, options)) {}
};
template <GraphKind kKind>
struct GraphFlat : GraphOf<kKind> {
  explicit GraphFlat(std::size_t dim, std::size_t M = 32, Metric metric = Metric::l2)
      : GraphOf<kKind>(make_flat_codec(dim, metric), {.M = M}) {}
};
template <GraphKind kKind>
struct GraphSQ : GraphOf<kKind> {
  explicit GraphSQ(std::size_t dim, const SqOptions& sq = {}, std::size_t M = 32, Metric metric = Metric::l2)
      : GraphOf<kKind>(make_sq_codec(dim, metric, sq), {.M = M}) {}
};
template <GraphKind kKind>
struct GraphPQ : GraphOf<kKind> {
  GraphPQ(std::size_t dim, std::size_t subs, std::size_t M = 32, std::size_t bits = 8, Metric metric = Metric::l2)
      : GraphOf<kKind>(make_pq_codec(dim, metric, {.subs = subs, .bits = bits}), {.M = M}) {}
};

using IndexHNSW = GraphOf<GraphKind::hnsw>;
using IndexHNSWFlat = GraphFlat<GraphKind::hnsw>;
using IndexHNSWSQ = GraphSQ<GraphKind::hnsw>;
using IndexHNSWPQ = GraphPQ<GraphKind::hnsw>;
// Over which of 2^centroid_bits centroids, and a product quantizer's code of what it leaves.
struct IndexHNSW2Level : IndexHNSW {
  IndexHNSW2Level(std::size_t dim, std::size_t centroid_bits, std::size_t subs, std::size_t M = 32,
                  Metric metric = Metric::l2)
      : IndexHNSW(make_pqr_codec(dim, metric, {.coarse = {.subs = 1, .bits = centroid_bits}, .fine = {.subs = subs}}),
                  {.M = M}) {}
};
using IndexNSG = GraphOf<GraphKind::nsg>;
using IndexNSGFlat = GraphFlat<GraphKind::nsg>;
using IndexNSGSQ = GraphSQ<GraphKind::nsg>;
using IndexNSGPQ = GraphPQ<GraphKind::nsg>;
using IndexVamana = GraphOf<GraphKind::vamana>;
using IndexVamanaFlat = GraphFlat<GraphKind::vamana>;
using IndexVamanaSQ = GraphSQ<GraphKind::vamana>;
using IndexVamanaPQ = GraphPQ<GraphKind::vamana>;
using IndexNNDescent = GraphOf<GraphKind::nn_descent>;
using IndexNNDescentFlat = GraphFlat<GraphKind::nn_descent>;

}  // namespace knear
