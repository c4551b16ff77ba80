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

// What a hierarchical navigable small world is built by.
struct HnswOptions {
  std::size_t M = 32;                 // edges of a row on each level, twice as many on the lowest; 2 to 512
  std::size_t ef_construction = 100;  // near rows that an insertion chooses edges from; 1 to 65536
  std::size_t ef_search =
      64;  // near rows that a search keeps on its walk, at least k, twice as many of inner product; 1 to 2^24
  std::uint64_t seed = 0x5eed;  // of the levels
};

// As in a factory string: "HNSW32,ef_search=100".
std::string text_of(const HnswOptions& options);

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

// A hierarchical navigable small world (Malkov, Yashunin: "Efficient and robust approximate nearest neighbor search
// using Hierarchical Navigable Small World graphs", TPAMI 2020) over codes of any kind. Rows are inserted in batches
// that see the graph as it was before (Manohar et al.: "ParlayANN", PPoPP 2024), so the same calls give the same graph
// for any number of threads.
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
  explicit GraphIndex(std::unique_ptr<Codec> codec, const HnswOptions& options = {});

  std::string spec() const override;
  Capabilities capabilities() const override;
  IndexStats stats() const override;
  // Also: edges lead to rows, none twice, and each live row can be reached.
  Report verify() const override;
  // Looks at all edges.
  GraphStats graph_stats() const;
  void write_merged(SectionWriter& writer, Others others, const MergeOptions& options) const override;
  void read(const Container& container) override;

  std::size_t M() const noexcept { return options_.M; }
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

  HnswOptions options_;
  std::atomic<std::size_t> ef_construction_;
  std::atomic<std::size_t> ef_search_;
};

// A graph over codes of any kind.
using IndexHNSW = GraphIndex;

struct IndexHNSWFlat : GraphIndex {
  explicit IndexHNSWFlat(std::size_t dim, std::size_t M = 32, Metric metric = Metric::l2)
      : GraphIndex(make_flat_codec(dim, metric), {.M = M}) {}
};

struct IndexHNSWSQ : GraphIndex {
  explicit IndexHNSWSQ(std::size_t dim, const SqOptions& options = {}, std::size_t M = 32, Metric metric = Metric::l2)
      : GraphIndex(make_sq_codec(dim, metric, options), {.M = M}) {}
};

struct IndexHNSWPQ : GraphIndex {
  IndexHNSWPQ(std::size_t dim, std::size_t subs, std::size_t M = 32, std::size_t bits = 8, Metric metric = Metric::l2)
      : GraphIndex(make_pq_codec(dim, metric, {.subs = subs, .bits = bits}), {.M = M}) {}
};

}  // namespace knear
