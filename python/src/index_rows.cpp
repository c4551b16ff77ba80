// knear.Index: rows in, rows out, rows gone.
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string_view.h>

#include <algorithm>
#include <string>

#include "arrays.h"
#include "call.h"
#include "filters.h"
#include "module.h"

namespace knear::python {

namespace {

double elements_of(const MatrixView& rows) {
  return static_cast<double>(rows.rows()) * static_cast<double>(rows.dim());
}

NanPolicy nan_policy_of(std::string_view name) {
  if (name == "reject") return NanPolicy::reject;
  if (name == "skip") return NanPolicy::skip;
  if (name == "keep") return NanPolicy::keep;
  throw Error(Error::invalid_argument,
              "nan_policy = \"" + std::string(name) + "\"; it must be \"reject\", \"skip\" or \"keep\"");
}

void train(PyIndex& self, const ArrayLike& x, const ProgressLike& progress, std::optional<Int> num_threads) {
  const Rows rows(x, "x");
  constexpr double kPasses = 10'000;  // over each element, about: few rows may take long
  Call call({num_threads, std::nullopt, progress}, kPasses * elements_of(rows.view()));
  TrainOptions options;
  options.run = call.options();
  std::vector<std::string> warnings;
  options.warnings = &warnings;
  Index& index = self.writable();
  call.run([&] { index.train(rows.view(), options); });
  for (const std::string& warning : warnings) {
    if (PyErr_WarnEx(PyExc_RuntimeWarning, warning.c_str(), 1) != 0) throw nb::python_error();
  }
}

std::size_t add(PyIndex& self, const ArrayLike& x, const IdsLike& ids, std::optional<std::string_view> on_duplicate,
                std::string_view nan_policy, const CallArguments& arguments) {
  const Rows rows(x, "x");
  AddOptions options;
  std::optional<Ids> given;
  if (!ids.is_none()) {
    options.ids = given.emplace(ids, "ids").view();
    if (options.ids.size() != rows.view().rows())  // none at all would mean "number them" to the library
      throw Error(Error::invalid_argument,
                  std::to_string(options.ids.size()) + " ids for " + std::to_string(rows.view().rows()) + " rows");
  }
  Call call(arguments, elements_of(rows.view()));
  options.run = call.options();
  options.on_duplicate = on_duplicate ? on_duplicate_of(*on_duplicate) : self.on_duplicate;
  options.nan_policy = nan_policy_of(nan_policy);
  std::size_t stored = 0;
  Index& index = self.writable();
  call.run([&] { stored = index.add(rows.view(), options); });
  return stored;
}

void update(PyIndex& self, const IdsLike& ids, const ArrayLike& x, const ProgressLike& progress,
            std::optional<Int> num_threads) {
  const Ids keys(ids, "ids");
  const Rows rows(x, "x");
  Call call({num_threads, std::nullopt, progress}, elements_of(rows.view()));
  AddOptions options;
  options.run = call.options();
  Index& index = self.writable();
  call.run([&] { index.update(keys.view(), rows.view(), options); });
}

nb::object rows_of(const PyIndex& self, std::span<const Id> ids) {
  return make_array(without_gil([&] { return self.index->get(ids); }));
}

// The row of one id, as an array of rank 1.
nb::object row_of(const PyIndex& self, Id id) {
  const Matrix found = without_gil([&] { return self.index->get({&id, 1}); });
  std::unique_ptr<float[]> row = allocate<float>(1, found.dim());
  std::copy_n(found.floats(), found.dim(), row.get());
  return make_array(std::move(row), {found.dim()});
}

nb::object get(const PyIndex& self, const IdsLike& ids) {
  return is_integer(ids) ? row_of(self, id_of(ids, "ids")) : rows_of(self, Ids(ids, "ids").view());
}

nb::object reconstruct(const PyIndex& self, nb::handle key, const ArrayLike& out) {
  const Id id = id_of(key, "key");
  if (out.is_none()) return row_of(self, id);
  const auto to = writable<float>(out.attr("reshape")(1, -1), 1, self.index->dim(), "x");
  const Matrix found = without_gil([&] { return self.index->get({&id, 1}); });
  std::copy_n(found.floats(), found.dim(), to.data());
  return nb::borrow(out);
}

nb::object reconstruct_n(const PyIndex& self, Int first, Int count) {
  const std::vector<Id> ids = without_gil([&] { return self.index->ids(); });
  const std::size_t start = count_of(first, "n0", 0);
  const std::size_t rest = ids.size() - std::min(start, ids.size());
  const std::size_t wanted = count.value == -1 ? rest : count_of(count, "ni", 0);
  if (start > ids.size() || wanted > rest)
    throw Error(Error::invalid_argument, "rows " + std::to_string(start) + " to " + std::to_string(start + wanted) +
                                             " of " + std::to_string(ids.size()));
  return rows_of(self, std::span(ids).subspan(start, wanted));
}

std::size_t remove(PyIndex& self, const FilterLike& ids) {
  Index& index = self.writable();
  if (lists_ids(ids)) {
    const Ids gone(ids, "ids");
    return without_gil([&] { return index.remove(gone.view()); });
  }
  const PySelector chosen = selector_of(ids, index);
  return without_gil([&] { return index.remove(*chosen.selector); });
}

void merge(PyIndex& self, const PyIndex& other, std::string_view ids, std::optional<std::string_view> on_duplicate,
           const CallArguments& arguments) {
  if (ids != "keep" && ids != "shift")
    throw Error(Error::invalid_argument, "ids = \"" + std::string(ids) + "\"; it must be \"keep\" or \"shift\"");
  const std::size_t rows = without_gil([&] { return other.index->size(); });
  Call call(arguments, static_cast<double>(rows) * static_cast<double>(other.index->dim()));
  MergeOptions options;
  options.run = call.options();
  options.ids = ids == "keep" ? MergeIds::keep : MergeIds::shift;
  options.on_duplicate = on_duplicate ? on_duplicate_of(*on_duplicate) : self.on_duplicate;
  Index& index = self.writable();
  call.run([&] { index.merge(*other.index, options); });
}

void define_adding(nb::class_<PyIndex>& type) {
  type.def(
      "train", train, nb::arg("x"), nb::kw_only(), nb::arg("progress") = nb::none(),
      nb::arg("num_threads") = nb::none(),
      "Learns from rows x of shape (n, dim) what the index needs: ranges, centroids, rotations. An exact index needs\n"
      "nothing. An index with vectors is trained again only after clear(). Raises InvalidArgument when the rows are\n"
      "too few.");
  type.def(
      "add",
      [](PyIndex& self, const ArrayLike& x, const IdsLike& ids, std::optional<std::string_view> on_duplicate,
         std::string_view nan_policy, const ProgressLike& progress, std::optional<Int> num_threads) {
        return add(self, x, ids, on_duplicate, nan_policy, {num_threads, std::nullopt, progress});
      },
      nb::arg("x"), nb::arg("ids") = nb::none(), nb::kw_only(), nb::arg("on_duplicate") = nb::none(),
      nb::arg("nan_policy") = "reject", nb::arg("progress") = nb::none(), nb::arg("num_threads") = nb::none(),
      R"(Adds rows x of shape (n, dim); gives how many were stored.

ids: n integers, any but -1; without them the rows get the largest id so far plus 1, 2, ...
on_duplicate: for an id that is there already "error", "replace" or "allow"; the index's own when not said.
nan_policy: for rows that hold NaN or infinity "reject" (an error), "skip" or "keep" (stored but never found; an error
    with a codec that would round them to codes of other rows).
progress: True for a bar, or a callable that takes a Progress and may return False to stop.
Raises DuplicateId, InvalidArgument (ValueErrors), WrongType (a TypeError); the index is then as it was.

    >>> index = knear.IndexFlatL2(2)
    >>> index.add([[0.0, 1.0], [2.0, 3.0]], ids=[10, 20])
    2
    >>> 20 in index
    True
)");
  type.def(
      "add_with_ids",
      [](PyIndex& self, const ArrayLike& x, const IdsLike& ids) {
        if (ids.is_none()) throw Error(Error::wrong_type, "ids must be integers, one for each row");
        add(self, x, ids, std::nullopt, "reject", {});
      },
      nb::arg("x"), nb::arg("ids"), "The field's name for add(x, ids).");
  type.def("update", update, nb::arg("ids"), nb::arg("x"), nb::kw_only(), nb::arg("progress") = nb::none(),
           nb::arg("num_threads") = nb::none(),
           "Puts the rows x of shape (n, dim) in the place of those with the given n ids. Raises NotFound when one is\n"
           "not there; nothing is changed then.");
}

void define_reading(nb::class_<PyIndex>& type) {
  type.def(
      "ids",
      [](const PyIndex& self) {
        std::vector<Id> ids = without_gil([&] { return self.index->ids(); });
        const std::size_t count = ids.size();
        return nb::typed<nb::object, IdArray>(make_array(std::move(ids), {count}));
      },
      "The ids of all vectors, int64 of shape (ntotal,), in the order they are stored.");
  type.def(
      "__contains__",
      [](const PyIndex& self, const nb::object& id) {
        if (!PyIndex_Check(id.ptr())) return false;
        const Int key = nb::cast<Int>(id);
        return without_gil([&] { return self.index->contains(key.value); });
      },
      nb::arg("id"), "Is there a vector with this id?");
  type.def(
      "get", [](const PyIndex& self, const IdsLike& ids) { return nb::typed<nb::object, FloatArray>(get(self, ids)); },
      nb::arg("ids"),
      R"(The vectors of n ids as float32 of shape (n, dim), or of one id as shape (dim,).

Raises NotFound (a KeyError) that names the first id which is not there.

    >>> index = knear.IndexFlatL2(2)
    >>> index.add([[0.0, 1.0], [2.0, 3.0]])
    2
    >>> index.get([1, 0]).tolist()
    [[2.0, 3.0], [0.0, 1.0]]
)");
}

void define_reconstructing(nb::class_<PyIndex>& type) {
  type.def(
      "reconstruct",
      [](const PyIndex& self, const nb::typed<nb::object, Int>& key, const ArrayLike& x) {
        return nb::typed<nb::object, FloatArray>(reconstruct(self, key, x));
      },
      nb::arg("key"), nb::arg("x") = nb::none(), "The vector of one id, float32 of shape (dim,); into x when given.");
  type.def(
      "reconstruct_batch",
      [](const PyIndex& self, const IdsLike& keys) {
        return nb::typed<nb::object, FloatArray>(rows_of(self, Ids(keys, "keys").view()));
      },
      nb::arg("keys"), "The field's name for get(keys).");
  type.def(
      "reconstruct_n",
      [](const PyIndex& self, Int n0, Int ni) {
        return nb::typed<nb::object, FloatArray>(reconstruct_n(self, n0, ni));
      },
      nb::arg("n0").sig("0") = Int{0}, nb::arg("ni").sig("-1") = Int{-1},
      "ni vectors (-1: all the rest) from the n0-th on, in the order of ids(): float32 of shape (ni, dim).");
}

void define_removing(nb::class_<PyIndex>& type) {
  type.def("remove", remove, nb::arg("ids"),
           R"(Removes the vectors of these ids and gives how many went; ids that are not there are ignored.

ids: integers, an IDSelector, a callable, or bools, one for each of index.ids(). The other ids stay as they are.

    >>> index = knear.IndexFlatL2(1)
    >>> index.add([[5], [6], [7]])
    3
    >>> index.remove([0, 99])
    1
    >>> index.ids().tolist()
    [1, 2]
)");
  type.def("remove_ids", remove, nb::arg("sel"), "The field's name for remove(sel).");
  const auto clear = [](PyIndex& self) {
    Index& index = self.writable();
    without_gil([&] { index.clear(); });
  };
  type.def("reset", clear, "Removes all vectors.");
  type.def("clear", clear, "Removes all vectors.");
  type.def(
      "merge",
      [](PyIndex& self, const PyIndex& other, std::string_view ids, std::optional<std::string_view> on_duplicate,
         const ProgressLike& progress, std::optional<Int> num_threads) {
        merge(self, other, ids, on_duplicate, {num_threads, std::nullopt, progress});
      },
      nb::arg("other"), nb::kw_only(), nb::arg("ids") = "keep", nb::arg("on_duplicate") = nb::none(),
      nb::arg("progress") = nb::none(), nb::arg("num_threads") = nb::none(),
      "Adds all vectors of another index, which stays as it was.\n\n"
      "ids: \"keep\" them (a clash follows on_duplicate) or \"shift\" them past this index's largest id.");
  type.def(
      "merge_from",
      [](PyIndex& self, const PyIndex& other, Int add_id) {
        if (add_id.value != 0)
          throw Error(Error::invalid_argument,
                      "add_id = " + std::to_string(add_id.value) + "; it must be 0: use merge()");
        merge(self, other, "shift", std::nullopt, {});
      },
      nb::arg("other"), nb::arg("add_id").sig("0") = Int{0},
      "The field's name for merge(other, ids=\"shift\"). Unlike there, `other` keeps its vectors.");
}

}  // namespace

void define_rows(nb::class_<PyIndex>& type) {
  define_adding(type);
  define_reading(type);
  define_reconstructing(type);
  define_removing(type);
}

}  // namespace knear::python
