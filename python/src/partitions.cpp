// Indexes with cells; their classes are in _ivf.py.
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/string_view.h>

#include <optional>
#include <string>
#include <utility>

#include "arrays.h"
#include "call.h"
#include "filters.h"
#include "knear/partition.h"
#include "knear/spec.h"
#include "knear/wrap.h"
#include "metrics.h"
#include "module.h"

namespace knear::python {

namespace {

using AnyIndex = nb::typed<nb::object, PyIndex>;

IvfIndex& cells_of(const PyIndex& self) {
  Index* index = &*self.index;
  if (const auto* dedup = dynamic_cast<const DedupIndex*>(index)) index = &*dedup->share_base();
  auto* ivf = dynamic_cast<IvfIndex*>(index);
  if (!ivf) throw Error(Error::wrong_type, self.index->spec() + " has no cells");
  return *ivf;
}

using MaybeTransform = nb::typed<nb::object, PyTransform>;

TransformChain chain_from(const MaybeTransform& transform) {
  if (transform.is_none()) return {};
  if (!nb::isinstance<PyTransform>(transform)) throw Error(Error::wrong_type, "vt must be a VectorTransform or None");
  return {nb::inst_ptr<PyTransform>(transform)->transform};
}

// What a partition is made of, but its quantizer.
struct Parts {
  Spec spec;
  Metric metric;
  TransformChain transforms;
};

void build_around(nb::handle self, PyIndex& quantizer, Parts parts, std::string_view on_duplicate) {
  if (nb::inst_ready(self)) throw Error(Error::wrong_state, "this index is built already");
  quantizer.writable();
  const bool dedup = std::exchange(parts.spec.dedup, false);
  std::shared_ptr<Index> index =
      build_partition(parts.spec, quantizer.index.shared(), parts.metric, std::move(parts.transforms));
  if (dedup) index = std::make_shared<DedupIndex>(std::move(index));
  new (nb::inst_ptr<PyIndex>(self)) PyIndex{index, on_duplicate_of(on_duplicate)};
  nb::inst_mark_ready(self);
  quantizer.whole = index;
}

void init_ivf(nb::handle self, PyIndex& quantizer, const std::string& spec, const MetricLike& metric,
              std::string_view on_duplicate, const MaybeTransform& transform) {
  build_around(self, quantizer, {parse_spec(spec), metric_of(metric), chain_from(transform)}, on_duplicate);
}

// Of the other partition, its description counts.
void init_independent(nb::handle self, PyIndex& quantizer, const PyIndex& other, const MaybeTransform& transform,
                      std::optional<bool> by_residual, std::string_view on_duplicate) {
  const IvfIndex& ivf = cells_of(other);
  if (ivf.size() > 0)
    throw Error(Error::invalid_argument,
                "index_ivf holds " + std::to_string(ivf.size()) + " vectors, but has to be empty");
  const std::size_t images = transform.is_none() ? quantizer.index->dim() : chain_from(transform).back()->dim_out();
  if (images != ivf.dim())
    throw Error(Error::invalid_argument, "index_ivf takes " + std::to_string(ivf.dim()) + " dimensions, not the " +
                                             std::to_string(images) + " that come to it");
  Parts parts{parse_spec(ivf.spec()), ivf.metric(), chain_from(transform)};
  if (by_residual) parts.spec.cells->by_residual = by_residual;
  build_around(self, quantizer, std::move(parts), on_duplicate);
}

AnyIndex quantizer_of(const PyIndex& self) {
  nb::object object = wrap(cells_of(self).coarse());
  nb::inst_ptr<PyIndex>(object)->whole = self.index.shared();
  return AnyIndex(object);
}

nb::object list_sizes(const PyIndex& self) {
  const ListStats lists = without_gil([&] { return cells_of(self).lists(); });
  std::vector<Id> sizes(lists.sizes.begin(), lists.sizes.end());
  const std::size_t count = sizes.size();
  return make_array(std::move(sizes), {count});
}

nb::object ids_of_list(const PyIndex& self, Int cell) {
  std::vector<Id> ids = without_gil([&] { return cells_of(self).list_ids_of(count_of(cell, "list_no", 0)); });
  const std::size_t count = ids.size();
  return make_array(std::move(ids), {count});
}

nb::object codes_of_list(const PyIndex& self, Int cell) {
  const IvfIndex& ivf = cells_of(self);
  std::vector<Byte> codes = without_gil([&] { return ivf.list_codes_of(count_of(cell, "list_no", 0)); });
  const std::size_t bytes = without_gil([&] { return ivf.stats().code_bytes; });
  const std::size_t count = codes.size() / bytes;
  return make_array(std::move(codes), {count, bytes});
}

nb::object search_preassigned(const PyIndex& self, const ArrayLike& x, Int k, const IdsLike& assign,
                              const nb::object& params) {
  const IvfIndex& ivf = cells_of(self);
  const Rows rows(x, "x");
  const std::size_t count = count_of(k, "k", 1);
  const Ids cells(assign, "assign");
  const SearchArgument says = search_argument({}, params);
  const Filter filter = filter_of(says.filter, ivf, rows.view().rows());
  Call call({}, static_cast<double>(rows.view().rows()) * static_cast<double>(ivf.dim()) * 1e4);
  if (filter.calls_python) call.expect_python();
  SearchOptions options;
  options.run = call.options();
  options.filter = filter.one;
  options.filters = filter.many;
  options.max_codes = says.max_codes.value_or(0);
  Neighbors found;
  call.run([&] { found = ivf.search_preassigned(rows.view(), count, cells.view(), options); });
  const std::size_t queries = rows.view().rows();
  return nb::make_tuple(make_array(std::move(found.distances), {queries, count}, framework_of(x)),
                        make_array(std::move(found.ids), {queries, count}, framework_of(x)));
}

}  // namespace

void init_partitions(nb::module_& m) {
  m.def("_init_ivf", init_ivf, nb::arg("self"), nb::arg("quantizer"), nb::arg("spec"), nb::arg("metric"),
        nb::arg("on_duplicate"), nb::arg("vt").none() = nb::none());
  m.def("_init_independent", init_independent, nb::arg("self"), nb::arg("quantizer"), nb::arg("index_ivf"),
        nb::arg("vt").none(), nb::arg("by_residual").none(), nb::arg("on_duplicate"));
  m.def("_quantizer_of", quantizer_of);
  m.def("_nlist_of", [](const PyIndex& self) { return cells_of(self).nlist(); });
  m.def("_nprobe_of", [](const PyIndex& self) { return cells_of(self).nprobe(); });
  m.def("_set_nprobe", [](PyIndex& self, Int nprobe) { cells_of(self).set_nprobe(count_of(nprobe, "nprobe", 1)); });
  m.def("_by_residual_of", [](const PyIndex& self) { return cells_of(self).by_residual(); });
  m.def("_list_sizes_of", [](const PyIndex& self) { return nb::typed<nb::object, IdArray>(list_sizes(self)); });
  m.def("_drift_of", [](const PyIndex& self) { return without_gil([&] { return cells_of(self).lists().drift; }); });
  m.def("_imbalance_of",
        [](const PyIndex& self) { return without_gil([&] { return cells_of(self).lists().imbalance; }); });
  m.def("_list_ids_of",
        [](const PyIndex& self, Int cell) { return nb::typed<nb::object, IdArray>(ids_of_list(self, cell)); });
  m.def("_list_codes_of",
        [](const PyIndex& self, Int cell) { return nb::typed<nb::object, ByteArray>(codes_of_list(self, cell)); });
  m.def(
      "_search_preassigned",
      [](const PyIndex& self, const ArrayLike& x, Int k, const IdsLike& assign,
         const nb::typed<nb::object, PySearchParameters>& params) {
        return nb::typed<nb::object, nb::typed<nb::tuple, FloatArray, IdArray>>(
            search_preassigned(self, x, k, assign, params));
      },
      nb::arg("self"), nb::arg("x"), nb::arg("k"), nb::arg("assign"), nb::arg("params").none());
}

}  // namespace knear::python
