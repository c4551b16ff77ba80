// k-means; the class Kmeans around it is in _kmeans.py.
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/string_view.h>
#include <nanobind/stl/vector.h>

#include <algorithm>
#include <limits>

#include "arrays.h"
#include "call.h"
#include "knear/cluster.h"
#include "module.h"

namespace knear::python {

namespace {

KmeansInit init_of(std::string_view name) {
  if (name == "random") return KmeansInit::random;
  if (name == "k-means++") return KmeansInit::kmeans_plus_plus;
  if (name == "afk-mc2") return KmeansInit::afk_mc2;
  throw Error(Error::invalid_argument,
              "init = \"" + std::string(name) + "\"; it must be \"random\", \"k-means++\" or \"afk-mc2\"");
}

struct Numbers {
  Int niter, nredo, seed, min_points, max_points;
};

KmeansOptions options_of(const Numbers& numbers, std::string_view init) {
  KmeansOptions options;
  options.niter = count_of(numbers.niter, "niter", 0);
  options.nredo = count_of(numbers.nredo, "nredo", 1);
  options.seed = static_cast<std::uint64_t>(numbers.seed.value);
  options.min_points_per_centroid = count_of(numbers.min_points, "min_points_per_centroid", 0);
  options.max_points_per_centroid = count_of(numbers.max_points, "max_points_per_centroid", 0);
  options.init = init_of(init);
  return options;
}

nb::list iterations_of(std::span<const KmeansIteration> iterations) {
  nb::list all;
  for (const KmeansIteration& iteration : iterations) {
    nb::dict entry;
    entry["obj"] = iteration.objective;
    entry["time"] = iteration.seconds;
    entry["imbalance_factor"] = iteration.imbalance;
    entry["nsplit"] = iteration.splits;
    all.append(entry);
  }
  return all;
}

// Numbers as floats, one after the other; none for None.
std::vector<float> floats_of(const ArrayLike& numbers, const char* name) {
  if (numbers.is_none()) return {};
  nb::list one_row;
  one_row.append(numbers);
  const Rows rows(nb::hasattr(numbers, "reshape") ? numbers.attr("reshape")(1, -1) : one_row, name);
  std::vector<float> values(rows.view().dim());
  rows.view().copy_row(0, values.data());
  return values;
}

// Calls a Python function from the thread that works.
KmeansIterationFn iteration_fn(const nb::object& function) {
  if (function.is_none()) return {};
  return [&function](std::span<const KmeansIteration> done, MatrixView centroids) {
    nb::gil_scoped_acquire gil;
    Matrix copy(DType::f32, centroids.rows(), centroids.dim());
    for (std::size_t c = 0; c < copy.rows(); ++c) centroids.copy_row(c, copy.floats() + c * copy.dim());
    const nb::object answer = function(iterations_of(done), make_array(std::move(copy)));
    return !answer.is(nb::bool_(false));
  };
}

std::vector<KmeansIteration> done_of(const nb::object& entries) {
  std::vector<KmeansIteration> done;
  for (const nb::handle entry : entries) {
    done.push_back({nb::cast<double>(entry["obj"]), nb::cast<double>(entry["time"]),
                    nb::cast<double>(entry["imbalance_factor"]), nb::cast<std::size_t>(entry["nsplit"])});
  }
  return done;
}

// What of a run is in Python's hands.
struct Course {
  bool two_level;
  nb::object on_iteration;
  nb::object done;
};

nb::tuple run_kmeans(const ArrayLike& x, Int k, KmeansOptions options, const ArrayLike& weights,
                     const ArrayLike& initial, const Course& course, const CallArguments& arguments) {
  const Rows rows(x, "x");
  const std::vector<float> row_weights = floats_of(weights, "weights");
  options.weights = row_weights;
  std::optional<Rows> start;
  if (!initial.is_none()) options.initial = start.emplace(initial, "init_centroids").view();
  const std::size_t count = count_of(k, "k", 1);
  Call call(arguments, static_cast<double>(rows.view().rows()) * static_cast<double>(rows.view().dim()) *
                           static_cast<double>(count) * static_cast<double>(options.niter));
  options.run = call.options();
  options.on_iteration = iteration_fn(course.on_iteration);
  if (options.on_iteration) call.expect_python();
  const std::vector<KmeansIteration> done = done_of(course.done);
  options.done = done;
  Kmeans result;
  call.run([&] { result = (course.two_level ? kmeans_two_level : kmeans)(rows.view(), count, options); });
  return nb::make_tuple(make_array(std::move(result.centroids)), result.objective, iterations_of(result.iterations),
                        nb::cast(result.warnings));
}

// Of a row to the centroid that it was given, whether or not that is the nearest.
float nearness(const float* row, const float* centroid, std::size_t dim, bool spherical) {
  double sum = 0;
  for (std::size_t j = 0; j < dim; ++j) {
    const double x = static_cast<double>(row[j]);
    const double c = static_cast<double>(centroid[j]);
    sum += spherical ? x * c : (x - c) * (x - c);
  }
  return static_cast<float>(sum);
}

nb::tuple run_balanced_assign(const ArrayLike& x, const ArrayLike& centroids, double balance, bool spherical,
                              const CallArguments& arguments) {
  const Rows rows(x, "x");
  const Rows centres(centroids, "centroids");
  const std::size_t n = rows.view().rows();
  const std::size_t dim = rows.view().dim();
  Call call(arguments, static_cast<double>(n * dim) * static_cast<double>(centres.view().rows()));
  std::vector<float> values(n);
  std::vector<Id> cells(n);
  call.run([&] {
    std::vector<std::uint32_t> numbers(n);
    balanced_assign(rows.view(), centres.view(), balance, numbers, call.options());
    std::vector<float> row(dim);
    std::vector<float> centroid(dim);
    for (std::size_t i = 0; i < n; ++i) {
      rows.view().copy_row(i, row.data());
      centres.view().copy_row(numbers[i], centroid.data());
      values[i] = nearness(row.data(), centroid.data(), dim, spherical);
      cells[i] = numbers[i];
    }
  });
  return nb::make_tuple(make_array(std::move(values), {n}), make_array(std::move(cells), {n}));
}

nb::tuple run_kmeans_1d(const ArrayLike& x, Int k, const ArrayLike& weights, const CallArguments& arguments) {
  const std::vector<float> values = floats_of(x, "x");
  const std::vector<float> value_weights = floats_of(weights, "weights");
  const std::size_t count = count_of(k, "k", 1);
  Call call(arguments, 1000 * static_cast<double>(values.size()));
  Kmeans1d result;
  std::vector<Id> cells(values.size());
  call.run([&] {
    result = kmeans_1d(values, count, value_weights, call.options());
    const std::span<const float> ends(result.largest.data(), result.largest.size() - 1);
    for (std::size_t i = 0; i < values.size(); ++i) {
      cells[i] = std::lower_bound(ends.begin(), ends.end(), values[i]) - ends.begin();
    }
  });
  const std::size_t found = result.centroids.size();
  return nb::make_tuple(make_array(std::move(result.centroids), {found}), result.objective,
                        make_array(std::move(cells), {values.size()}));
}

constexpr const char* kKmeans1dDoc =
    R"(The best clustering of numbers: no other has a smaller sum of squared distances to the centroids.

Gives (centroids, objective, cells): float32 in ascending order, the weighted sum of squared distances to the
cells' means, and the cell of each number. Equal numbers share a cell, so fewer different numbers than k give
as many centroids as there are numbers. weights: one per number.

>>> knear.kmeans_1d([1, 2, 10, 11, 12], 2)[0].tolist()
[1.5, 11.0])";

}  // namespace

void init_clustering(nb::module_& m) {
  m.def(
      "_kmeans",
      [](const ArrayLike& x, Int k, Int niter, Int nredo, Int seed, bool spherical, bool int_centroids,
         Int min_points_per_centroid, Int max_points_per_centroid, bool frozen_centroids, std::string_view init,
         double early_stop, double balance, bool resumable, bool two_level, const ArrayLike& weights,
         const ArrayLike& init_centroids, const nb::object& on_iteration, const nb::object& done,
         const ProgressLike& progress, std::optional<Int> num_threads) {
        const Numbers numbers{niter, nredo, seed, min_points_per_centroid, max_points_per_centroid};
        KmeansOptions options = options_of(numbers, init);
        options.early_stop = early_stop;
        options.resumable = resumable;
        options.balance = balance;
        options.spherical = spherical;
        options.int_centroids = int_centroids;
        options.frozen = frozen_centroids;
        return run_kmeans(x, k, options, weights, init_centroids, {two_level, on_iteration, done},
                          {num_threads, std::nullopt, progress});
      },
      nb::arg("x"), nb::arg("k"), nb::kw_only(), nb::arg("niter"), nb::arg("nredo"), nb::arg("seed"),
      nb::arg("spherical"), nb::arg("int_centroids"), nb::arg("min_points_per_centroid"),
      nb::arg("max_points_per_centroid"), nb::arg("frozen_centroids"), nb::arg("init"), nb::arg("early_stop"),
      nb::arg("balance"), nb::arg("resumable"), nb::arg("two_level"), nb::arg("weights") = nb::none(),
      nb::arg("init_centroids") = nb::none(), nb::arg("on_iteration") = nb::none(), nb::arg("done") = nb::tuple(),
      nb::arg("progress") = nb::none(), nb::arg("num_threads") = nb::none(),
      nb::sig("def _kmeans(x: knear.typing.ArrayLike, k: int, *, niter: int, nredo: int, seed: int, spherical: bool, "
              "int_centroids: bool, min_points_per_centroid: int, max_points_per_centroid: int, "
              "frozen_centroids: bool, init: str, early_stop: float, balance: float, resumable: bool, two_level: bool, "
              "weights: knear.typing.ArrayLike | "
              "None = None, "
              "init_centroids: knear.typing.ArrayLike | None = None, on_iteration: typing.Any = None, done: typing.Any "
              "= (), "
              "progress: knear.typing.ProgressLike = None, "
              "num_threads: int | None = None) "
              "-> tuple[knear.typing.FloatArray, float, list[dict[str, float]], list[str]]"));
  m.def(
      "_balanced_assign",
      [](const ArrayLike& x, const ArrayLike& centroids, double balance, bool spherical, const ProgressLike& progress,
         std::optional<Int> num_threads) {
        return run_balanced_assign(x, centroids, balance, spherical, {num_threads, std::nullopt, progress});
      },
      nb::arg("x"), nb::arg("centroids"), nb::kw_only(), nb::arg("balance"), nb::arg("spherical"),
      nb::arg("progress") = nb::none(), nb::arg("num_threads") = nb::none(),
      nb::sig("def _balanced_assign(x: knear.typing.ArrayLike, centroids: knear.typing.ArrayLike, *, balance: float, "
              "spherical: bool, progress: knear.typing.ProgressLike = None, num_threads: int | None = None) "
              "-> tuple[knear.typing.FloatArray, knear.typing.IdArray]"));
  m.def(
      "kmeans_1d",
      [](const ArrayLike& x, Int k, const ArrayLike& weights, std::optional<Int> num_threads,
         std::optional<double> timeout, const ProgressLike& progress) {
        return run_kmeans_1d(x, k, weights, {num_threads, timeout, progress});
      },
      nb::arg("x"), nb::arg("k"), nb::arg("weights") = nb::none(), nb::kw_only(), nb::arg("num_threads") = nb::none(),
      nb::arg("timeout") = nb::none(), nb::arg("progress") = nb::none(),
      nb::sig("def kmeans_1d(x: knear.typing.ArrayLike, k: int, weights: knear.typing.ArrayLike | None = None, *, "
              "num_threads: int | None = None, timeout: float | None = None, "
              "progress: knear.typing.ProgressLike = None) "
              "-> tuple[knear.typing.FloatArray, float, knear.typing.IdArray]"),
      kKmeans1dDoc);
}

}  // namespace knear::python
