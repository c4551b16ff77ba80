// knear.Index: searches.
#include <nanobind/stl/optional.h>

#include <algorithm>
#include <iterator>
#include <limits>

#include "arrays.h"
#include "call.h"
#include "filters.h"
#include "module.h"

namespace knear::python {

namespace {

// Memory for results: the caller's own array, or a new one in the caller's framework.
template <class T>
class Result {
 public:
  Result(nb::handle given, std::size_t rows, std::size_t columns, const char* name) : rows_(rows), columns_(columns) {
    if (given.is_none()) {
      owned_ = allocate<T>(rows, columns);
      values_ = {owned_.get(), rows * columns};
    } else {
      given_ = nb::borrow(given);
      values_ = writable<T>(given, rows, columns, name);
    }
  }

  std::span<T> values() const noexcept { return values_; }
  nb::object array(Framework framework) {
    return owned_ ? make_array(std::move(owned_), {rows_, columns_}, framework) : given_;
  }

 private:
  std::size_t rows_;
  std::size_t columns_;
  std::unique_ptr<T[]> owned_;
  nb::object given_;
  std::span<T> values_;
};

using Params = nb::typed<nb::object, PySearchParameters>;

struct SearchArguments {
  SearchArgument says = {};
  CallArguments call = {};
  nb::object distances_out = nb::none();
  nb::object ids_out = nb::none();
};

// A search prepared: its queries, its options, and what they point to.
class Search {
 public:
  Search(const PyIndex& self, const ArrayLike& x, const SearchArguments& arguments)
      : queries_(x, "x"),
        framework_(framework_of(x)),
        filter_(filter_of(arguments.says.filter, *self.index, queries_.view().rows())),
        call_(arguments.call, work(*self.index)) {
    if (filter_.calls_python) call_.expect_python();
    options_.run = call_.options();
    options_.filter = filter_.one;
    options_.filters = filter_.many;
    options_.k_factor = static_cast<float>(arguments.says.k_factor.value_or(0));
    options_.nprobe = arguments.says.nprobe.value_or(0);
    options_.max_codes = arguments.says.max_codes.value_or(0);
    options_.ef_search = arguments.says.ef_search.value_or(0);
    options_.pq = arguments.says.pq ? arguments.says.pq : self.pq;
    options_.stats = &stats_;
  }

  const MatrixView& queries() const noexcept { return queries_.view(); }
  const SearchOptions& options() const noexcept { return options_; }
  const SearchStats& stats() const noexcept { return stats_; }
  Framework framework() const noexcept { return framework_; }
  Call& call() noexcept { return call_; }

 private:
  double work(const Index& index) const {
    const std::size_t rows = without_gil([&] { return index.size(); });
    return static_cast<double>(queries_.view().rows()) * static_cast<double>(rows) * static_cast<double>(index.dim());
  }

  Rows queries_;
  Framework framework_;
  Filter filter_;
  Call call_;
  SearchOptions options_;
  SearchStats stats_;
};

struct Found {
  nb::object distances;
  nb::object ids;
  std::span<const Id> id_values;  // of ids
  SearchStats stats;
};

Found search(const PyIndex& self, const ArrayLike& x, Int k, const SearchArguments& arguments) {
  const std::size_t count = count_of(k, "k", 1);
  Search search(self, x, arguments);
  const std::size_t queries = search.queries().rows();
  Result<float> distances(arguments.distances_out, queries, count, "D");
  Result<Id> ids(arguments.ids_out, queries, count, "I");
  search.call().run(
      [&] { self.index->search(search.queries(), count, distances.values(), ids.values(), {}, search.options()); });
  return {distances.array(search.framework()), ids.array(search.framework()), ids.values(), search.stats()};
}

nb::object range_search(const PyIndex& self, const ArrayLike& x, double radius, const SearchArguments& arguments) {
  Search search(self, x, arguments);
  RangeNeighbors found;
  search.call().run(
      [&] { found = self.index->range_search(search.queries(), static_cast<float>(radius), search.options()); });
  std::vector<Id> limits(found.limits.begin(), found.limits.end());
  const std::size_t bounds = limits.size();
  const std::size_t results = found.ids.size();
  return nb::make_tuple(make_array(std::move(limits), {bounds}, search.framework()),
                        make_array(std::move(found.distances), {results}, search.framework()),
                        make_array(std::move(found.ids), {results}, search.framework()));
}

// The rows of found ids, k for each query; NaN where there is no result.
nb::object rows_of_results(const PyIndex& self, std::span<const Id> ids, std::size_t k) {
  const std::size_t dim = self.index->dim();
  std::unique_ptr<float[]> rows = allocate<float>(ids.size(), dim);
  std::vector<Id> present;
  std::copy_if(ids.begin(), ids.end(), std::back_inserter(present), [](Id id) { return id != kNoId; });
  const Matrix found = without_gil([&] { return self.index->get(present); });
  const float* next = found.floats();
  float* to = rows.get();
  for (const Id id : ids) {
    if (id == kNoId) {
      to = std::fill_n(to, dim, std::numeric_limits<float>::quiet_NaN());
    } else {
      to = std::copy_n(next, dim, to);
      next += dim;
    }
  }
  return make_array(std::move(rows), {ids.size() / k, k, dim});
}

nb::object search_and_reconstruct(const PyIndex& self, const ArrayLike& x, Int k, const Params& params) {
  const Found found = search(self, x, k, {.says = search_argument({}, params)});
  nb::object rows = rows_of_results(self, found.id_values, static_cast<std::size_t>(k.value));
  return nb::make_tuple(found.distances, found.ids, rows);
}

constexpr const char* kSearchDoc =
    R"(The k nearest vectors of each row of x, shape (nq, dim), as (D, I), nearest first.

D: float32 of shape (nq, k), the metric's own values: squared distances under l2, similarities under ip and cosine.
I: int64 of shape (nq, k), the ids; where fewer than k are found, -1 with the largest float (for similarities the
lowest) in D. Both are numpy arrays, or torch or JAX arrays when x is one. Equal distances come in ascending id.

filter: which ids may be found: integers, bools (one for each of index.ids()), an IDSelector, a callable that takes
an id and gives a bool, or a list with one of these or None for each query.
num_threads: for this call; 0 or None is the process-wide default.
timeout: seconds, after which Timeout (a TimeoutError) is raised.
progress: True for a bar, or a callable that takes a Progress and may return False to stop.
params: SearchParameters(sel=...), the field's spelling of filter; SearchParametersIVF(nprobe=...),
SearchParametersHNSW(efSearch=...), IndexRefineSearchParameters(k_factor=...) and SearchParametersPQ(search_type=...)
carry more.
return_stats: a third result, SearchStats.
k_factor: of an index that ranks again: candidates for each result; the index's own when not said.
nprobe, max_codes: of an index with cells: how many it looks into, and after how many vectors no further one; the
index's own nprobe, and no limit, when not said.
ef_search: of a graph: how many of the nearest a walk keeps; the index's own when not said.
D, I: packed arrays of the result's shape and type to fill instead of new ones.
Raises InvalidArgument (a ValueError) for shapes and k that do not fit, WrongType (a TypeError) for element types
that are no numbers. A query that holds NaN finds nothing.

    >>> index = knear.IndexFlatL2(2)
    >>> index.add([[0, 0], [3, 4], [6, 8]])
    3
    >>> D, I = index.search([[0, 0]], 2)
    >>> D.tolist(), I.tolist()
    ([[0.0, 25.0]], [[0, 1]])
    >>> index.search([[0, 0]], 1, filter=[1, 2])[1].tolist()
    [[1]]
)";

void define_knn(nb::class_<PyIndex>& type) {
  type.def(
      "search",
      [](const PyIndex& self, const ArrayLike& x, Int k, const FilterLike& filter, std::optional<Int> num_threads,
         std::optional<double> timeout, const ProgressLike& progress, const Params& params, bool return_stats,
         const AnyArray& D, const AnyArray& I, std::optional<double> k_factor, std::optional<Int> nprobe,
         std::optional<Int> max_codes, std::optional<Int> ef_search) {
        const SearchArgument says{
            filter, k_factor, {}, said(nprobe, "nprobe"), said(max_codes, "max_codes"), said(ef_search, "ef_search")};
        const Found found = search(self, x, k, {search_argument(says, params), {num_threads, timeout, progress}, D, I});
        return return_stats ? nb::make_tuple(found.distances, found.ids, found.stats)
                            : nb::make_tuple(found.distances, found.ids);
      },
      nb::arg("x"), nb::arg("k"), nb::kw_only(), nb::arg("filter") = nb::none(), nb::arg("num_threads") = nb::none(),
      nb::arg("timeout") = nb::none(), nb::arg("progress") = nb::none(), nb::arg("params") = nb::none(),
      nb::arg("return_stats") = false, nb::arg("D") = nb::none(), nb::arg("I") = nb::none(),
      nb::arg("k_factor") = nb::none(), nb::arg("nprobe") = nb::none(), nb::arg("max_codes") = nb::none(),
      nb::arg("ef_search") = nb::none(), kSearchDoc);
  type.def(
      "assign",
      [](const PyIndex& self, const ArrayLike& x, Int k, const AnyArray& labels) {
        return nb::typed<nb::object, IdArray>(search(self, x, k, {.ids_out = labels}).ids);
      },
      nb::arg("x"), nb::arg("k").sig("1") = Int{1}, nb::arg("labels") = nb::none(),
      "The ids that search(x, k) finds, without their distances: int64 of shape (nq, k).");
}

void define_others(nb::class_<PyIndex>& type) {
  type.def(
      "range_search",
      [](const PyIndex& self, const ArrayLike& x, double radius, const FilterLike& filter,
         std::optional<Int> num_threads, std::optional<double> timeout, const ProgressLike& progress,
         const Params& params, std::optional<Int> nprobe, std::optional<Int> max_codes, std::optional<Int> ef_search) {
        const SearchArgument says{
            filter, {}, {}, said(nprobe, "nprobe"), said(max_codes, "max_codes"), said(ef_search, "ef_search")};
        return nb::typed<nb::object, nb::typed<nb::tuple, IdArray, FloatArray, IdArray>>(range_search(
            self, x, radius, {.says = search_argument(says, params), .call = {num_threads, timeout, progress}}));
      },
      nb::arg("x"), nb::arg("thresh"), nb::kw_only(), nb::arg("filter") = nb::none(),
      nb::arg("num_threads") = nb::none(), nb::arg("timeout") = nb::none(), nb::arg("progress") = nb::none(),
      nb::arg("params") = nb::none(), nb::arg("nprobe") = nb::none(), nb::arg("max_codes") = nb::none(),
      nb::arg("ef_search") = nb::none(),
      R"(All vectors strictly closer than `thresh` to each row of x, shape (nq, dim), as (lims, D, I).

thresh is in the metric's own value: a squared distance under l2; under similarities, results are larger. The results
of query i, nearest first, are D[lims[i]:lims[i + 1]] (float32) and I[lims[i]:lims[i + 1]] (int64); lims is int64 of
shape (nq + 1,). The other arguments are those of search().

    >>> index = knear.IndexFlatL2(1)
    >>> index.add([[0], [1], [5]])
    3
    >>> lims, D, I = index.range_search([[0], [5]], 2.0)
    >>> lims.tolist(), D.tolist(), I.tolist()
    ([0, 2, 3], [0.0, 1.0, 0.0], [0, 1, 2])
)");
  type.def(
      "search_and_reconstruct",
      [](const PyIndex& self, const ArrayLike& x, Int k, const Params& params) {
        return nb::typed<nb::object, nb::typed<nb::tuple, FloatArray, IdArray, FloatArray>>(
            search_and_reconstruct(self, x, k, params));
      },
      nb::arg("x"), nb::arg("k"), nb::kw_only(), nb::arg("params") = nb::none(),
      "search(x, k) and the vectors found: (D, I, R), R being float32 of shape (nq, k, dim), NaN where there is none.");
}

}  // namespace

void define_search(nb::class_<PyIndex>& type) {
  define_knn(type);
  define_others(type);
}

}  // namespace knear::python
