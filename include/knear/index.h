// The index: vectors in, nearest vectors out.
#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <vector>

#include "knear/error.h"
#include "knear/matrix.h"
#include "knear/metric.h"
#include "knear/params.h"
#include "knear/selector.h"

namespace knear {

class Container;
class SectionWriter;

inline constexpr std::size_t kMaxDim = 65536;

// Any index. The public calls check their arguments once, here, and then hand over to the shape.
//
// Every call may throw Error; a call that throws leaves the index as it was. `search`, `range_search`,
// `get`, `contains`, `ids` and the properties are safe from many threads, also while one or more
// threads add, remove, update or merge: a search sees the index as it was at one moment.
class Index {
 public:
  virtual ~Index() = default;
  Index(const Index&) = delete;
  Index& operator=(const Index&) = delete;

  std::size_t dim() const noexcept { return dim_; }
  Metric metric() const noexcept { return metric_; }
  virtual DType dtype() const noexcept = 0;       // of the stored rows
  virtual std::size_t size() const noexcept = 0;  // live vectors
  virtual bool is_trained() const noexcept { return true; }
  virtual Id next_id() const = 0;        // with which the next add without ids begins
  virtual std::string spec() const = 0;  // the string that rebuilds it empty
  virtual Capabilities capabilities() const = 0;
  virtual IndexStats stats() const = 0;
  virtual Report verify() const = 0;

  // Learns from n x dim rows what the codec or the partition needs.
  void train(MatrixView rows, const TrainOptions& options = {});

  // Adds n x dim rows of any element type. Returns how many were stored.
  std::size_t add(MatrixView rows, const AddOptions& options = {});

  // The k nearest stored rows of each of nq x dim queries.
  Neighbors search(MatrixView queries, std::size_t k, const SearchOptions& options = {}) const;
  // The same into the caller's memory, nq * k elements each; counts (nq) may be empty.
  void search(MatrixView queries, std::size_t k, std::span<float> distances, std::span<Id> ids,
              std::span<std::size_t> counts, const SearchOptions& options = {}) const;

  // The k nearest among candidates that are known by id, candidates[q] those of query q. Ids that the index does not
  // hold are passed over, repeated ones count once; of rows with the same id, the last in the order of ids() counts.
  RangeNeighbors rank(MatrixView queries, std::span<const std::vector<Id>> candidates, std::size_t k,
                      const RunOptions& options = {}) const;

  // All rows strictly closer than `radius` (in the metric's own value: for similarities, larger).
  RangeNeighbors range_search(MatrixView queries, float radius, const SearchOptions& options = {}) const;

  bool contains(Id id) const;
  std::vector<Id> ids() const;                  // of live rows, in the order they are stored
  Matrix get(std::span<const Id> ids) const;    // float32 rows; Error::not_found names the first missing id
  std::size_t remove(std::span<const Id> ids);  // unknown ids are ignored; returns how many went
  std::size_t remove(const Selector& selector);
  void update(std::span<const Id> ids, MatrixView rows, const AddOptions& options = {});  // all ids must exist
  void merge(const Index& other, const MergeOptions& options = {});                       // `other` stays as it was
  void clear();

  // Rows to codes that stand alone and back: n x dim rows to n codes of code_bytes(), one after the other. Nothing is
  // stored. Such a code may hold more than a stored one (stats().code_bytes): what else tells where it would lie.
  virtual std::size_t code_bytes() const { return stats().code_bytes; }
  std::vector<Byte> encode(MatrixView rows, const RunOptions& options = {}) const;
  // Error::invalid_argument unless the bytes are a whole number of codes.
  Matrix decode(std::span<const Byte> codes, const RunOptions& options = {}) const;

  // The user's own facts, saved with the index.
  std::map<std::string, std::string> metadata() const;
  void set_metadata(std::map<std::string, std::string> values);

  // Writes what load needs. Called by save(). Each shape has this or the next.
  virtual void write(SectionWriter& writer) const;
  using Others = std::span<const Index* const>;
  // Writes what load needs of an index that holds the rows of the others, too, behind its own; takes little memory.
  // Codes are taken as they are: Error::invalid_argument unless all learned the same. Called by merge_files().
  virtual void write_merged(SectionWriter& writer, Others others, const MergeOptions& options) const;
  // Takes over what write() of an index of the same spec wrote, which stays in the container's memory or mapped
  // file; called on a new index. Error::corrupt_file when the parts disagree.
  virtual void read(const Container& container) = 0;
  // For the index around it: from now on only its ranks are asked for, so that what only its own searches need may be
  // left out.
  virtual void expect_ranks_only() {}

 protected:
  Index(std::size_t dim, Metric metric);  // Error::invalid_argument unless 1 <= dim <= kMaxDim

  // Arguments arrive checked: dimensions agree, k >= 1, ids as long as rows, filters as long as queries.
  virtual void train_rows(MatrixView rows, const TrainOptions& options);
  virtual std::size_t add_rows(MatrixView rows, const AddOptions& options) = 0;
  virtual void search_rows(MatrixView queries, std::size_t k, float* distances, Id* ids, std::size_t* counts,
                           const SearchOptions& options) const = 0;
  virtual RangeNeighbors range_rows(MatrixView queries, float radius, const SearchOptions& options) const = 0;
  virtual RangeNeighbors rank_rows(MatrixView queries, std::span<const std::vector<Id>> candidates, std::size_t k,
                                   const RunOptions& options) const = 0;
  virtual bool has_id(Id id) const = 0;
  virtual std::vector<Id> list_ids() const = 0;
  virtual void get_rows(std::span<const Id> ids, float* rows) const = 0;
  virtual std::size_t remove_selected(const Selector& selector) = 0;
  virtual std::size_t remove_ids(std::span<const Id> ids) = 0;
  virtual void update_rows(std::span<const Id> ids, MatrixView rows, const AddOptions& options) = 0;
  virtual void merge_rows(const Index& other, const MergeOptions& options) = 0;
  virtual void remove_all() = 0;
  virtual void encode_rows(MatrixView rows, Byte* codes, const RunOptions& options) const = 0;
  virtual void decode_codes(const Byte* codes, std::size_t n, float* rows, const RunOptions& options) const = 0;

  // What search() does around search_rows(), for a search that takes more: checks, room for the results, stats.
  using SearchInto = std::function<void(float* distances, Id* ids, std::size_t* counts)>;
  Neighbors searched(MatrixView queries, std::size_t k, const SearchOptions& options, const SearchInto& into) const;

 private:
  std::size_t dim_;
  Metric metric_;
  mutable std::mutex metadata_mutex_;
  std::map<std::string, std::string> metadata_;
};

}  // namespace knear
