// The options that calls on an index take, each with its default, and the results they give.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "knear/matrix.h"
#include "knear/parallel.h"
#include "knear/selector.h"

namespace knear {

// What to do with a row that holds NaN or Inf.
enum class NanPolicy {
  reject,  // Error::invalid_argument that names the first such row
  skip,    // leave the row out
  keep,    // store it; a search never returns it (except under Metric::nan_euclidean). Error::invalid_argument when the
           // codec rounds it to a code of other rows: Codec::keeps_bad_rows()
};

// What to do with an id that is there already, in the index or earlier in the same call.
enum class OnDuplicate { error, replace, allow };

// Called when all other work of a call is done, just before its rows appear. When it throws, so does the call, and the
// index stays as it was: for what must happen together with the call or not at all. Not called when nothing changes.
using OnCommit = std::function<void()>;

struct TrainOptions {
  RunOptions run = {};
  std::vector<std::string>* warnings = nullptr;  // when given, remarks go there: that rows are few, say
};

struct AddOptions {
  std::span<const Id> ids = {};  // one per row; empty: one more than the largest id so far, and on
  OnDuplicate on_duplicate = OnDuplicate::error;
  NanPolicy nan_policy = NanPolicy::reject;
  OnCommit on_commit = {};
  RunOptions run = {};
};

// What one search did, summed over its queries.
struct SearchStats {
  std::uint64_t queries = 0;
  std::uint64_t rows_scored = 0;    // pairs of query and stored row that a filter or scorer looked at
  std::uint64_t bytes_scored = 0;   // of the codes of these rows; many queries share what is read once
  std::uint64_t rows_reranked = 0;  // of these, pairs ranked by the canonical float64 distance
  std::uint64_t lists_visited = 0;  // of partitions: pairs of query and cell
  double coarse_seconds = 0;        // of partitions: what it took to choose cells
  double scan_seconds = 0;          // of partitions: what it took to look into their lists
  double seconds = 0;
};

// By which distances a product quantizer is searched.
struct PqSearch {
  enum class By : std::uint8_t {
    asymmetric,  // from the query to the decoded row: what a search without a PqSearch does
    symmetric,   // from the query, itself encoded and decoded, to the decoded row: a table lookup for each sub-vector
    polysemous,  // asymmetric, but only of codes that differ from the query's own in few bits; the rest is not found
  } by = By::asymmetric;
  std::size_t polysemous_ht = 0;  // fewer bits than that; 0: 27 of 64, as in the paper (see PqOptions::polysemous)
};

struct SearchOptions {
  SelectorPtr filter = {};                    // for all queries
  std::span<const SelectorPtr> filters = {};  // or one for each query; null entries allow all
  std::size_t nprobe = 0;                     // of partitions: cells to look into; 0: the index's own
  std::size_t max_codes = 0;                  // of partitions: no further cell after so many rows; 0: no limit
  std::size_t ef_search = 0;                  // of graphs: how many of the nearest a walk keeps; 0: the index's own
  float k_factor = 0;                         // of indexes that rank again: candidates per result; 0: the index's own
  std::optional<PqSearch> pq = {};            // of product quantizers only
  bool ranked = true;            // false: the k nearest in any order, at any distances, which may be faster
  SearchStats* stats = nullptr;  // filled when given
  RunOptions run = {};
};

enum class MergeIds {
  keep,   // ids stay; a clash follows on_duplicate
  shift,  // ids of the other index move up by this one's largest id + 1
};

struct MergeOptions {
  MergeIds ids = MergeIds::keep;
  OnDuplicate on_duplicate = OnDuplicate::error;
  OnCommit on_commit = {};
  RunOptions run = {};
};

// The k nearest of each query, nearest first; equal distances in ascending id.
struct Neighbors {
  std::size_t queries = 0;
  std::size_t k = 0;
  std::vector<float> distances;     // queries x k; the metric's own value; missing: worst_value(metric)
  std::vector<Id> ids;              // queries x k; missing: kNoId
  std::vector<std::size_t> counts;  // real results of each query
};

// All rows within a radius, query i's at [limits[i], limits[i + 1]), nearest first.
struct RangeNeighbors {
  std::vector<std::size_t> limits;  // queries + 1
  std::vector<float> distances;
  std::vector<Id> ids;
};

// Which operations have a fast path; all of them work.
struct Capabilities {
  bool exact = false;  // answers are provably the nearest
  bool needs_training = false;
  bool fast_remove = false;
  bool fast_range_search = false;
  bool fast_filter = false;
  bool mmap = false;        // searchable straight from a mapped file
  bool keeps_rows = false;  // get() gives rows as they were added, rounded to dtype() at most
};

struct IndexStats {
  std::size_t ntotal = 0;         // live vectors
  std::size_t distinct_rows = 0;  // stored, where equal ones are stored once; 0: each vector is
  std::size_t removed_slots = 0;  // removed, space not yet reused
  std::size_t code_bytes = 0;     // per vector
  std::size_t memory_bytes = 0;   // heap held, without mapped files
  std::size_t mapped_bytes = 0;
  std::size_t shadow_bytes = 0;  // per vector, of what exact searches compare first; 0: the vectors themselves
  std::string shadow;            // what it is and how it fares: "int8", "int8, rotated; given up …"
};

// The outcome of a health check.
struct Report {
  bool ok = true;
  std::vector<std::string> problems;
};

}  // namespace knear
