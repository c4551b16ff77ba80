// Combinations as an index: what every index can do, but for changes of single rows.
#include <algorithm>
#include <chrono>
#include <cmath>
#include <mutex>
#include <numeric>

#include "core/call_limits.h"
#include "core/check.h"
#include "core/hit_sort.h"
#include "core/parallel_for.h"
#include "core/results.h"
#include "io/byte_fields.h"
#include "io/container.h"
#include "metric/finite_rows.h"
#include "partition/implicit_centroids.h"

namespace knear {
namespace {

constexpr std::uint32_t kVersion = 1;  // 1: first
constexpr std::size_t kTaskQueries = 16;

[[noreturn]] void refuse(const Index& index, const char* what) {
  fail(Error::unsupported, "the rows of ", index.spec(), " are combinations of what it learned: they cannot be ", what);
}

void require_plain(const SearchOptions& options, const Index& index) {
  const bool none = options.k_factor == 0 && options.nprobe == 0 && options.max_codes == 0 && options.ef_search == 0;
  if (none && !options.pq) return;
  fail(Error::invalid_argument,
       "nprobe, max_codes, ef_search, k_factor and other distances are for other indexes, not for ", index.spec());
}

bool is_good(MatrixView query) { return first_bad_row(query, {.num_threads = 1}) == query.rows(); }

// find(search, query, selector) gives the hits of each finite query.
template <class Find>
std::vector<std::vector<Hit>> hits_of(const ImplicitCentroids& centroids, MatrixView queries,
                                      const SearchOptions& options, const Find& find) {
  std::vector<std::vector<Hit>> hits(queries.rows());
  ProgressMeter meter(options.run, "search", queries.rows());
  parallel_for((queries.rows() + kTaskQueries - 1) / kTaskQueries, options.run, [&](std::size_t task, std::size_t) {
    const auto search = centroids.make_search();
    std::vector<float> query(queries.dim());
    for (std::size_t q = task * kTaskQueries; q < std::min(queries.rows(), (task + 1) * kTaskQueries); ++q) {
      if (is_good(queries.slice(q, 1))) {
        queries.copy_row(q, query.data());
        hits[q] = find(*search, query.data(), (options.filters.empty() ? options.filter : options.filters[q]).get());
      }
      meter.advance(1);
    }
  });
  meter.finish();
  return hits;
}

}  // namespace

ImplicitIndex::ImplicitIndex(std::shared_ptr<const ImplicitCentroids> centroids)
    : Index(centroids->dim(), centroids->metric()), centroids_(std::move(centroids)) {}

ImplicitIndex::~ImplicitIndex() = default;

std::shared_ptr<const ImplicitCentroids> ImplicitIndex::centroids() const {
  std::shared_lock lock(mutex_);
  return centroids_;
}

void ImplicitIndex::set_centroids(std::shared_ptr<const ImplicitCentroids> centroids) {
  require(centroids->spec() == spec() && centroids->dim() == dim() && centroids->metric() == metric(), "centroids of ",
          centroids->spec(), " are none of ", spec());
  std::unique_lock lock(mutex_);
  centroids_ = std::move(centroids);
}

std::size_t ImplicitIndex::size() const noexcept {
  const auto now = centroids();
  return now->is_trained() ? now->cells() : 0;
}
bool ImplicitIndex::is_trained() const noexcept { return centroids()->is_trained(); }
Id ImplicitIndex::next_id() const { return static_cast<Id>(size()); }
std::string ImplicitIndex::spec() const { return centroids()->spec(); }

Capabilities ImplicitIndex::capabilities() const {
  const auto now = centroids();
  return {.exact = now->exact(), .needs_training = !now->is_trained(), .fast_range_search = true};
}

IndexStats ImplicitIndex::stats() const {
  const auto now = centroids();
  IndexStats stats;
  stats.ntotal = now->is_trained() ? now->cells() : 0;
  stats.code_bytes = now->code_bytes();
  stats.memory_bytes = now->memory_bytes();
  return stats;
}

Report ImplicitIndex::verify() const { return {}; }

void ImplicitIndex::write(SectionWriter& writer) const {
  const std::vector<Byte> learned = learned_bytes(*centroids());
  if (!learned.empty()) writer.section("codebooks", kVersion, learned);
}

void ImplicitIndex::read(const Container& container) {
  if (!container.find("codebooks")) return;
  set_centroids(centroids()->read(container.at("codebooks", kVersion).bytes, "section codebooks"));
}

void ImplicitIndex::train_rows(MatrixView rows, const TrainOptions& options) {
  const auto start = std::chrono::steady_clock::now();
  reject_bad_rows(rows, options.run);
  set_centroids(centroids()->trained(rows, {remaining(options.run, start), options.warnings}));
}

void ImplicitIndex::search_rows(MatrixView queries, std::size_t k, float* distances, Id* ids, std::size_t* counts,
                                const SearchOptions& options) const {
  require_plain(options, *this);
  const auto now = centroids();
  const auto hits = hits_of(
      *now, queries, options,
      [&](CellSearch& search, const float* query, const Selector* filter) { return search.nearest(query, k, filter); });
  for (std::size_t q = 0; q < hits.size(); ++q) {
    write_neighbors(hits[q], k, metric(), distances + q * k, ids + q * k);
    if (counts) counts[q] = hits[q].size();
  }
}

RangeNeighbors ImplicitIndex::range_rows(MatrixView queries, float radius, const SearchOptions& options) const {
  require_plain(options, *this);
  const auto now = centroids();
  const double limit = larger_is_closer(metric()) ? -static_cast<double>(radius) : radius;
  const auto hits =
      hits_of(*now, queries, options, [&](CellSearch& search, const float* query, const Selector* filter) {
        std::vector<Hit> found = search.within(query, limit, filter);
        std::erase_if(found, [&](const Hit& hit) { return value_of(hit.distance, metric()) == radius; });
        sort_hits(found);
        return found;
      });
  return range_of(hits, metric());
}

RangeNeighbors ImplicitIndex::rank_rows(MatrixView queries, std::span<const std::vector<Id>> candidates, std::size_t k,
                                        const RunOptions& options) const {
  const auto now = centroids();
  std::vector<std::vector<Hit>> hits(queries.rows());
  parallel_for(queries.rows(), options, [&](std::size_t q, std::size_t) {
    if (!is_good(queries.slice(q, 1))) return;
    std::vector<Id> ids = candidates[q];
    std::sort(ids.begin(), ids.end());
    ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
    std::vector<float> query(dim());
    queries.copy_row(q, query.data());
    CellRanker ranker(*now);
    for (const Id id : ids) {
      if (id < 0 || id >= static_cast<Id>(now->cells())) continue;
      hits[q].push_back({ranker.distance(query.data(), static_cast<std::size_t>(id)), id});
    }
    keep_nearest(hits[q], k);
  });
  return range_of(hits, metric());
}

bool ImplicitIndex::has_id(Id id) const { return id >= 0 && id < static_cast<Id>(size()); }

std::vector<Id> ImplicitIndex::list_ids() const {
  std::vector<Id> ids(size());
  std::iota(ids.begin(), ids.end(), Id{0});
  return ids;
}

void ImplicitIndex::get_rows(std::span<const Id> ids, float* rows) const {
  const auto now = centroids();
  for (const Id id : ids) {
    if (!now->is_trained() || id < 0 || id >= static_cast<Id>(now->cells())) {
      fail(Error::not_found, "id ", id, " is not in the index");
    }
    now->centroid(static_cast<std::size_t>(id), rows);
    rows += dim();
  }
}

std::size_t ImplicitIndex::add_rows(MatrixView, const AddOptions&) { refuse(*this, "added to"); }
void ImplicitIndex::update_rows(std::span<const Id>, MatrixView, const AddOptions&) { refuse(*this, "updated"); }
void ImplicitIndex::merge_rows(const Index&, const MergeOptions&) { refuse(*this, "merged with others"); }
std::size_t ImplicitIndex::remove_selected(const Selector&) { refuse(*this, "removed"); }
std::size_t ImplicitIndex::remove_ids(std::span<const Id>) { refuse(*this, "removed"); }
void ImplicitIndex::remove_all() { refuse(*this, "cleared"); }

// The number of the nearest cell, the lowest byte first.
void ImplicitIndex::encode_rows(MatrixView rows, Byte* codes, const RunOptions& options) const {
  const auto start = std::chrono::steady_clock::now();
  const auto now = centroids();
  reject_bad_rows(rows, options);
  for (const std::uint32_t cell : now->assign(rows, remaining(options, start))) {
    for (std::size_t b = 0; b < now->code_bytes(); ++b) *codes++ = static_cast<Byte>(cell >> (8 * b));
  }
}

void ImplicitIndex::decode_codes(const Byte* codes, std::size_t n, float* rows, const RunOptions&) const {
  const auto now = centroids();
  for (std::size_t i = 0; i < n; ++i, rows += dim()) {
    std::size_t cell = 0;
    for (std::size_t b = 0; b < now->code_bytes(); ++b) cell |= std::size_t{*codes++} << (8 * b);
    require(cell < now->cells(), "code ", i, " names cell ", cell, " of ", now->cells());
    now->centroid(cell, rows);
  }
}

}  // namespace knear
