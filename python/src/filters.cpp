#include "filters.h"

#include <algorithm>
#include <string>

#include "arrays.h"
#include "call.h"

namespace knear::python {

namespace {

bool is_list(nb::handle object) { return nb::isinstance<nb::list>(object) || nb::isinstance<nb::tuple>(object); }

template <class Test>
bool all_of(nb::handle list, Test test) {
  for (nb::handle item : list)
    if (!test(item)) return false;
  return true;
}

// A set of ids in the smallest form: a bitmap where they lie close together.
SelectorPtr select_ids(std::span<const Id> ids) {
  constexpr std::size_t kFew = 256;
  if (ids.size() <= kFew) return select_array(ids);
  const auto [least, most] = std::minmax_element(ids.begin(), ids.end());
  const std::size_t bitmap_bytes = static_cast<std::size_t>(*most) / 8 + 1;
  if (*least < 0 || bitmap_bytes > ids.size_bytes()) return select_batch(ids);
  std::vector<std::uint8_t> bits(bitmap_bytes);
  for (const Id id : ids) {
    auto& byte = bits[static_cast<std::size_t>(id) / 8];
    byte = static_cast<std::uint8_t>(byte | 1u << (id % 8));
  }
  return select_bitmap(std::move(bits));
}

void require_mask_length(std::size_t length, std::size_t rows) {
  if (length == rows) return;
  throw Error(Error::invalid_argument, "a filter of bools needs one for each of the " + std::to_string(rows) +
                                           " rows, not " + std::to_string(length));
}

template <class Allowed>
SelectorPtr select_mask(std::size_t length, const Index& index, Allowed allowed) {
  std::vector<Id> ids = without_gil([&] { return index.ids(); });
  require_mask_length(length, ids.size());
  std::size_t kept = 0;
  for (std::size_t i = 0; i < ids.size(); ++i)
    if (allowed(i)) ids[kept++] = ids[i];
  ids.resize(kept);
  return select_ids(ids);
}

SelectorPtr select_array_of(const nb::ndarray<nb::ro>& array, nb::handle object, const Index& index) {
  if (array.dtype() == nb::dtype<bool>() && array.ndim() == 1) {
    const auto* first = static_cast<const Byte*>(array.data());
    return select_mask(array.shape(0), index,
                       [&](std::size_t i) { return first[static_cast<std::int64_t>(i) * array.stride(0)] != 0; });
  }
  return select_ids(Ids(object, "filter").view());
}

// A Python function as a selector. It is asked from the library's threads, one at a time under the GIL.
SelectorPtr select_callable(nb::handle function) {
  struct ReleaseUnderGil {
    void operator()(PyObject* object) const {
      nb::gil_scoped_acquire gil;
      Py_DECREF(object);
    }
  };
  const std::shared_ptr<PyObject> kept(Py_NewRef(function.ptr()), ReleaseUnderGil());
  return select_if([kept](Id id) {
    nb::gil_scoped_acquire gil;
    const nb::object answer = nb::handle(kept.get())(id);
    const int truth = PyObject_IsTrue(answer.ptr());
    if (truth < 0) throw nb::python_error();
    return truth == 1;
  });
}

[[noreturn]] void fail_no_filter(nb::handle filter) {
  throw Error(Error::wrong_type,
              "filter must be ids, bools, an IDSelector, a callable or a list with one of these per query, not " +
                  type_text(filter));
}

}  // namespace

PySelector selector_of(nb::handle filter, const Index& index) {
  if (nb::isinstance<PySelector>(filter)) return *nb::inst_ptr<PySelector>(filter);
  if (is_list(filter) && nb::len(filter) > 0 && all_of(filter, is_bool)) {
    const nb::object list = nb::borrow(filter);
    return {select_mask(nb::len(list), index,
                        [&](std::size_t i) { return PyObject_IsTrue(nb::object(list[i]).ptr()) == 1; })};
  }
  if (is_list(filter) || PyAnySet_Check(filter.ptr())) return {select_ids(ids_of_list(filter, "filter"))};
  if (PyRange_Check(filter.ptr())) {
    if (nb::cast<Int>(filter.attr("step")).value == 1)
      return {select_range(nb::cast<Id>(filter.attr("start")), nb::cast<Id>(filter.attr("stop")))};
    return {select_ids(ids_of_list(filter, "filter"))};
  }
  const nb::ndarray<nb::ro> array = import_array(filter, "filter");
  if (array.is_valid()) return {select_array_of(array, filter, index)};
  if (PyCallable_Check(filter.ptr())) return {select_callable(filter), true};
  fail_no_filter(filter);
}

Filter filter_of(nb::handle filter, const Index& index, std::size_t queries) {
  if (filter.is_none()) return {};
  const bool one_per_query = is_list(filter) && !all_of(filter, is_bool) && !all_of(filter, is_integer);
  Filter out;
  if (!one_per_query) {
    const PySelector one = selector_of(filter, index);
    out.one = one.selector;
    out.calls_python = one.calls_python;
    return out;
  }
  if (nb::len(filter) != queries)
    throw Error(Error::invalid_argument, "a list of filters needs one for each of the " + std::to_string(queries) +
                                             " queries, not " + std::to_string(nb::len(filter)));
  for (nb::handle item : filter) {
    const PySelector one = item.is_none() ? PySelector() : selector_of(item, index);
    out.many.push_back(one.selector);
    out.calls_python |= one.calls_python;
  }
  return out;
}

bool lists_ids(nb::handle object) {
  if (is_integer(object) || PyAnySet_Check(object.ptr())) return true;
  if (is_list(object)) return all_of(object, is_integer);
  const nb::ndarray<nb::ro> array = import_array(object, "ids");
  return array.is_valid() && array.dtype() != nb::dtype<bool>();
}

namespace {

template <class Value>
void take(std::optional<Value>& kept, const Value& value, const char* name) {
  if (kept) throw Error(Error::invalid_argument, std::string(name) + " is said twice, by the call or its params");
  kept = value;
}

// Takes over what one of the objects says, and gives the one for the index inside.
nb::object take_parameters(nb::handle params, SearchArgument& all) {
  if (!nb::isinstance<PySearchParameters>(params))
    throw Error(Error::wrong_type, "params must be a SearchParameters, not " + type_text(params));
  const nb::object& sel = nb::inst_ptr<PySearchParameters>(params)->sel;
  if (!sel.is_none() && !all.filter.is_none())
    throw Error(Error::invalid_argument, "give filter or params.sel, not both");
  if (!sel.is_none()) all.filter = sel;
  if (nb::isinstance<PyIvfParameters>(params)) {
    const auto* ivf = nb::inst_ptr<PyIvfParameters>(params);
    if (const auto nprobe = said(ivf->nprobe, "nprobe")) take(all.nprobe, *nprobe, "nprobe");
    if (const auto most = said(ivf->max_codes, "max_codes"); most && *most) take(all.max_codes, *most, "max_codes");
  }
  if (nb::isinstance<PyHnswParameters>(params)) {
    const auto* hnsw = nb::inst_ptr<PyHnswParameters>(params);
    if (const auto ef = said(hnsw->ef_search, "efSearch")) take(all.ef_search, *ef, "ef_search");
  }
  if (nb::isinstance<PyPqParameters>(params)) take(all.pq, nb::inst_ptr<PyPqParameters>(params)->pq, "search_type");
  if (nb::isinstance<PyRefineParameters>(params)) {
    const auto* refine = nb::inst_ptr<PyRefineParameters>(params);
    if (refine->k_factor) take(all.k_factor, *refine->k_factor, "k_factor");
    return refine->inner;
  }
  return nb::isinstance<PyPreTransformParameters>(params) ? nb::inst_ptr<PyPreTransformParameters>(params)->inner
                                                          : nb::none();
}

}  // namespace

std::optional<std::size_t> said(const std::optional<Int>& value, const char* name) {
  return value ? std::optional(count_of(*value, name, 1)) : std::nullopt;
}

PqSearch pq_search_of(Int search_type, Int polysemous_ht) {
  const std::size_t bits = count_of(polysemous_ht, "polysemous_ht", 0);
  for (const auto by : {PqSearch::By::asymmetric, PqSearch::By::symmetric, PqSearch::By::polysemous}) {
    if (search_type.value == search_type_of({by, 0})) return {by, bits};
  }
  throw Error(Error::invalid_argument, "search_type = " + std::to_string(search_type.value) +
                                           "; it must be 0 (ST_PQ), 3 (ST_SDC) or 4 (ST_polysemous)");
}

int search_type_of(const PqSearch& search) {
  switch (search.by) {
    case PqSearch::By::asymmetric:
      return 0;
    case PqSearch::By::symmetric:
      return 3;
    case PqSearch::By::polysemous:
      return 4;
  }
  return 0;
}

SearchArgument search_argument(SearchArgument keywords, nb::handle params) {
  SearchArgument all = std::move(keywords);
  constexpr int kLevels = 8;
  nb::object next = nb::borrow(params);
  for (int level = 0; level < kLevels && !next.is_none(); ++level) next = take_parameters(next, all);
  if (all.k_factor && !(*all.k_factor >= 1))
    throw Error(Error::invalid_argument, "k_factor = " + std::to_string(*all.k_factor) + "; it must be at least 1");
  return all;
}

}  // namespace knear::python
