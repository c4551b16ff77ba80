// Indexes around indexes; their classes are in _wrappers.py.
//
// An index and the index around it share what is inside. Only the outer one writes (PyIndex::writable); a part keeps
// itself alive, not the whole.
#include "knear/wrap.h"

#include <string>

#include "arrays.h"
#include "call.h"
#include "filters.h"
#include "module.h"

namespace knear::python {

namespace {

using AnyIndex = nb::typed<nb::object, PyIndex>;

template <class Shape>
Shape& shape_of(const PyIndex& self, const char* name) {
  auto* shape = dynamic_cast<Shape*>(&*self.index);
  if (!shape) throw Error(Error::wrong_type, self.index->spec() + " is no " + name);
  return *shape;
}

RefineIndex& refine_of(const PyIndex& self) { return shape_of<RefineIndex>(self, "IndexRefine"); }
PreTransformIndex& chain_of(const PyIndex& self) { return shape_of<PreTransformIndex>(self, "IndexPreTransform"); }

// A part as an object of its own.
AnyIndex part_of(const PyIndex& self, std::shared_ptr<Index> part) {
  nb::object object = wrap(std::move(part));
  nb::inst_ptr<PyIndex>(object)->whole = self.index.shared();
  return AnyIndex(object);
}

// Makes the index of an object whose class is derived from Index and which has none yet.
void emplace(nb::handle self, std::shared_ptr<Index> index) {
  if (nb::inst_ready(self)) throw Error(Error::wrong_state, "this index is built already");
  new (nb::inst_ptr<PyIndex>(self)) PyIndex{std::move(index)};
  nb::inst_mark_ready(self);
}

void init_refine(nb::handle self, PyIndex& base, PyIndex& fine, double k_factor) {
  base.writable();
  fine.writable();
  auto index = without_gil([&] {
    return std::make_shared<RefineIndex>(base.index.shared(), fine.index.shared(), static_cast<float>(k_factor));
  });
  emplace(self, index);
  base.whole = index;
  fine.whole = index;
}

TransformChain chain_from(const nb::list& transforms) {
  TransformChain chain;
  for (nb::handle transform : transforms) {
    if (!nb::isinstance<PyTransform>(transform))
      throw Error(Error::wrong_type, "a chain holds VectorTransforms, not " + type_text(transform));
    chain.push_back(nb::inst_ptr<PyTransform>(transform)->transform);
  }
  return chain;
}

void init_chain(nb::handle self, const nb::typed<nb::list, PyTransform>& transforms, PyIndex& inner) {
  inner.writable();
  auto index = std::make_shared<PreTransformIndex>(chain_from(transforms), inner.index.shared());
  emplace(self, index);
  inner.whole = index;
}

// Another index of one more transform takes the place of the old one, around the same inner one.
void prepend(PyIndex& self, const PyTransform& transform) {
  self.writable();
  const PreTransformIndex& now = chain_of(self);
  TransformChain chain{transform.transform};
  for (const auto& next : now.transforms()) chain.push_back(next);
  self.index.replace(std::make_shared<PreTransformIndex>(std::move(chain), now.share_inner()));
}

nb::list transforms_of(const PyIndex& self) {
  nb::list all;
  for (const auto& transform : chain_of(self).transforms()) all.append(wrap(transform));
  return all;
}

nb::object images(const PyIndex& self, const ArrayLike& x) {
  const Rows rows(x, "x");
  const PreTransformIndex& chain = chain_of(self);
  Call call({}, static_cast<double>(rows.view().rows()) * static_cast<double>(rows.view().dim()) *
                    static_cast<double>(chain.inner().dim()));
  Matrix found;
  call.run([&] { found = chain.images(rows.view(), call.options()); });
  return make_array(std::move(found), framework_of(x));
}

}  // namespace

void init_wrappers(nb::module_& m) {
  m.def("_init_refine", init_refine, nb::arg("self"), nb::arg("base"), nb::arg("fine"), nb::arg("k_factor"));
  m.def("_base_of", [](const PyIndex& self) { return part_of(self, refine_of(self).share_base()); });
  m.def("_fine_of", [](const PyIndex& self) { return part_of(self, refine_of(self).share_fine()); });
  m.def("_k_factor_of", [](const PyIndex& self) { return refine_of(self).k_factor(); });
  m.def("_set_k_factor",
        [](PyIndex& self, double k_factor) { refine_of(self).set_k_factor(static_cast<float>(k_factor)); });
  m.def("_search_type_of", [](const PyIndex& self) { return search_type_of(self.pq.value_or(PqSearch{})); });
  m.def("_polysemous_ht_of", [](const PyIndex& self) { return self.pq.value_or(PqSearch{}).polysemous_ht; });
  m.def("_set_pq_search", [](PyIndex& self, Int search_type, Int polysemous_ht) {
    const PqSearch search = pq_search_of(search_type, polysemous_ht);
    self.pq = search.by == PqSearch::By::asymmetric && search.polysemous_ht == 0 ? std::nullopt : std::optional(search);
  });
  m.def("_init_chain", init_chain, nb::arg("self"), nb::arg("transforms"), nb::arg("inner"));
  m.def("_inner_of", [](const PyIndex& self) { return part_of(self, chain_of(self).share_inner()); });
  m.def("_transforms_of", transforms_of, nb::sig("def _transforms_of(self: Index) -> list[VectorTransform]"));
  m.def("_prepend", prepend);
  m.def("_images",
        [](const PyIndex& self, const ArrayLike& x) { return nb::typed<nb::object, FloatArray>(images(self, x)); });
}

}  // namespace knear::python
