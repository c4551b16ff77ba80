#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstring>
#include <limits>
#include <numeric>

#include "core/call_limits.h"
#include "core/check.h"
#include "core/same_shape.h"
#include "io/container.h"
#include "knear/wrap.h"
#include "metric/finite_rows.h"
#include "wrap/search_sums.h"

namespace knear {
namespace {

constexpr float kMostKFactor = 1e6f;
constexpr int kFreeRounds = 3;  // of a search, before it makes writers wait
constexpr const char* kBasePrefix = "base.";
constexpr const char* kRefinePrefix = "refine.";

using Clock = std::chrono::steady_clock;

void require_k_factor(float k_factor) {
  require(k_factor >= 1 && k_factor < kMostKFactor, "k_factor = ", k_factor, ": it is from 1 to below ", kMostKFactor);
}

std::vector<Id> sorted_ids(const Index& index) {
  std::vector<Id> ids = index.ids();
  std::sort(ids.begin(), ids.end());
  return ids;
}

std::size_t distinct(std::vector<Id> ids) {
  std::sort(ids.begin(), ids.end());
  return static_cast<std::size_t>(std::unique(ids.begin(), ids.end()) - ids.begin());
}

// Rows and ids of an add, without the rows that hold NaN or Inf.
struct GoodRows {
  Matrix rows;
  std::vector<Id> ids;

  GoodRows(MatrixView all, std::span<const Id> all_ids, std::size_t first_bad) {
    const std::vector<std::size_t> good = good_rows(all, first_bad);
    rows = Matrix(all.dtype(), good.size(), all.dim());
    const std::size_t row_bytes = all.dim() * bytes_of(all.dtype());
    for (std::size_t i = 0; i < good.size(); ++i) {
      std::memcpy(rows.data() + i * row_bytes, all.row(good[i]), row_bytes);
      if (!all_ids.empty()) ids.push_back(all_ids[good[i]]);
    }
  }
};

RangeNeighbors within(const RangeNeighbors& all, float radius, Metric metric) {
  RangeNeighbors some{{0}, {}, {}};
  for (std::size_t q = 0; q + 1 < all.limits.size(); ++q) {
    for (std::size_t i = all.limits[q]; i < all.limits[q + 1]; ++i) {
      if (larger_is_closer(metric) ? all.distances[i] <= radius : all.distances[i] >= radius) continue;
      some.distances.push_back(all.distances[i]);
      some.ids.push_back(all.ids[i]);
    }
    some.limits.push_back(some.ids.size());
  }
  return some;
}

}  // namespace

RefineIndex::RefineIndex(std::shared_ptr<Index> base, std::shared_ptr<Index> refine, float k_factor)
    : Index(base->dim(), base->metric()), base_(std::move(base)), refine_(std::move(refine)), k_factor_(k_factor) {
  require(base_ != refine_, "the base and the index that ranks again are the same object");
  require(refine_->dim() == dim(), "the base has ", dim(), " dimensions, the index that ranks again ", refine_->dim());
  require(refine_->metric() == metric(), "the base has the metric ", text_of(metric()), ", the index that ranks again ",
          text_of(refine_->metric()));
  require(!dynamic_cast<RefineIndex*>(base_.get()), "the base ranks again already: ", base_->spec());
  require(sorted_ids(*base_) == sorted_ids(*refine_), "the base holds ", base_->size(),
          " rows, the index that ranks again ", refine_->size(), ": the same ids are needed");
  require_k_factor(k_factor);
  refine_->expect_ranks_only();
}

RefineIndex::~RefineIndex() = default;

void RefineIndex::set_k_factor(float k_factor) {
  require_k_factor(k_factor);
  k_factor_ = k_factor;
}

DType RefineIndex::dtype() const noexcept { return refine_->dtype(); }
std::size_t RefineIndex::size() const noexcept { return refine_->size(); }
bool RefineIndex::is_trained() const noexcept { return base_->is_trained() && refine_->is_trained(); }
Id RefineIndex::next_id() const { return std::max(base_->next_id(), refine_->next_id()); }

std::string RefineIndex::spec() const {
  const std::string fine = refine_->spec();
  const std::string text = base_->spec() + (fine == "Flat" ? ",RFlat" : ",Refine(" + fine + ")");
  const float k_factor = k_factor_;
  return k_factor == kDefaultKFactor ? text : concat(text, ",k_factor=", k_factor);
}

Capabilities RefineIndex::capabilities() const {
  const Capabilities base = base_->capabilities();
  const Capabilities fine = refine_->capabilities();
  return {.exact = base.exact && fine.exact,
          .needs_training = base.needs_training || fine.needs_training,
          .fast_remove = base.fast_remove && fine.fast_remove,
          .fast_range_search = base.fast_range_search,
          .fast_filter = base.fast_filter,
          .mmap = base.mmap && fine.mmap,
          .keeps_rows = fine.keeps_rows};
}

IndexStats RefineIndex::stats() const {
  IndexStats both = refine_->stats();
  const IndexStats base = base_->stats();
  both.removed_slots += base.removed_slots;
  both.code_bytes += base.code_bytes;
  both.memory_bytes += base.memory_bytes;
  both.mapped_bytes += base.mapped_bytes;
  return both;
}

Report RefineIndex::verify() const {
  const std::lock_guard lock(writer_mutex_);
  Report report;
  for (const auto& [prefix, part] : {std::pair(kBasePrefix, base_.get()), std::pair(kRefinePrefix, refine_.get())}) {
    for (const std::string& problem : part->verify().problems) report.problems.push_back(prefix + (" " + problem));
  }
  if (sorted_ids(*base_) != sorted_ids(*refine_)) {
    report.problems.push_back(concat("the base holds ", base_->size(), " rows, the index that ranks again ",
                                     refine_->size(), ", and their ids are not the same"));
  }
  report.ok = report.problems.empty();
  return report;
}

std::size_t RefineIndex::code_bytes() const { return base_->code_bytes() + refine_->code_bytes(); }

// While writers are at work elsewhere, the two parts of another index might not hold the same rows.
void RefineIndex::write_merged(SectionWriter& writer, Others others, const MergeOptions& options) const {
  std::vector<const RefineIndex*> all = same_shape(*this, others);
  std::vector<const Index*> bases;
  std::vector<const Index*> fines;
  for (const RefineIndex* other : all) {
    bases.push_back(other->base_.get());
    fines.push_back(other->refine_.get());
  }
  all.push_back(this);
  std::sort(all.begin(), all.end());
  std::vector<std::unique_lock<std::mutex>> locks;
  locks.reserve(all.size());
  for (const RefineIndex* index : all) locks.emplace_back(index->writer_mutex_);
  PrefixedWriter base(writer, kBasePrefix);
  base_->write_merged(base, bases, options);
  PrefixedWriter fine(writer, kRefinePrefix);
  refine_->write_merged(fine, fines, options);
}

void RefineIndex::read(const Container& container) {
  base_->read(container.part(kBasePrefix));
  refine_->read(container.part(kRefinePrefix));
}

void RefineIndex::train_rows(MatrixView rows, const TrainOptions& options) {
  const auto start = Clock::now();
  const std::lock_guard lock(writer_mutex_);
  refine_->train(rows, options);
  base_->train(rows, {remaining(options.run, start), options.warnings});
}

// The base has its codes ready when the finer index begins, and shows them when that has succeeded. Which ids are new
// is up to the finer index; the base replaces what it holds.
std::size_t RefineIndex::add_rows(MatrixView rows, const AddOptions& options) {
  const auto start = Clock::now();
  const std::lock_guard lock(writer_mutex_);
  const bool keep = options.nan_policy == NanPolicy::keep;
  const std::size_t bad = keep ? rows.rows() : first_bad_row(rows, options.run);
  require(bad == rows.rows() || options.nan_policy == NanPolicy::skip, "row ", bad, " holds NaN or Inf");
  std::vector<Id> ids(options.ids.begin(), options.ids.end());
  Matrix good;
  if (bad != rows.rows()) {
    GoodRows some(rows, options.ids, bad);
    good = std::move(some.rows);
    rows = good;
    ids = std::move(some.ids);
  }
  if (rows.rows() == 0) return 0;
  if (ids.empty() && base_->next_id() != refine_->next_id()) {
    require(static_cast<std::size_t>(std::numeric_limits<Id>::max() - next_id()) >= rows.rows(), "no ids left for ",
            rows.rows(), " rows after id ", next_id() - 1);
    ids.resize(rows.rows());
    std::iota(ids.begin(), ids.end(), next_id());
  }
  AddOptions to_base = options;
  to_base.ids = ids;
  AddOptions to_fine = to_base;
  if (options.on_duplicate == OnDuplicate::error) to_base.on_duplicate = OnDuplicate::replace;
  to_base.run = remaining(options.run, start);
  to_base.on_commit = [&] {
    to_fine.run = remaining(options.run, start);
    refine_->add(rows, to_fine);
  };
  return base_->add(rows, to_base);
}

void RefineIndex::update_rows(std::span<const Id> ids, MatrixView rows, const AddOptions& options) {
  const auto start = Clock::now();
  const std::lock_guard lock(writer_mutex_);
  AddOptions to_base = options;
  AddOptions to_fine = to_base;
  to_base.run = remaining(options.run, start);
  to_base.on_commit = [&] {
    to_fine.run = remaining(options.run, start);
    refine_->update(ids, rows, to_fine);
  };
  base_->update(ids, rows, to_base);
}

void RefineIndex::merge_rows(const Index& other, const MergeOptions& options) {
  const auto* theirs = dynamic_cast<const RefineIndex*>(&other);
  require(theirs != nullptr, "cannot merge an index of another shape: ", other.spec(), " into ", spec());
  const auto start = Clock::now();
  const std::scoped_lock lock(writer_mutex_, theirs->writer_mutex_);
  if (options.ids == MergeIds::shift && base_->next_id() != refine_->next_id()) {
    fail(Error::wrong_state, "the base would shift ids by ", base_->next_id(), ", the index that ranks again by ",
         refine_->next_id(), ": merge with the ids as they are");
  }
  MergeOptions to_base = options;
  MergeOptions to_fine = options;
  if (options.on_duplicate == OnDuplicate::error) to_base.on_duplicate = OnDuplicate::replace;
  to_base.on_commit = [&] {
    to_fine.run = remaining(options.run, start);
    refine_->merge(*theirs->refine_, to_fine);
  };
  base_->merge(*theirs->base_, to_base);
}

// What is gone from the finer index is no result any more, whatever happens to the base.
std::size_t RefineIndex::remove_ids(std::span<const Id> ids) {
  const std::lock_guard lock(writer_mutex_);
  const std::size_t gone = refine_->remove(ids);
  base_->remove(ids);
  return gone;
}

// A selector is asked once for each id: it might not answer the same twice.
std::size_t RefineIndex::remove_selected(const Selector& selector) {
  std::vector<Id> ids = refine_->ids();
  std::erase_if(ids, [&](Id id) { return !selector.contains(id); });
  return remove_ids(ids);
}

void RefineIndex::remove_all() {
  const std::lock_guard lock(writer_mutex_);
  refine_->clear();
  base_->clear();
}

// One search: the base's candidates, ranked.
struct RefineIndex::Round {
  RangeNeighbors ranked;
  bool complete = true;  // no result was lost because rows went while it ran
};

RefineIndex::Round RefineIndex::search_round(MatrixView queries, std::size_t k, const SearchOptions& options) const {
  const auto start = Clock::now();
  const float k_factor = options.k_factor == 0 ? k_factor_.load() : options.k_factor;
  const double wanted = std::max(static_cast<double>(k), std::ceil(double{static_cast<float>(k) * k_factor}));
  const auto most = static_cast<double>(std::max<std::size_t>(1, base_->size()));
  SearchStats stats;
  SearchOptions of_base = options;
  of_base.k_factor = 0;
  of_base.ranked = false;
  of_base.stats = &stats;
  const Neighbors found = base_->search(queries, static_cast<std::size_t>(std::min(wanted, most)), of_base);
  std::vector<std::vector<Id>> candidates(queries.rows());
  for (std::size_t q = 0; q < queries.rows(); ++q) {
    const auto first = found.ids.begin() + static_cast<std::ptrdiff_t>(q * found.k);
    candidates[q].assign(first, first + static_cast<std::ptrdiff_t>(found.counts[q]));
    stats.rows_reranked += found.counts[q];
  }
  Round round{refine_->rank(queries, candidates, k, remaining(options.run, start))};
  for (std::size_t q = 0; q < queries.rows() && round.complete; ++q) {
    const std::size_t results = round.ranked.limits[q + 1] - round.ranked.limits[q];
    if (results < std::min(k, candidates[q].size())) round.complete = results >= std::min(k, distinct(candidates[q]));
  }
  add_to(options.stats, stats);
  return round;
}

// Rows that go between the two steps may leave too few results: then it looks again, at last without writers.
void RefineIndex::search_rows(MatrixView queries, std::size_t k, float* distances, Id* ids, std::size_t* counts,
                              const SearchOptions& options) const {
  if (options.k_factor != 0) require_k_factor(options.k_factor);
  const auto start = Clock::now();
  SearchOptions rest = options;
  Round round = search_round(queries, k, rest);
  for (int rounds = 1; !round.complete; ++rounds) {
    rest.run = remaining(options.run, start);
    const bool last = rounds == kFreeRounds;
    std::unique_lock lock(writer_mutex_, std::defer_lock);
    if (last) lock.lock();
    round = search_round(queries, k, rest);
    if (last) break;
  }
  std::fill_n(distances, queries.rows() * k, worst_value(metric()));
  std::fill_n(ids, queries.rows() * k, kNoId);
  for (std::size_t q = 0; q < queries.rows(); ++q) {
    const std::size_t first = round.ranked.limits[q];
    const std::size_t count = round.ranked.limits[q + 1] - first;
    std::copy_n(round.ranked.distances.data() + first, count, distances + q * k);
    std::copy_n(round.ranked.ids.data() + first, count, ids + q * k);
    if (counts) counts[q] = count;
  }
}

RangeNeighbors RefineIndex::range_rows(MatrixView queries, float radius, const SearchOptions& options) const {
  const auto start = Clock::now();
  SearchStats stats;
  SearchOptions of_base = options;
  of_base.k_factor = 0;  // a range search takes all that the base finds
  of_base.stats = &stats;
  const RangeNeighbors found = base_->range_search(queries, radius, of_base);
  std::vector<std::vector<Id>> candidates(queries.rows());
  for (std::size_t q = 0; q < queries.rows(); ++q) {
    candidates[q].assign(found.ids.begin() + static_cast<std::ptrdiff_t>(found.limits[q]),
                         found.ids.begin() + static_cast<std::ptrdiff_t>(found.limits[q + 1]));
  }
  stats.rows_reranked += found.ids.size();
  add_to(options.stats, stats);
  constexpr std::size_t kAll = std::numeric_limits<std::size_t>::max();
  return within(refine_->rank(queries, candidates, kAll, remaining(options.run, start)), radius, metric());
}

RangeNeighbors RefineIndex::rank_rows(MatrixView queries, std::span<const std::vector<Id>> candidates, std::size_t k,
                                      const RunOptions& options) const {
  return refine_->rank(queries, candidates, k, options);
}

bool RefineIndex::has_id(Id id) const { return refine_->contains(id); }
std::vector<Id> RefineIndex::list_ids() const { return refine_->ids(); }

void RefineIndex::get_rows(std::span<const Id> ids, float* rows) const {
  const Matrix kept = refine_->get(ids);
  std::copy_n(kept.floats(), ids.size() * dim(), rows);
}

void RefineIndex::encode_rows(MatrixView rows, Byte* codes, const RunOptions& options) const {
  const auto start = Clock::now();
  const std::vector<Byte> coarse = base_->encode(rows, options);
  const std::vector<Byte> fine = refine_->encode(rows, remaining(options, start));
  const std::size_t coarse_bytes = base_->code_bytes();
  const std::size_t fine_bytes = refine_->code_bytes();
  for (std::size_t i = 0; i < rows.rows(); ++i) {
    codes = std::copy_n(coarse.data() + i * coarse_bytes, coarse_bytes, codes);
    codes = std::copy_n(fine.data() + i * fine_bytes, fine_bytes, codes);
  }
}

void RefineIndex::decode_codes(const Byte* codes, std::size_t n, float* rows, const RunOptions& options) const {
  const std::size_t fine_bytes = refine_->code_bytes();
  std::vector<Byte> fine(n * fine_bytes);
  for (std::size_t i = 0; i < n; ++i) {
    std::copy_n(codes + i * code_bytes() + base_->code_bytes(), fine_bytes, fine.data() + i * fine_bytes);
  }
  const Matrix kept = refine_->decode(fine, options);
  std::copy_n(kept.floats(), n * dim(), rows);
}

}  // namespace knear
