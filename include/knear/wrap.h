// Indexes around indexes.
//
// What they stand around may be shared with others, who may go on reading it. All that changes it goes through the
// index around it: else the parts no longer fit together, which verify() then says.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <shared_mutex>
#include <span>
#include <string>
#include <vector>

#include "knear/index.h"
#include "knear/transform.h"

namespace knear {

// Transforms in front of any index: it holds the images of the rows, and distances are those of images.
//
// A call needs room for the float32 images of all its rows while it runs: files go in by pieces. get() goes the way
// back through the transforms; what they took away does not come back.
class PreTransformIndex : public Index {
 public:
  // Error::invalid_argument unless the dimensions agree and the index is empty. Another PreTransformIndex or a
  // RefineIndex cannot be inside: chains are one chain, and what ranks again wants the original rows. A transform that
  // has learned already stays as it is when the index is trained.
  PreTransformIndex(TransformChain transforms, std::shared_ptr<Index> index);
  ~PreTransformIndex() override;

  const Index& inner() const noexcept { return *index_; }
  std::shared_ptr<Index> share_inner() const noexcept { return index_; }
  TransformChain transforms() const { return *chain(); }  // as they are now: training puts others in their place
  // What it keeps of these rows, or looks for: their images under all transforms. Error::wrong_state before training.
  Matrix images(MatrixView rows, const RunOptions& options = {}) const;

  DType dtype() const noexcept override;
  std::size_t size() const noexcept override;
  bool is_trained() const noexcept override;
  Id next_id() const override;
  std::string spec() const override;
  Capabilities capabilities() const override;
  IndexStats stats() const override;
  std::size_t code_bytes() const override;
  Report verify() const override;
  void write_merged(SectionWriter& writer, Others others, const MergeOptions& options) const override;
  void read(const Container& container) override;

 protected:
  // Learns transform by transform, each from the images of the ones before, then the index from the last images.
  void train_rows(MatrixView rows, const TrainOptions& options) override;
  std::size_t add_rows(MatrixView rows, const AddOptions& options) override;
  void search_rows(MatrixView queries, std::size_t k, float* distances, Id* ids, std::size_t* counts,
                   const SearchOptions& options) const override;
  RangeNeighbors range_rows(MatrixView queries, float radius, const SearchOptions& options) const override;
  RangeNeighbors rank_rows(MatrixView queries, std::span<const std::vector<Id>> candidates, std::size_t k,
                           const RunOptions& options) const override;
  bool has_id(Id id) const override;
  std::vector<Id> list_ids() const override;
  void get_rows(std::span<const Id> ids, float* rows) const override;
  std::size_t remove_selected(const Selector& selector) override;
  std::size_t remove_ids(std::span<const Id> ids) override;
  void update_rows(std::span<const Id> ids, MatrixView rows, const AddOptions& options) override;
  void merge_rows(const Index& other, const MergeOptions& options) override;  // its transforms must be the same
  void remove_all() override;
  void encode_rows(MatrixView rows, Byte* codes, const RunOptions& options) const override;
  void decode_codes(const Byte* codes, std::size_t n, float* rows, const RunOptions& options) const override;

 private:
  std::shared_ptr<const TransformChain> chain() const;
  void set_chain(TransformChain chain);

  mutable std::shared_mutex training_mutex_;  // exclusive while it trains, shared while rows come or are written
  mutable std::mutex chain_mutex_;
  std::shared_ptr<const TransformChain> chain_;
  std::vector<bool> fixed_;  // transforms that came trained
  std::shared_ptr<Index> index_;
};

// Candidates that a search gets from the base for each result it wants. Four are enough for the codes of half a byte a
// dimension that are usually refined, and cost little beside the scan.
inline constexpr float kDefaultKFactor = 4;

// Two indexes of the same rows: the base, small and fast, finds k * k_factor candidates, the other, finer, ranks them
// by its own distance. With k_factor = 1 only the order changes.
//
// Both hold the same ids; the finer one decides what is there. A range search gives those of the base's results that
// lie within the radius by the finer distance.
class RefineIndex : public Index {
 public:
  // Error::invalid_argument unless dimension and metric agree, both hold the same ids and 1 <= k_factor < 1e6. The base
  // cannot be a RefineIndex itself, and the two are not the same object.
  RefineIndex(std::shared_ptr<Index> base, std::shared_ptr<Index> refine, float k_factor = kDefaultKFactor);
  ~RefineIndex() override;

  float k_factor() const noexcept { return k_factor_; }
  void set_k_factor(float k_factor);  // of searches that do not say themselves
  const Index& base() const noexcept { return *base_; }
  const Index& fine() const noexcept { return *refine_; }
  std::shared_ptr<Index> share_base() const noexcept { return base_; }
  std::shared_ptr<Index> share_fine() const noexcept { return refine_; }

  DType dtype() const noexcept override;
  std::size_t size() const noexcept override;
  bool is_trained() const noexcept override;
  Id next_id() const override;
  std::string spec() const override;
  Capabilities capabilities() const override;
  IndexStats stats() const override;
  std::size_t code_bytes() const override;
  Report verify() const override;
  void write_merged(SectionWriter& writer, Others others, const MergeOptions& options) const override;
  void read(const Container& container) override;

 protected:
  void train_rows(MatrixView rows, const TrainOptions& options) override;
  std::size_t add_rows(MatrixView rows, const AddOptions& options) override;
  void search_rows(MatrixView queries, std::size_t k, float* distances, Id* ids, std::size_t* counts,
                   const SearchOptions& options) const override;
  RangeNeighbors range_rows(MatrixView queries, float radius, const SearchOptions& options) const override;
  RangeNeighbors rank_rows(MatrixView queries, std::span<const std::vector<Id>> candidates, std::size_t k,
                           const RunOptions& options) const override;
  bool has_id(Id id) const override;
  std::vector<Id> list_ids() const override;
  void get_rows(std::span<const Id> ids, float* rows) const override;
  std::size_t remove_selected(const Selector& selector) override;
  std::size_t remove_ids(std::span<const Id> ids) override;
  void update_rows(std::span<const Id> ids, MatrixView rows, const AddOptions& options) override;
  void merge_rows(const Index& other, const MergeOptions& options) override;  // both parts must merge
  void remove_all() override;
  // A code is that of the base, then that of the finer index, which alone decides what it decodes to.
  void encode_rows(MatrixView rows, Byte* codes, const RunOptions& options) const override;
  void decode_codes(const Byte* codes, std::size_t n, float* rows, const RunOptions& options) const override;

 private:
  struct Round;
  Round search_round(MatrixView queries, std::size_t k, const SearchOptions& options) const;

  std::shared_ptr<Index> base_;
  std::shared_ptr<Index> refine_;
  std::atomic<float> k_factor_;
  mutable std::mutex writer_mutex_;  // one writer at a time changes both
};

// Rows that are stored once however many ids they have, around an index that keeps rows as they are. Rows are the same
// when all their stored elements are, bit for bit: 0.0 is not -0.0. Results are those of an index that stores each row
// of each id. The base holds groups, rows with numbers of their own for ids; equal rows are found by hashes, which the
// first addition to a loaded index makes of all rows, and by comparing what has the same hash.
//
// Searches see one moment: what appears or goes waits until those that run are done, and those that come then wait for
// it (up to a second). So a filter that calls back may look up ids here, but should not search here.
class DedupIndex : public Index {
 public:
  // Error::invalid_argument unless the base is empty and Capabilities::keeps_rows.
  explicit DedupIndex(std::shared_ptr<Index> base);
  ~DedupIndex() override;
  const Index& base() const noexcept;
  std::shared_ptr<Index> share_base() const noexcept;

  DType dtype() const noexcept override;
  std::size_t size() const noexcept override;  // ids; stats().distinct_rows: what is stored
  bool is_trained() const noexcept override;
  Id next_id() const override;
  std::string spec() const override;  // the base's, with FlatDedup for Flat
  Capabilities capabilities() const override;
  IndexStats stats() const override;
  std::size_t code_bytes() const override;
  Report verify() const override;
  void write(SectionWriter& writer) const override;
  void read(const Container& container) override;
  void expect_ranks_only() override;

 protected:
  void train_rows(MatrixView rows, const TrainOptions& options) override;
  std::size_t add_rows(MatrixView rows, const AddOptions& options) override;
  void search_rows(MatrixView queries, std::size_t k, float* distances, Id* ids, std::size_t* counts,
                   const SearchOptions& options) const override;
  RangeNeighbors range_rows(MatrixView queries, float radius, const SearchOptions& options) const override;
  RangeNeighbors rank_rows(MatrixView queries, std::span<const std::vector<Id>> candidates, std::size_t k,
                           const RunOptions& options) const override;
  bool has_id(Id id) const override;
  std::vector<Id> list_ids() const override;
  void get_rows(std::span<const Id> ids, float* rows) const override;
  std::size_t remove_selected(const Selector& selector) override;
  std::size_t remove_ids(std::span<const Id> ids) override;
  void update_rows(std::span<const Id> ids, MatrixView rows, const AddOptions& options) override;
  void merge_rows(const Index& other, const MergeOptions& options) override;
  void remove_all() override;
  void encode_rows(MatrixView rows, Byte* codes, const RunOptions& options) const override;
  void decode_codes(const Byte* codes, std::size_t n, float* rows, const RunOptions& options) const override;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace knear
