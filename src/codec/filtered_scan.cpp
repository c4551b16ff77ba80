#include <algorithm>
#include <cmath>

#include "codec/batch_filter.h"
#include "codec/candidates.h"
#include "codec/decoded_scan.h"
#include "codec/ranker.h"
#include "core/hit_sort.h"

namespace knear {
namespace {

Matrix rows_of(const Matrix& rows, const std::vector<std::size_t>& which) {
  Matrix some(DType::f32, which.size(), rows.dim());
  for (std::size_t i = 0; i < which.size(); ++i) {
    std::copy_n(rows.floats() + which[i] * rows.dim(), rows.dim(), some.floats() + i * rows.dim());
  }
  return some;
}

class FilteredKnn final : public Scan {
 public:
  FilteredKnn(const Codec& codec, MatrixView queries, std::size_t k, const SlotTable& table)
      : codec_(codec),
        queries_(DType::f32, queries.rows(), queries.dim()),
        filter_(std::make_unique<BatchFilter>(codec, queries)),
        ranker_(codec) {
    common_.k = k;
    common_.rank = [this, &table](std::size_t q, std::span<const Slot> slots, std::span<Hit> hits) {
      ranker_.rank(queries_.floats() + q * queries_.dim(), table, slots, hits);
    };
    for (std::size_t q = 0; q < queries.rows(); ++q) {
      queries.copy_row(q, queries_.floats() + q * queries.dim());
      active_.push_back(q);
      candidates_.emplace_back(q, common_);
    }
  }

  void sampled(double share) override { common_.share = may_guess_ ? share : 1; }

  void block(const CodeBlock& block) override {
    block_ = &block;
    filter_->run(block, *this);
  }

  // Queries whose guess failed start again, alone and without guessing.
  bool settled() override {
    std::vector<std::size_t> failed;
    for (const std::size_t q : active_) {
      if (!candidates_[q].sound()) failed.push_back(q);
    }
    if (failed.empty()) return true;
    may_guess_ = false;
    common_.share = 1;
    active_ = std::move(failed);
    filter_ = std::make_unique<BatchFilter>(codec_, rows_of(queries_, active_));
    for (const std::size_t q : active_) {
      ranked_ += candidates_[q].ranked();
      candidates_[q] = Candidates(q, common_);
    }
    return false;
  }

  void finish(std::span<std::vector<Hit>> hits) override {
    for (std::size_t q = 0; q < candidates_.size(); ++q) {
      hits[q] = candidates_[q].finish();
      ranked_ += candidates_[q].ranked();
    }
  }

  std::uint64_t reranked() const noexcept override { return ranked_; }

  // What the filter asks and gives; it counts the active queries.
  double threshold(std::size_t q) const noexcept { return candidates_[active_[q]].threshold(); }
  void take(std::size_t q, std::size_t position, const float*, Interval interval) {
    if (block_->allows(position)) candidates_[active_[q]].push(block_->slot(position), interval);
  }

 private:
  const Codec& codec_;
  Matrix queries_;
  std::unique_ptr<BatchFilter> filter_;
  Ranker ranker_;
  Candidates::Common common_;
  bool may_guess_ = true;
  std::uint64_t ranked_ = 0;
  std::vector<std::size_t> active_;
  std::vector<Candidates> candidates_;
  const CodeBlock* block_ = nullptr;
};

class FilteredRange final : public Scan {
 public:
  FilteredRange(const Codec& codec, MatrixView queries, double radius, const SlotTable& table)
      : filter_(codec, queries), ranker_(codec), table_(table), radius_(radius), found_(queries.rows()) {}

  void block(const CodeBlock& block) override {
    block_ = &block;
    filter_.run(block, *this);
  }

  void finish(std::span<std::vector<Hit>> hits) override {
    for (std::size_t q = 0; q < found_.size(); ++q) {
      sort_hits(found_[q]);
      hits[q] = std::move(found_[q]);
    }
  }

  std::uint64_t reranked() const noexcept override { return ranked_; }

  double threshold(std::size_t) const noexcept { return radius_; }
  // Ranked at once: the row is in cache.
  void take(std::size_t q, std::size_t position, const float* row, Interval) {
    if (!block_->allows(position)) return;
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

std::unique_ptr<Scan> make_filtered_knn(const Codec& codec, MatrixView queries, std::size_t k, const SlotTable& table) {
  return std::make_unique<FilteredKnn>(codec, queries, k, table);
}

std::unique_ptr<Scan> make_filtered_range(const Codec& codec, MatrixView queries, double radius,
                                          const SlotTable& table) {
  return std::make_unique<FilteredRange>(codec, queries, radius, table);
}

}  // namespace knear
