// The partition shape, known as inverted files: rows lie in the lists of k-means cells, and a search looks only into
// the cells nearest to its query (Jégou, Douze, Schmid: "Product quantization for nearest neighbor search", IEEE PAMI
// 2011).
#pragma once

#include <atomic>
#include <memory>
#include <optional>
#include <shared_mutex>
#include <span>
#include <string>
#include <vector>

#include "knear/cluster.h"
#include "knear/codec.h"
#include "knear/hit.h"
#include "knear/index.h"

namespace knear {

class CellFinder;
class CodeStore;
class Draft;
class ImplicitCentroids;
class Snapshot;
enum class CodesOf : std::uint8_t;
struct Learned;

struct IvfOptions {
  std::size_t nlist = 0;  // cells, at least 1
  // Codes are of a row less the centroid of its cell; of the row itself; or (unset) whatever suits the codec: product
  // and scalar quantizers and RaBitQ code what is left, others and 4-bit fast scans the row. Only under metrics that
  // know differences: L2, inner product, L1, Linf, Lp.
  std::optional<bool> by_residual = {};
  std::size_t nprobe = 0;                // cells that a search looks into unless it says so; 0: about sqrt(nlist) / 2
  KmeansOptions kmeans = {.niter = 10};  // for the centroids
};

// What one list holds and how full lists are.
struct ListStats {
  std::vector<std::size_t> sizes;  // live rows of each cell
  double imbalance = 1;            // nlist * sum of squared sizes / n^2: 1 when all are equal
  // How far rows are from their centroids, mean squared, over what it was in training, from a sample: much more than 1
  // says that rows have become other ones, and that training anew would find better cells. 0: not known.
  double drift = 0;
};

class IvfIndex : public Index {
 public:
  // The coarse index finds cells; it has as many rows as there are cells, or none: then training fills it with
  // centroids, each time anew. Nobody else changes it.
  IvfIndex(std::shared_ptr<Index> coarse, std::unique_ptr<Codec> codec, const IvfOptions& options);
  ~IvfIndex() override;

  std::size_t nlist() const noexcept { return nlist_; }
  // What a search looks into that does not say; 0 chooses.
  std::size_t nprobe() const noexcept;
  void set_nprobe(std::size_t nprobe);
  bool by_residual() const noexcept { return residual_; }
  const std::shared_ptr<Index>& coarse() const noexcept { return coarse_; }
  ListStats lists() const;
  // Ids of the live rows of a cell, and their codes, one after the other. Error::invalid_argument unless cell < nlist.
  std::vector<Id> list_ids_of(std::size_t cell) const;
  std::vector<Byte> list_codes_of(std::size_t cell) const;
  // Searches the cells that the caller chose, cells[q * each …] for query q, nearest first; negative ones are passed
  // over.
  Neighbors search_preassigned(MatrixView queries, std::size_t k, std::span<const Id> cells,
                               const SearchOptions& options = {}) const;

  DType dtype() const noexcept override;
  std::size_t size() const noexcept override;
  bool is_trained() const noexcept override;
  Id next_id() const override;
  std::string spec() const override;
  Capabilities capabilities() const override;
  IndexStats stats() const override;
  Report verify() const override;
  std::size_t code_bytes() const override;  // with the number of the cell in front
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
  void merge_rows(const Index& other, const MergeOptions& options) override;
  void remove_all() override;
  void encode_rows(MatrixView rows, Byte* codes, const RunOptions& options) const override;
  void decode_codes(const Byte* codes, std::size_t n, float* rows, const RunOptions& options) const override;

 private:
  struct View;  // what belongs together, as of one moment

  CodesOf codes_of() const noexcept;
  Learned learned() const;
  View view() const;
  std::unique_ptr<Codec> teach(const CellFinder& cells, MatrixView rows, const TrainOptions& options) const;
  void complete(Draft& draft, const Learned& before, const RunOptions& run) const;
  double drift_of(const Snapshot& snapshot) const;
  std::size_t cell_bytes() const noexcept;
  std::vector<std::vector<Hit>> hits_of(MatrixView queries, std::size_t k, double radius, std::span<const Id> chosen,
                                        const SearchOptions& options) const;

  const std::size_t nlist_;
  const bool residual_;
  const std::optional<bool> residual_asked_;
  const KmeansOptions kmeans_;
  std::atomic<std::size_t> nprobe_;
  const std::shared_ptr<Index> coarse_;
  const bool came_full_;                     // so training leaves it alone
  mutable std::shared_mutex learned_mutex_;  // training puts new ones in place
  std::shared_ptr<const CellFinder> cells_;  // null: not trained
  std::shared_ptr<Codec> codec_;
  double spread_ = 0;  // mean squared distance of training rows from their centroids; 0: not known
  std::unique_ptr<CodeStore> store_;
};

// A coarse index of many cells at the price of few: its rows, the centroids, are all combinations of the entries of
// some codebooks. Training gives it all at once; the entry of codebook m stands at the bits of the id from m * bits on.
// Nothing can be added, updated, merged, removed or cleared: Error::unsupported. Distances are those to get(id).
class ImplicitIndex : public Index {
 public:
  explicit ImplicitIndex(std::shared_ptr<const ImplicitCentroids> centroids);
  ~ImplicitIndex() override;

  std::shared_ptr<const ImplicitCentroids> centroids() const;
  void set_centroids(std::shared_ptr<const ImplicitCentroids> centroids);  // for the partition around it

  DType dtype() const noexcept override { return DType::f32; }
  std::size_t size() const noexcept override;
  bool is_trained() const noexcept override;
  Id next_id() const override;
  std::string spec() const override;
  Capabilities capabilities() const override;
  IndexStats stats() const override;
  Report verify() const override;
  void write(SectionWriter& writer) const override;
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
  void merge_rows(const Index& other, const MergeOptions& options) override;
  void remove_all() override;
  void encode_rows(MatrixView rows, Byte* codes, const RunOptions& options) const override;
  void decode_codes(const Byte* codes, std::size_t n, float* rows, const RunOptions& options) const override;

 private:
  mutable std::shared_mutex mutex_;  // training puts new ones in place
  std::shared_ptr<const ImplicitCentroids> centroids_;
};

// The inverted multi-index (Babenko, Lempitsky, CVPR 2012; IEEE TPAMI 37, 2015): a vector is cut into sub-vectors, and
// centroids are all combinations of those of k-means for each. Searches find exactly the nearest cells. "IMI2x8".
struct MultiIndexOptions {
  std::size_t subs = 2;  // sub-vectors; the dimension is a multiple
  std::size_t bits = 8;  // 2^bits centroids for each; subs * bits is 24 at most
};

// L2 or inner product, as the next.
std::shared_ptr<const ImplicitCentroids> make_multi_index(std::size_t dim, Metric metric,
                                                          const MultiIndexOptions& options = {});

inline constexpr float kDefaultBeamFactor = 4;

// Residual quantization (Chen, Guan, Wang, Sensors 10, 2010): centroids are sums of one entry of each level, which
// k-means learns from what the levels before it left of the rows. Under L2, which cells a search finds is approximate;
// under inner product it is exact. "RCQ2x8".
struct ResidualLevelsOptions {
  std::size_t levels = 2;
  std::size_t bits = 8;  // 2^bits entries for each level; levels * bits is 24 at most
  // A search for k cells follows k * beam_factor sums from level to level; negative: all, and is exact.
  float beam_factor = kDefaultBeamFactor;
};

std::shared_ptr<const ImplicitCentroids> make_residual_levels(std::size_t dim, Metric metric,
                                                              const ResidualLevelsOptions& options = {});

}  // namespace knear
