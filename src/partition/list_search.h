// A batch of queries against the lists of the cells that each chose.
//
// Many queries go list by list: each list is read once, for all queries that chose it, those first for whom it is the
// nearest; what they find limits what is looked for later. Few go query by query. The results are the same, and the
// same for any number of threads.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <vector>

#include "core/parallel_for.h"
#include "core/top_k.h"
#include "knear/codec.h"
#include "partition/cell_finder.h"
#include "storage/snapshot.h"

namespace knear {

// Lists and what their codes mean, as of one moment.
struct Lists {
  const Codec& codec;
  const Snapshot& snapshot;
  const CellFinder& cells;
  bool residual;  // codes are of rows less their centroids
};

// What was looked at.
struct ListCounts {
  std::uint64_t lists = 0;
  std::uint64_t rows = 0;
  std::uint64_t reranked = 0;
};

class ListSearch {
 public:
  // The k nearest, or (k = 0) all closer than the radius on the smaller-is-closer scale. Queries are float32 and
  // finite.
  struct Wanted {
    std::size_t k = 0;
    double radius = 0;
    bool ranked = true;  // false: in any order, at any distances
  };

  // All must live on; the filter may be null.
  ListSearch(const Lists& lists, MatrixView queries, const Selector* filter, Wanted wanted, const RunOptions& run);
  ~ListSearch();

  // Looks into cells[q][from …] of each query named.
  using Chosen = std::vector<std::vector<std::uint32_t>>;
  void look(std::span<const std::uint32_t> queries, const Chosen& cells, const RunOptions& run, ProgressMeter& meter);

  // The canonical distances of one query to rows of one cell, as searches give them.
  static void rank(const Lists& lists, MatrixView query, std::size_t cell, std::span<const Slot> slots,
                   std::span<Hit> hits);

  std::size_t found(std::size_t query) const;
  // Takes the results out, nearest first.
  std::vector<Hit> take(std::size_t query);
  ListCounts counts() const noexcept { return {lists_seen_, rows_seen_, reranked_}; }

 private:
  struct Found;
  class Relative;

  // Of each query's cells.
  enum class Ranks : std::uint8_t { all, nearest, others };
  void look_by_list(std::span<const std::uint32_t> queries, const Chosen& cells, Ranks ranks, const RunOptions& run,
                    ProgressMeter& meter);
  void look_by_query(std::span<const std::uint32_t> queries, const Chosen& cells, const RunOptions& run,
                     ProgressMeter& meter);
  // Of the lists of these queries.
  enum class Share : std::uint8_t { all, some };
  void visit(std::span<const std::uint32_t> queries, std::span<const std::uint32_t> cells, Share share,
             ProgressMeter& meter);
  std::unique_ptr<Scan> make_scan(std::span<const std::uint32_t> queries, const Relative* relative,
                                  const SlotTable& table) const;
  void keep(std::uint32_t query, std::span<const Hit> hits, double offset);

  Lists lists_;
  MatrixView queries_;
  const Selector* filter_;
  Wanted wanted_;
  std::unique_ptr<PreparedQueries> prepared_;  // null: codes are relative to centroids, and so are queries
  std::unique_ptr<Found[]> found_;
  std::atomic<std::uint64_t> lists_seen_ = 0;
  std::atomic<std::uint64_t> rows_seen_ = 0;
  std::atomic<std::uint64_t> reranked_ = 0;
};

}  // namespace knear
