// The scan shape: every code is looked at. Exact when its codec is.
#pragma once

#include <atomic>
#include <memory>
#include <shared_mutex>
#include <span>
#include <string>
#include <vector>

#include "knear/codec.h"
#include "knear/index.h"

namespace knear {

class CodeStore;
class Container;
class Draft;
class ProgressMeter;
class RowsToStore;
class Snapshot;

// Shapes that keep something beside the rows build on it: it keeps the rows, and looks at all of them where they cannot
// do better.
class ScanIndex : public Index {
 public:
  explicit ScanIndex(std::unique_ptr<Codec> codec);
  ~ScanIndex() override;

  DType dtype() const noexcept override;
  std::size_t size() const noexcept override;
  bool is_trained() const noexcept override;
  Id next_id() const override;
  std::string spec() const override;
  Capabilities capabilities() const override;
  IndexStats stats() const override;
  Report verify() const override;
  void write_merged(SectionWriter& writer, Others others, const MergeOptions& options) const override;
  void read(const Container& container) override;
  void expect_ranks_only() override { ranks_only_ = true; }

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

  // The codec and what it encoded, as of one moment.
  struct View {
    std::shared_ptr<const Codec> codec;
    std::shared_ptr<const Snapshot> snapshot;
  };
  View view() const;
  CodeStore& store() const noexcept { return *store_; }
  std::shared_ptr<const Codec> codec() const;

  enum class Rows : std::uint8_t { alone, have_places };  // have_places: they stay where they are
  ScanIndex(std::unique_ptr<Codec> codec, Rows rows);
  // Does what is left to do with rows before they appear.
  virtual void complete(Draft& draft, const RunOptions& options) const;
  // May rows be taken over from another index without complete()?
  virtual bool takes_rows_as_they_are() const { return true; }
  // Options that a scan does not have: Error::invalid_argument.
  virtual void check_search(const SearchOptions& options) const;

 private:
  struct Part {
    std::size_t first;
    std::size_t count;
  };

  void encode(const RowsToStore& rows, Part part, Byte* codes, const RunOptions& options, ProgressMeter& meter) const;

  std::atomic<bool> ranks_only_ = false;
  mutable std::shared_mutex codec_mutex_;  // training puts a new codec in place
  std::shared_ptr<Codec> codec_;
  std::unique_ptr<CodeStore> store_;
};

}  // namespace knear
