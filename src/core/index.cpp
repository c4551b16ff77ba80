#include "knear/index.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <limits>
#include <new>
#include <stdexcept>
#include <string_view>
#include <utility>

#include "core/check.h"
#include "core/fp_environment.h"
#include "core/memory.h"

namespace knear {
namespace {

using Clock = std::chrono::steady_clock;

// Runs a call of the index in the library's arithmetic. Running out of memory becomes an Error that says on what:
// "search of 10 x 128 float32, k = 5".
template <class Describe, class Call>
auto perform(Describe describe, Call call) {
  const FpEnvironment plain;
  try {
    return call();
  } catch (const std::bad_alloc&) {
  } catch (const std::length_error&) {
  }
  fail(Error::out_of_memory, "out of memory: ", describe());
}

std::string shape_of(MatrixView rows) { return concat(rows.rows(), " x ", rows.dim(), ' ', name_of(rows.dtype())); }

// `what` is "rows" or "queries". No rows at all need no dimension.
void require_rows(const Index& index, MatrixView rows, std::string_view what) {
  if (rows.rows() == 0 && rows.dim() == 0) return;
  require(rows.dim() == index.dim(), what, " have ", rows.dim(), " dimensions, the index has ", index.dim());
  if (rows.rows() == 0 || rows.data() != nullptr) return;
  fail(Error::invalid_argument, what, ": ", shape_of(rows), " at a null pointer");
}

void require_trained(const Index& index, std::string_view what) {
  if (!index.is_trained()) fail(Error::wrong_state, what, " needs a trained index: call train first");
}

void require_ids(std::span<const Id> ids, std::size_t rows) {
  require(ids.size() == rows, ids.size(), " ids for ", rows, " rows");
  const auto none = std::find(ids.begin(), ids.end(), kNoId);
  require(none == ids.end(), "id -1 (at position ", none - ids.begin(), ") is taken: it stands for no result");
}

void require_search(const Index& index, MatrixView queries, const SearchOptions& options) {
  require_rows(index, queries, "queries");
  require(!options.filter || options.filters.empty(), "a search takes one filter for all queries or one for each (",
          options.filters.size(), " given), not both");
  require(options.filters.empty() || options.filters.size() == queries.rows(), options.filters.size(), " filters for ",
          queries.rows(), " queries");
  require_trained(index, "search");
}

// queries * k; refused when the machine has no room for the results of that many.
std::size_t result_places(std::size_t queries, std::size_t k) {
  constexpr std::size_t place_bytes = sizeof(float) + sizeof(Id);
  require(k >= 1, "k is 0, a search looks for at least 1 neighbour");
  constexpr std::size_t most = static_cast<std::size_t>(std::numeric_limits<std::ptrdiff_t>::max()) / place_bytes;
  require(queries == 0 || k <= most / queries, queries, " queries x k = ", k, " is more results than can be counted");
  const std::size_t places = queries * k;
  constexpr std::size_t few = 1 << 20;  // that any machine has room for
  const std::size_t memory = places > few ? machine_memory() : few * place_bytes;
  if (places > memory / place_bytes)
    fail(Error::out_of_memory, queries, " queries x k = ", k, " results take ", places * place_bytes,
         " bytes, the machine has ", memory);
  return places;
}

// Counts a search in the caller's SearchStats; the shape adds what it looked at.
class Watch {
 public:
  Watch(const SearchOptions& options, std::size_t queries) : stats_(options.stats), queries_(queries) {
    if (stats_) *stats_ = {};
  }
  void done() const {
    if (!stats_) return;
    stats_->queries = queries_;
    stats_->seconds = std::chrono::duration<double>(Clock::now() - start_).count();
  }

 private:
  SearchStats* stats_;
  std::size_t queries_;
  Clock::time_point start_ = Clock::now();
};

}  // namespace

Index::Index(std::size_t dim, Metric metric) : dim_(dim), metric_(metric) {
  require(1 <= dim && dim <= kMaxDim, "an index has 1 to ", kMaxDim, " dimensions, not ", dim);
  require_valid(metric);
}

void Index::train(MatrixView rows, const TrainOptions& options) {
  require_rows(*this, rows, "rows");
  perform([&] { return concat("train on ", shape_of(rows)); }, [&] { train_rows(rows, options); });
}

void Index::train_rows(MatrixView, const TrainOptions&) {}

std::size_t Index::add(MatrixView rows, const AddOptions& options) {
  require_rows(*this, rows, "rows");
  require_trained(*this, "add");
  if (!options.ids.empty()) require_ids(options.ids, rows.rows());
  if (rows.rows() == 0) return 0;
  return perform([&] { return concat("add of ", shape_of(rows)); }, [&] { return add_rows(rows, options); });
}

Neighbors Index::search(MatrixView queries, std::size_t k, const SearchOptions& options) const {
  return searched(queries, k, options, [&](float* distances, Id* ids, std::size_t* counts) {
    search_rows(queries, k, distances, ids, counts, options);
  });
}

Neighbors Index::searched(MatrixView queries, std::size_t k, const SearchOptions& options,
                          const SearchInto& into) const {
  require_search(*this, queries, options);
  const std::size_t places = result_places(queries.rows(), k);
  const Watch watch(options, queries.rows());
  const auto what = [&] { return concat("search of ", shape_of(queries), ", k = ", k); };
  Neighbors found = perform([&] { return "results of a " + what(); },
                            [&] {
                              return Neighbors{queries.rows(), k, std::vector<float>(places), std::vector<Id>(places),
                                               std::vector<std::size_t>(queries.rows())};
                            });
  if (queries.rows() != 0) {
    perform(what, [&] { into(found.distances.data(), found.ids.data(), found.counts.data()); });
  }
  watch.done();
  return found;
}

void Index::search(MatrixView queries, std::size_t k, std::span<float> distances, std::span<Id> ids,
                   std::span<std::size_t> counts, const SearchOptions& options) const {
  require_search(*this, queries, options);
  const std::size_t places = result_places(queries.rows(), k);
  require(distances.size() == places && ids.size() == places, queries.rows(), " queries x k = ", k, " give ", places,
          " results, there is room for ", distances.size(), " distances and ", ids.size(), " ids");
  require(counts.empty() || counts.size() == queries.rows(), "room for ", counts.size(), " counts of ", queries.rows(),
          " queries");
  const Watch watch(options, queries.rows());
  if (queries.rows() != 0) {
    const auto what = [&] { return concat("search of ", shape_of(queries), ", k = ", k); };
    std::size_t* const count = counts.empty() ? nullptr : counts.data();
    perform(what, [&] { search_rows(queries, k, distances.data(), ids.data(), count, options); });
  }
  watch.done();
}

RangeNeighbors Index::range_search(MatrixView queries, float radius, const SearchOptions& options) const {
  require_search(*this, queries, options);
  require(!std::isnan(radius), "the radius of a range search is NaN");
  const Watch watch(options, queries.rows());
  const auto what = [&] { return concat("range search of ", shape_of(queries), ", radius = ", radius); };
  RangeNeighbors found = perform(what, [&] {
    return queries.rows() != 0 ? range_rows(queries, radius, options) : RangeNeighbors{{0}, {}, {}};
  });
  watch.done();
  return found;
}

RangeNeighbors Index::rank(MatrixView queries, std::span<const std::vector<Id>> candidates, std::size_t k,
                           const RunOptions& options) const {
  require_search(*this, queries, {});
  require(candidates.size() == queries.rows(), candidates.size(), " lists of candidates for ", queries.rows(),
          " queries");
  require(k >= 1, "k is 0, a ranking has at least 1 place");
  if (queries.rows() == 0) return {{0}, {}, {}};
  const auto what = [&] { return concat("ranking for ", shape_of(queries), ", k = ", k); };
  return perform(what, [&] { return rank_rows(queries, candidates, k, options); });
}

bool Index::contains(Id id) const { return id != kNoId && has_id(id); }

std::vector<Id> Index::ids() const {
  return perform([&] { return concat("the ids of ", size(), " rows"); }, [&] { return list_ids(); });
}

Matrix Index::get(std::span<const Id> ids) const {
  Matrix rows(DType::f32, ids.size(), dim_);
  if (!ids.empty())
    perform([&] { return concat("get of ", ids.size(), " rows"); }, [&] { get_rows(ids, rows.floats()); });
  return rows;
}

std::size_t Index::remove(std::span<const Id> ids) {
  if (ids.empty()) return 0;
  return perform([&] { return concat("removal of ", ids.size(), " ids"); }, [&] { return remove_ids(ids); });
}

std::size_t Index::remove(const Selector& selector) {
  return perform([&] { return concat("removal among ", size(), " rows"); }, [&] { return remove_selected(selector); });
}

void Index::update(std::span<const Id> ids, MatrixView rows, const AddOptions& options) {
  require_rows(*this, rows, "rows");
  require_trained(*this, "update");
  require(options.ids.empty(), "an update takes its ids as an argument, not in its options (", options.ids.size(),
          " given)");
  require_ids(ids, rows.rows());
  if (rows.rows() == 0) return;
  perform([&] { return concat("update of ", shape_of(rows)); }, [&] { update_rows(ids, rows, options); });
}

void Index::merge(const Index& other, const MergeOptions& options) {
  if (&other == this) fail(Error::wrong_state, "an index cannot be merged into itself");
  require(other.dim() == dim_, "the other index has ", other.dim(), " dimensions, this one has ", dim_);
  require(other.metric() == metric_, "the other index has the metric ", text_of(other.metric()), ", this one has ",
          text_of(metric_));
  require_trained(*this, "merge");
  perform([&] { return concat("merge of ", other.size(), " rows"); }, [&] { merge_rows(other, options); });
}

void Index::write(SectionWriter& writer) const { write_merged(writer, {}, {}); }

void Index::write_merged(SectionWriter& writer, Others others, const MergeOptions&) const {
  if (!others.empty()) fail(Error::unsupported, "files of ", spec(), " cannot be merged: merge the indexes");
  write(writer);
}

std::vector<Byte> Index::encode(MatrixView rows, const RunOptions& options) const {
  require_rows(*this, rows, "rows");
  require_trained(*this, "encode");
  return perform([&] { return concat("encode of ", shape_of(rows)); },
                 [&] {
                   std::vector<Byte> codes(rows.rows() * code_bytes());
                   if (!codes.empty()) encode_rows(rows, codes.data(), options);
                   return codes;
                 });
}

Matrix Index::decode(std::span<const Byte> codes, const RunOptions& options) const {
  require_trained(*this, "decode");
  const std::size_t each = code_bytes();
  require(codes.size() % each == 0, codes.size(), " bytes are no whole number of codes of ", each);
  const std::size_t n = codes.size() / each;
  Matrix rows(DType::f32, n, dim_);
  if (n != 0)
    perform([&] { return concat("decode of ", n, " codes"); },
            [&] { decode_codes(codes.data(), n, rows.floats(), options); });
  return rows;
}

void Index::clear() {
  perform([] { return "clear"; }, [&] { remove_all(); });
}

std::map<std::string, std::string> Index::metadata() const {
  const std::lock_guard lock(metadata_mutex_);
  return metadata_;
}

void Index::set_metadata(std::map<std::string, std::string> values) {
  const std::lock_guard lock(metadata_mutex_);
  metadata_.swap(values);
}

}  // namespace knear
