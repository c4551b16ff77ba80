// Many centroids made of few: each is a combination of one entry of each of several codebooks, and none is stored.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "codec/ranker.h"
#include "knear/hit.h"
#include "knear/params.h"
#include "knear/partition.h"
#include "metric/panels.h"

namespace knear {

class ByteSink;
struct Stage;

// Finds cells for one query after the other. Queries are finite; distances canonical, smaller is closer. One thread
// uses it.
class CellSearch {
 public:
  virtual ~CellSearch() = default;
  // The k nearest that the selector allows (null: all), nearest first; of equal distances the first.
  virtual std::vector<Hit> nearest(const float* query, std::size_t k, const Selector* selector) = 0;
  // All closer than the radius, in any order.
  virtual std::vector<Hit> within(const float* query, double radius, const Selector* selector) = 0;
};

// Cell c is made of entry (c >> m * bits) % 2^bits of each codebook m. Once trained it never changes, so many threads
// may use it.
class ImplicitCentroids {
 public:
  virtual ~ImplicitCentroids() = default;

  std::size_t dim() const noexcept { return dim_; }
  Metric metric() const noexcept { return metric_; }
  std::size_t books() const noexcept { return books_; }
  std::size_t bits() const noexcept { return bits_; }
  std::size_t entries() const noexcept { return std::size_t{1} << bits_; }  // of each codebook
  std::size_t cells() const noexcept { return std::size_t{1} << (books_ * bits_); }
  std::size_t code_bytes() const noexcept { return (books_ * bits_ + 7) / 8; }  // of a cell's number
  std::size_t width() const noexcept { return width_; }                         // floats of an entry
  const float* entry(std::size_t book, std::size_t number) const noexcept {
    return table_.data() + (book * entries() + number) * width_;
  }
  std::size_t entry_of(std::size_t cell, std::size_t book) const noexcept {
    return cell >> (book * bits_) & (entries() - 1);
  }
  // What every query needs of a codebook.
  struct Book {
    Panels products;            // with all entries
    std::vector<double> norms;  // their squared lengths
    double longest;             // the largest length
  };
  const Book& book(std::size_t number) const noexcept { return ready_[number]; }
  virtual std::string spec() const = 0;
  // Does a search find exactly the nearest cells?
  virtual bool exact() const noexcept { return true; }
  virtual void centroid(std::size_t cell, float* out) const = 0;
  virtual std::unique_ptr<CellSearch> make_search() const = 0;
  // Of each row the nearest cell; cell 0 of rows with NaN or Inf.
  std::vector<std::uint32_t> assign(MatrixView rows, const RunOptions& run) const;
  virtual std::size_t memory_bytes() const noexcept;

  bool is_trained() const noexcept { return !table_.empty(); }
  // The same with codebooks that these rows teach. Error::invalid_argument when they are fewer than a codebook has
  // entries.
  std::shared_ptr<const ImplicitCentroids> trained(MatrixView rows, const TrainOptions& options) const;
  void write(ByteSink& sink) const;
  std::shared_ptr<const ImplicitCentroids> read(std::span<const Byte> bytes, const std::string& what) const;

 protected:
  struct Shape {
    std::size_t books;
    std::size_t bits;
    std::size_t width;
  };
  ImplicitCentroids(std::size_t dim, Metric metric, const Shape& shape);
  void take(std::vector<float> table);

  virtual std::vector<float> learn(MatrixView rows, const TrainOptions& options) const = 0;
  virtual std::shared_ptr<const ImplicitCentroids> with(std::vector<float> table) const = 0;
  virtual void assign_finite(MatrixView rows, std::span<std::uint32_t> cells, const RunOptions& run) const;

 private:
  std::size_t dim_;
  Metric metric_;
  std::size_t books_;
  std::size_t bits_;
  std::size_t width_;
  std::vector<float> table_;  // book x entry x width; empty: not trained
  std::vector<Book> ready_;
};

// The canonical distance of a query to centroids. One thread uses it.
class CellRanker {
 public:
  explicit CellRanker(const ImplicitCentroids& centroids);
  double distance(const float* query, std::size_t cell);

 private:
  const ImplicitCentroids& centroids_;
  std::unique_ptr<Codec> codec_;
  Ranker ranker_;
  std::vector<float> row_;
};

// What (parts of) a query have to do with all entries of all codebooks: squared distances, or inner products, negated.
// One thread uses it.
class EntryDistances {
 public:
  // Book m meets the query from element m * step on.
  EntryDistances(const ImplicitCentroids& centroids, Metric metric, std::size_t step);
  // At [m * entries + c]; until the next query.
  std::span<const double> of(const float* query);
  // By how much a sum of one of them for each book may be off.
  double error() const noexcept { return error_; }

 private:
  void fill_fast(std::size_t m, const float* part, double length);
  void fill_canonical(std::size_t m, const float* part);

  const ImplicitCentroids& centroids_;
  std::unique_ptr<Codec> codec_;
  Ranker ranker_;
  std::size_t step_;
  bool squares_;
  std::vector<float> products_;
  std::vector<double> values_;
  double error_ = 0;
};

// How far a float64 sum of `terms` numbers may be off, relative to the sum of their magnitudes; of several such sums
// one after the other, and generously.
inline double relative_error(std::size_t terms) { return 4 * 0x1p-53 * static_cast<double>(terms + 64); }
double length_of(const float* row, std::size_t dim);

// What a stage of a factory string says of implicit centroids: "IMI2x8", "RCQ2x8,beam_factor=8"; none when it is
// something else.
struct ImplicitStage {
  std::size_t cells;
  std::size_t entries;  // of a codebook
  std::function<std::shared_ptr<const ImplicitCentroids>(std::size_t dim, Metric metric)> make;
};
std::optional<ImplicitStage> read_implicit(const Stage& stage);

// The beginning of a partition's spec: "IVF100", "IVF65536(RCQ2x8)", "IMI2x8".
std::string text_of_cells(std::size_t nlist, const std::string& coarse);

}  // namespace knear
