// Scans behind a filter: what passes it is ranked by the canonical distance, which alone decides.
//
// A Filter is made for a batch of queries and has
//   run(block, sink): for every query and code of the block that may have a canonical distance <=
//   sink.threshold(query):
//     sink.take(query, position in the block, row as float32 or null, interval around the distance).
// It may ask sink.ranked(): pairs ranked so far.
#pragma once

#include <cmath>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "codec/candidates.h"
#include "codec/ranker.h"
#include "core/hit_sort.h"
#include "core/row_set.h"
#include "knear/codec.h"

namespace knear {

// The queries, float32, outlive the filter.
template <class Filter>
using MakeFilter = std::function<std::unique_ptr<Filter>(MatrixView queries)>;

template <class Filter>
class FilteredKnn final : public Scan {
 public:
  FilteredKnn(const Codec& codec, MakeFilter<Filter> make, MatrixView queries, std::size_t k, const SlotTable& table)
      : FilteredKnn(codec, std::move(make), RowSet(queries).floats(), k, table) {}
  // The queries are float32.
  FilteredKnn(const Codec& codec, MakeFilter<Filter> make, Matrix queries, std::size_t k, const SlotTable& table)
      : make_(std::move(make)), queries_(std::move(queries)), filter_(make_(queries_)), ranker_(codec), table_(table) {
    common_.k = k;
    common_.rank = [this](std::size_t q, std::span<const Slot> slots, std::span<Hit> hits) {
      ranker_.rank(queries_.floats() + q * queries_.dim(), table_, slots, hits);
    };
    for (std::size_t q = 0; q < queries_.rows(); ++q) {
      active_.push_back(q);
      candidates_.emplace_back(q, common_);
    }
  }

  void sampled(double share) override {
    common_.share = may_guess_ ? share : 1;
    if (share < tighten_at_) return;
    tighten_at_ *= kTightenings;
    for (const std::size_t q : active_) candidates_[q].tighten();
  }

  void limit(std::span<const double> limits) override {
    for (std::size_t q = 0; q < candidates_.size(); ++q) candidates_[q].limit(limits[q]);
  }

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
    filter_.reset();
    active_rows_ = active_rows();
    filter_ = make_(active_rows_);
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

  void finish_unranked(std::span<std::vector<Hit>> hits) override {
    for (std::size_t q = 0; q < candidates_.size(); ++q) {
      hits[q] = candidates_[q].finish_unranked(table_);
      ranked_ += candidates_[q].ranked();
    }
  }

  std::uint64_t reranked() const noexcept override { return ranked_; }

  std::size_t ranked() const noexcept {
    std::size_t ranked = 0;
    for (const std::size_t q : active_) ranked += candidates_[q].ranked();
    return ranked;
  }
  // What the filter asks and gives; it counts the active queries.
  double threshold(std::size_t q) const noexcept { return candidates_[active_[q]].threshold(); }
  void take(std::size_t q, std::size_t position, const float*, Interval interval) {
    if (block_->allows(position)) candidates_[active_[q]].push(block_->slot(position), interval);
  }

 private:
  Matrix active_rows() const {
    const std::size_t dim = queries_.dim();
    Matrix rows(DType::f32, active_.size(), dim);
    for (std::size_t i = 0; i < active_.size(); ++i) {
      std::copy_n(queries_.floats() + active_[i] * dim, dim, rows.floats() + i * dim);
    }
    return rows;
  }

  MakeFilter<Filter> make_;
  Matrix queries_;
  Matrix active_rows_;  // of those that start again
  std::unique_ptr<Filter> filter_;
  Ranker ranker_;
  const SlotTable& table_;
  Candidates::Common common_;
  static constexpr double kTightenings = 4;  // the share grows by so much from one to the next
  double tighten_at_ = 1.0 / 32;
  bool may_guess_ = true;
  std::uint64_t ranked_ = 0;
  std::vector<std::size_t> active_;
  std::vector<Candidates> candidates_;
  const CodeBlock* block_ = nullptr;
};

template <class Filter>
class FilteredRange final : public Scan {
 public:
  FilteredRange(const Codec& codec, const MakeFilter<Filter>& make, MatrixView queries, double radius,
                const SlotTable& table)
      : FilteredRange(codec, make, RowSet(queries).floats(), radius, table) {}
  // The queries are float32.
  FilteredRange(const Codec& codec, const MakeFilter<Filter>& make, Matrix queries, double radius,
                const SlotTable& table)
      : queries_(std::move(queries)),
        filter_(make(queries_)),
        ranker_(codec),
        table_(table),
        radius_(radius),
        found_(queries_.rows()) {}

  void block(const CodeBlock& block) override {
    block_ = &block;
    filter_->run(block, *this);
  }

  void finish(std::span<std::vector<Hit>> hits) override {
    for (std::size_t q = 0; q < found_.size(); ++q) {
      sort_hits(found_[q]);
      hits[q] = std::move(found_[q]);
    }
  }

  std::uint64_t reranked() const noexcept override { return ranked_; }

  std::size_t ranked() const noexcept { return ranked_; }
  double threshold(std::size_t) const noexcept { return radius_; }
  // Ranked at once: the row is in cache.
  void take(std::size_t q, std::size_t position, const float* row, Interval) {
    if (!block_->allows(position)) return;
    const float* query = queries_.floats() + q * queries_.dim();
    const Slot slot = block_->slot(position);
    Hit hit;
    if (row) {
      ranker_.distances(query, std::span(&row, 1), &hit.distance);
      hit.id = table_.id(slot);
    } else {
      ranker_.rank(query, table_, std::span(&slot, 1), std::span(&hit, 1));
    }
    ++ranked_;
    if (hit.distance < radius_) found_[q].push_back(hit);
  }

 private:
  Matrix queries_;
  std::unique_ptr<Filter> filter_;
  Ranker ranker_;
  const SlotTable& table_;
  double radius_;
  std::uint64_t ranked_ = 0;
  std::vector<std::vector<Hit>> found_;
  const CodeBlock* block_ = nullptr;
};

}  // namespace knear
