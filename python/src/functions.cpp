// Functions of the module: search without an index, normalising, recall, threads.
#include <nanobind/stl/optional.h>

#include <algorithm>

#include "arrays.h"
#include "call.h"
#include "knear/knn.h"
#include "knear/version.h"
#include "metrics.h"
#include "module.h"

namespace knear::python {

namespace {

using Pair = nb::typed<nb::object, nb::typed<nb::tuple, FloatArray, IdArray>>;

Pair brute_force(const ArrayLike& xq, const ArrayLike& xb, Int k, Metric metric, const CallArguments& arguments) {
  const Rows queries(xq, "xq");
  const Rows base(xb, "xb");
  const std::size_t count = count_of(k, "k", 1);
  Call call(arguments, static_cast<double>(queries.view().rows()) * static_cast<double>(base.view().rows()) *
                           static_cast<double>(base.view().dim()));
  SearchOptions options;
  options.run = call.options();
  Neighbors found;
  call.run([&] { found = knn(queries.view(), base.view(), count, metric, options); });
  const Framework framework = framework_of(xq);
  const std::size_t rows = found.queries;
  return Pair(nb::make_tuple(make_array(std::move(found.distances), {rows, count}, framework),
                             make_array(std::move(found.ids), {rows, count}, framework)));
}

Pair near_rows(const ArrayLike& x, Int k, Metric metric, const CallArguments& arguments) {
  const Rows rows(x, "x");
  const std::size_t count = count_of(k, "k", 1);
  constexpr double kWorkOfRow = 1e6;
  Call call(arguments, static_cast<double>(rows.view().rows()) * kWorkOfRow);
  Neighbors found;
  call.run([&] { found = knn_graph(rows.view(), count, metric, call.options()); });
  const std::size_t n = found.queries;
  return Pair(nb::make_tuple(make_array(std::move(found.distances), {n, count}, framework_of(x)),
                             make_array(std::move(found.ids), {n, count}, framework_of(x))));
}

void normalize(const nb::object& x) {
  const nb::ndarray<> array = import_writable(x, "x");
  if (!array.is_valid() || array.dtype() != nb::dtype<float>())
    throw Error(Error::wrong_type, "x must be a writable float32 array, which is changed in place");
  if (array.ndim() != 2)
    throw Error(Error::invalid_argument,
                "x must have 2 dimensions (rows, dim), not shape " + shape_text(nb::ndarray<nb::ro>(array)));
  const std::size_t rows = array.shape(0);
  const std::size_t dim = array.shape(1);
  if (dim > 1 && array.stride(1) != 1)
    throw Error(Error::invalid_argument, "x must have rows of consecutive elements to be changed in place");
  auto* first = static_cast<float*>(array.data());
  const std::int64_t stride = rows > 1 ? array.stride(0) : static_cast<std::int64_t>(dim);
  without_gil([&] {
    if (dim == 0) return;
    if (stride == static_cast<std::int64_t>(dim)) return normalize_l2({first, rows * dim}, dim);
    for (std::size_t i = 0; i < rows; ++i) normalize_l2({first + static_cast<std::int64_t>(i) * stride, dim}, dim);
  });
}

// A result of shape (rows, k) as one span; ids of any integer type are copied.
struct Table {
  std::vector<Id> ids;
  std::size_t rows = 0;
  std::size_t k = 0;

  Table(nb::handle object, const char* name) {
    const nb::ndarray<nb::ro> array = import_array(object, name);
    if (!array.is_valid() || array.ndim() != 2)
      throw Error(Error::invalid_argument, std::string(name) + " must be an array of ids with 2 dimensions");
    rows = array.shape(0);
    k = array.shape(1);
    ids.reserve(rows * k);
    for (std::size_t i = 0; i < rows; ++i) {
      const nb::ndarray<nb::ro> row(
          static_cast<const Byte*>(array.data()) +
              static_cast<std::int64_t>(i) * array.stride(0) * static_cast<std::int64_t>(array.itemsize()),
          {k}, object, {array.stride(1)}, array.dtype());
      const std::vector<Id> values = ids_of(row, name);
      ids.insert(ids.end(), values.begin(), values.end());
    }
  }
};

double recall_of(const nb::object& found, const nb::object& truth, Int k) {
  const Table ours(found, "found");
  const Table theirs(truth, "truth");
  const std::size_t count = count_of(k, "k", 1);
  if (ours.rows != theirs.rows || ours.k < count || theirs.k < count)
    throw Error(Error::invalid_argument, "recall@" + std::to_string(count) + " of results of shape (" +
                                             std::to_string(ours.rows) + ", " + std::to_string(ours.k) +
                                             ") and a truth of shape (" + std::to_string(theirs.rows) + ", " +
                                             std::to_string(theirs.k) + ")");
  return recall(ours.ids, ours.k, theirs.ids, theirs.k, count);
}

void define_arrays(nb::module_& m) {
  m.def(
      "knn",
      [](const ArrayLike& xq, const ArrayLike& xb, Int k, const MetricLike& metric, float metric_arg,
         std::optional<Int> num_threads, std::optional<double> timeout, const ProgressLike& progress) {
        return brute_force(xq, xb, k, metric_of(metric, metric_arg), {num_threads, timeout, progress});
      },
      nb::arg("xq"), nb::arg("xb"), nb::arg("k"), nb::arg("metric").sig("1") = static_cast<int>(Metric::l2),
      nb::arg("metric_arg") = 0.0f, nb::kw_only(), nb::arg("num_threads") = nb::none(), nb::arg("timeout") = nb::none(),
      nb::arg("progress") = nb::none(),
      R"(The k rows of xb, shape (n, dim), nearest to each row of xq, shape (nq, dim), exactly, without an index.

Gives (D, I) as Index.search() does; ids are row numbers of xb. Nothing is copied.

    >>> D, I = knear.knn([[1.0, 0.0]], [[0.0, 0.0], [1.0, 1.0], [1.0, 0.5]], 2)
    >>> D.tolist(), I.tolist()
    ([[0.25, 1.0]], [[2, 0]])
)");
  m.def(
      "knn_graph",
      [](const ArrayLike& x, Int k, const MetricLike& metric, float metric_arg, std::optional<Int> num_threads,
         std::optional<double> timeout, const ProgressLike& progress) {
        return near_rows(x, k, metric_of(metric, metric_arg), {num_threads, timeout, progress});
      },
      nb::arg("x"), nb::arg("k"), nb::arg("metric").sig("1") = static_cast<int>(Metric::l2),
      nb::arg("metric_arg") = 0.0f, nb::kw_only(), nb::arg("num_threads") = nb::none(), nb::arg("timeout") = nb::none(),
      nb::arg("progress") = nb::none(),
      R"(The k rows of x, shape (n, dim), nearest to each of its rows, itself left out: nearly all of them, by NN-descent.

Gives (D, I) as Index.search() does, each of shape (n, k); ids are row numbers. Exact for up to 2000 rows, and under
inner product, which takes longer. The same for any number of threads.

    >>> D, I = knear.knn_graph([[0.0], [1.0], [3.0]], 1)
    >>> D.tolist(), I.tolist()
    ([[1.0], [1.0], [4.0]], [[1], [0], [1]])
)");
  m.def("normalize_L2", normalize, nb::arg("x"), nb::sig("def normalize_L2(x: knear.typing.ArrayLike) -> None"),
        "Scales each row of a writable float32 array of shape (n, dim) to unit length, in place; zero rows stay.");
  m.def("recall", recall_of, nb::arg("found"), nb::arg("truth"), nb::arg("k"),
        nb::sig("def recall(found: knear.typing.ArrayLike, truth: knear.typing.ArrayLike, k: int) -> float"),
        R"(recall@k of found ids against true ones, both integers of shape (nq, at least k): the mean share of each
query's k true neighbours among its first k found.

    >>> import numpy
    >>> knear.recall(numpy.array([[1, 2]]), numpy.array([[2, 3]]), 2)
    0.5
)");
  m.def(
      "_borrows", [](const ArrayLike& x) { return Rows(x, "x").borrowed(); }, nb::arg("x"),
      "Would a call read these rows where they lie?");
}

void define_process(nb::module_& m) {
  m.def(
      "set_num_threads", [](Int n) { set_num_threads(count_of(n, "n", 0)); }, nb::arg("n"),
      "Threads that calls use when they do not say; 0 goes back to the automatic number.");
  m.def(
      "num_threads", [] { return num_threads(); },
      "Threads that calls use when they do not say: KNEAR_THREADS, else the CPUs this process may run on.");
  m.def(
      "cpu_level", [] { return cpu_level(); },
      "The instruction set in use: \"portable\", \"avx2\", \"avx512\", \"avx512_vnni\", \"neon\" or \"neon_dot\"; "
      "KNEAR_ISA forces one.");
  m.def(
      "version", [] { return version(); }, "The version of the library, e.g. \"0.1.0\".");
}

}  // namespace

void init_functions(nb::module_& m) {
  define_arrays(m);
  define_process(m);
}

}  // namespace knear::python
