#include <algorithm>
#include <cmath>

#include "codec/batch_filter.h"
#include "codec/candidates.h"
#include "codec/flat_scan.h"
#include "codec/ranker.h"

namespace knear {
namespace {

class FilteredKnn final : public Scan {
 public:
  FilteredKnn(Metric metric, DType dtype, MatrixView queries, std::size_t k, const SlotTable& table)
      : filter_(metric, dtype, queries), ranker_(metric, dtype, queries.dim()) {
    rank_ = [this, &table](std::size_t q, std::span<const Slot> slots, std::span<Hit> hits) {
      ranker_.rank(filter_.query(q), table, slots, hits);
    };
    candidates_.reserve(queries.rows());
    for (std::size_t q = 0; q < queries.rows(); ++q) candidates_.emplace_back(q, k, rank_);
  }

  void block(const CodeBlock& block) override {
    block_ = &block;
    filter_.run(block, *this);
  }

  void finish(std::span<std::vector<Hit>> hits) override {
    for (std::size_t q = 0; q < candidates_.size(); ++q) hits[q] = candidates_[q].finish();
  }

  std::uint64_t reranked() const noexcept override {
    std::uint64_t total = 0;
    for (const Candidates& candidates : candidates_) total += candidates.ranked();
    return total;
  }

  // What the filter asks and gives.
  double threshold(std::size_t q) const noexcept { return candidates_[q].threshold(); }
  void take(std::size_t q, std::size_t position, const float*, Interval interval) {
    candidates_[q].push(block_->slot(position), interval);
  }

 private:
  BatchFilter filter_;
  Ranker ranker_;
  RankFn rank_;
  std::vector<Candidates> candidates_;
  const CodeBlock* block_ = nullptr;
};

class FilteredRange final : public Scan {
 public:
  FilteredRange(Metric metric, DType dtype, MatrixView queries, double radius, const SlotTable& table)
      : filter_(metric, dtype, queries),
        ranker_(metric, dtype, queries.dim()),
        table_(table),
        radius_(radius),
        found_(queries.rows()) {}

  void block(const CodeBlock& block) override {
    block_ = &block;
    filter_.run(block, *this);
  }

  void finish(std::span<std::vector<Hit>> hits) override {
    for (std::size_t q = 0; q < found_.size(); ++q) {
      std::sort(found_[q].begin(), found_[q].end());
      hits[q] = std::move(found_[q]);
    }
  }

  std::uint64_t reranked() const noexcept override { return ranked_; }

  double threshold(std::size_t) const noexcept { return radius_; }
  // Ranked at once: the row is in cache.
  void take(std::size_t q, std::size_t position, const float* row, Interval) {
    double distance = 0;
    ranker_.distances(filter_.query(q), std::span(&row, 1), &distance);
    ++ranked_;
    if (distance < radius_) found_[q].push_back({distance, table_.id(block_->slot(position))});
  }

 private:
  BatchFilter filter_;
  Ranker ranker_;
  const SlotTable& table_;
  double radius_;
  std::uint64_t ranked_ = 0;
  std::vector<std::vector<Hit>> found_;
  const CodeBlock* block_ = nullptr;
};

}  // namespace

std::unique_ptr<Scan> make_filtered_knn(Metric metric, DType dtype, MatrixView queries, std::size_t k,
                                        const SlotTable& table) {
  return std::make_unique<FilteredKnn>(metric, dtype, queries, k, table);
}

std::unique_ptr<Scan> make_filtered_range(Metric metric, DType dtype, MatrixView queries, double radius,
                                          const SlotTable& table) {
  return std::make_unique<FilteredRange>(metric, dtype, queries, radius, table);
}

}  // namespace knear
