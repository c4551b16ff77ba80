// knear.IDSelector and its family, under the names that the field knows.
#include <nanobind/stl/optional.h>

#include "arrays.h"
#include "filters.h"
#include "module.h"

namespace knear::python {

namespace {

// One C++ type for each name; all hold the same thing.
template <int>
struct Named : PySelector {};
enum Name { range, array, batch, bitmap, negation, conjunction, disjunction, difference, all, callable };

PySelector joined(const PySelector& a, const PySelector& b, SelectorPtr (*join)(SelectorPtr, SelectorPtr)) {
  return {join(a.selector, b.selector), a.calls_python || b.calls_python};
}

template <int kName, class... Arguments, class Make, class... Extra>
void define(nb::module_& m, const char* name, const char* doc, Make make, const Extra&... extra) {
  nb::class_<Named<kName>, PySelector>(m, name, doc)
      .def(
          "__init__",
          [make](Named<kName>* self, Arguments... arguments) {
            new (self) Named<kName>{make(std::forward<Arguments>(arguments)...)};
          },
          extra...);
}

void define_base(nb::module_& m) {
  nb::class_<PySelector>(m, "IDSelector",
                         "A set of ids: which vectors a search or a removal may touch. Base of the IDSelector classes.")
      .def(
          "is_member", [](const PySelector& self, Int id) { return self.selector->contains(id.value); }, nb::arg("id"),
          "Is this id in the set?")
      .def(
          "__contains__", [](const PySelector& self, Int id) { return self.selector->contains(id.value); },
          nb::arg("id"))
      .def("__invert__",
           [](const PySelector& self) {
             return PySelector{select_not(self.selector), self.calls_python};
           })
      .def("__and__", [](const PySelector& a, const PySelector& b) { return joined(a, b, select_and); })
      .def("__or__", [](const PySelector& a, const PySelector& b) { return joined(a, b, select_or); })
      .def("__xor__", [](const PySelector& a, const PySelector& b) { return joined(a, b, select_xor); });
}

void define_sets(nb::module_& m) {
  define<range, Int, Int, bool>(
      m, "IDSelectorRange",
      "Ids with imin <= id < imax. `assume_sorted` is accepted and ignored: no promise is needed.",
      [](Int first, Int end, bool) { return PySelector{select_range(first.value, end.value)}; }, nb::arg("imin"),
      nb::arg("imax"), nb::arg("assume_sorted") = false);
  define<array, IdsLike>(
      m, "IDSelectorArray", "These ids, few of them.",
      [](const IdsLike& ids) { return PySelector{select_array(Ids(ids, "ids").view())}; }, nb::arg("ids"));
  define<batch, IdsLike>(
      m, "IDSelectorBatch", "These ids, any number of them.",
      [](const IdsLike& ids) { return PySelector{select_batch(Ids(ids, "ids").view())}; }, nb::arg("ids"));
  define<bitmap, ArrayLike>(
      m, "IDSelectorBitmap",
      "Ids whose bit is set: bit id % 8 of bits[id // 8], `bits` being uint8 of any length (numpy.packbits(mask, "
      "bitorder=\"little\")).",
      [](const ArrayLike& bits) {
        const nb::ndarray<nb::ro> array = import_array(bits, "bits");
        if (!array.is_valid() || array.dtype() != nb::dtype<std::uint8_t>())
          throw Error(Error::wrong_type, "bits must be a uint8 array");
        if (array.ndim() != 1 || (array.shape(0) > 1 && array.stride(0) != 1))
          throw Error(Error::invalid_argument,
                      "bits must be packed and have 1 dimension, not shape " + shape_text(array));
        const auto* first = static_cast<const std::uint8_t*>(array.data());
        return PySelector{select_bitmap({first, first + array.shape(0)})};
      },
      nb::arg("bits"));
  define<all>(m, "IDSelectorAll", "Every id.", [] { return PySelector{select_all()}; });
}

void define_combinations(nb::module_& m) {
  define<negation, const PySelector&>(
      m, "IDSelectorNot", "The ids that are not in `sel`. Also spelled ~sel.",
      [](const PySelector& sel) {
        return PySelector{select_not(sel.selector), sel.calls_python};
      },
      nb::arg("sel"));
  const auto pair = [&]<int kName>(std::integral_constant<int, kName>, const char* name, const char* doc, auto join) {
    define<kName, const PySelector&, const PySelector&>(
        m, name, doc, [join](const PySelector& a, const PySelector& b) { return joined(a, b, join); }, nb::arg("lhs"),
        nb::arg("rhs"));
  };
  pair(std::integral_constant<int, conjunction>(), "IDSelectorAnd", "The ids in both. Also spelled a & b.", select_and);
  pair(std::integral_constant<int, disjunction>(), "IDSelectorOr", "The ids in either. Also spelled a | b.", select_or);
  pair(std::integral_constant<int, difference>(), "IDSelectorXOr", "The ids in exactly one. Also spelled a ^ b.",
       select_xor);
}

void define_graph_parameters(nb::module_& m) {
  const auto ef = [](const PyHnswParameters& self) {
    return self.ef_search ? std::optional(self.ef_search->value) : std::nullopt;
  };
  const auto set_ef = [](PyHnswParameters& self, std::optional<Int> ef_search) { self.ef_search = ef_search; };
  nb::class_<PyHnswParameters, PySearchParameters>(
      m, "SearchParametersHNSW",
      "For graphs of any kind. efSearch: how many of the nearest a walk keeps; None: as the index says.\n"
      "check_relative_distance and bounded_queue are accepted and mean nothing here.")
      .def(
          "__init__",
          [](PyHnswParameters* self, nb::object sel, std::optional<Int> ef_search, bool, bool) {
            new (self) PyHnswParameters{{std::move(sel)}, ef_search};
          },
          nb::kw_only(), nb::arg("sel").sig("None") = nb::none(), nb::arg("efSearch") = nb::none(),
          nb::arg("check_relative_distance") = true, nb::arg("bounded_queue") = true,
          nb::sig("def __init__(self, *, sel: knear.typing.FilterLike = None, efSearch: int | None = None, "
                  "check_relative_distance: bool = True, bounded_queue: bool = True) -> None"))
      .def_prop_rw("efSearch", ef, set_ef, nb::arg("value").none(), "How many of the nearest a walk keeps, or None.")
      .def_prop_rw("ef_search", ef, set_ef, nb::arg("value").none(), "The same.");
}

void define_parameters(nb::module_& m) {
  nb::class_<PySearchParameters>(m, "SearchParameters",
                                 R"(What travels with one search: index.search(x, k, params=SearchParameters(sel=...)).

sel: any filter that `search` takes, usually an IDSelector.)")
      .def(
          "__init__", [](PySearchParameters* self, nb::object sel) { new (self) PySearchParameters{std::move(sel)}; },
          nb::kw_only(), nb::arg("sel").sig("None") = nb::none(),
          nb::sig("def __init__(self, *, sel: knear.typing.FilterLike = None) -> None"))
      .def_prop_rw(
          "sel", [](const PySearchParameters& self) { return self.sel; },
          [](PySearchParameters& self, nb::object sel) { self.sel = std::move(sel); }, nb::arg("sel").none(),
          nb::for_getter(nb::sig("def sel(self) -> knear.typing.FilterLike")),
          nb::for_setter(nb::sig("def sel(self, sel: knear.typing.FilterLike, /) -> None")), "The filter, or None.");

  nb::class_<PyRefineParameters, PySearchParameters>(
      m, "IndexRefineSearchParameters",
      "For IndexRefine. k_factor: candidates for each result; base_index_params: parameters of the base.")
      .def(
          "__init__",
          [](PyRefineParameters* self, std::optional<double> k_factor, nb::object base_index_params, nb::object sel) {
            new (self) PyRefineParameters{{std::move(sel)}, k_factor, std::move(base_index_params)};
          },
          nb::kw_only(), nb::arg("k_factor") = nb::none(), nb::arg("base_index_params").sig("None") = nb::none(),
          nb::arg("sel").sig("None") = nb::none(),
          nb::sig(
              "def __init__(self, *, k_factor: float | None = None, base_index_params: SearchParameters | None = None, "
              "sel: knear.typing.FilterLike = None) -> None"))
      .def_rw("k_factor", &PyRefineParameters::k_factor, nb::arg("value").none(),
              "Candidates of the base for each result; None: as many as the index says.")
      .def_rw("base_index_params", &PyRefineParameters::inner,
              nb::for_getter(nb::sig("def base_index_params(self) -> SearchParameters | None")),
              nb::for_setter(nb::sig("def base_index_params(self, value: SearchParameters | None, /) -> None")),
              nb::arg("value").none(), "Parameters of the base, or None.");
  nb::class_<PyPreTransformParameters, PySearchParameters>(
      m, "SearchParametersPreTransform", "For IndexPreTransform. index_params: parameters of the index inside.")
      .def(
          "__init__",
          [](PyPreTransformParameters* self, nb::object index_params, nb::object sel) {
            new (self) PyPreTransformParameters{{std::move(sel)}, std::move(index_params)};
          },
          nb::kw_only(), nb::arg("index_params").sig("None") = nb::none(), nb::arg("sel").sig("None") = nb::none(),
          nb::sig("def __init__(self, *, index_params: SearchParameters | None = None, "
                  "sel: knear.typing.FilterLike = None) -> None"))
      .def_rw("index_params", &PyPreTransformParameters::inner,
              nb::for_getter(nb::sig("def index_params(self) -> SearchParameters | None")),
              nb::for_setter(nb::sig("def index_params(self, value: SearchParameters | None, /) -> None")),
              nb::arg("value").none(), "Parameters of the index inside, or None.");
  nb::class_<PyIvfParameters, PySearchParameters>(
      m, "SearchParametersIVF",
      "For indexes with cells. nprobe: cells to look into; max_codes: no further cell after so many vectors; None: as\n"
      "the index says. quantizer_params must be None: cells are always the nearest ones.")
      .def(
          "__init__",
          [](PyIvfParameters* self, nb::object sel, std::optional<Int> nprobe, std::optional<Int> max_codes,
             const nb::object& quantizer_params) {
            if (!quantizer_params.is_none())
              throw Error(Error::invalid_argument, "quantizer_params is not supported: leave it out");
            new (self) PyIvfParameters{{std::move(sel)}, nprobe, max_codes};
          },
          nb::kw_only(), nb::arg("sel").sig("None") = nb::none(), nb::arg("nprobe") = nb::none(),
          nb::arg("max_codes") = nb::none(), nb::arg("quantizer_params").sig("None") = nb::none(),
          nb::sig("def __init__(self, *, sel: knear.typing.FilterLike = None, nprobe: int | None = None, "
                  "max_codes: int | None = None, quantizer_params: None = None) -> None"))
      .def_prop_rw(
          "nprobe",
          [](const PyIvfParameters& self) { return self.nprobe ? std::optional(self.nprobe->value) : std::nullopt; },
          [](PyIvfParameters& self, std::optional<Int> nprobe) { self.nprobe = nprobe; }, nb::arg("value").none(),
          "Cells to look into, or None.")
      .def_prop_rw(
          "max_codes",
          [](const PyIvfParameters& self) {
            return self.max_codes ? std::optional(self.max_codes->value) : std::nullopt;
          },
          [](PyIvfParameters& self, std::optional<Int> most) { self.max_codes = most; }, nb::arg("value").none(),
          "Vectors after which no further cell is looked into, or None.");
  define_graph_parameters(m);
  nb::class_<PyPqParameters, PySearchParameters>(
      m, "SearchParametersPQ",
      "For IndexPQ. search_type: IndexPQ.ST_PQ, ST_SDC or ST_polysemous; polysemous_ht: codes that differ from the\n"
      "query's in fewer bits are looked at; 0 is 27 of 64 bits.")
      .def(
          "__init__",
          [](PyPqParameters* self, Int search_type, Int polysemous_ht, nb::object sel) {
            new (self) PyPqParameters{{std::move(sel)}, pq_search_of(search_type, polysemous_ht)};
          },
          nb::kw_only(), nb::arg("search_type").sig("0") = Int{0}, nb::arg("polysemous_ht").sig("0") = Int{0},
          nb::arg("sel").sig("None") = nb::none(),
          nb::sig("def __init__(self, *, search_type: int = 0, polysemous_ht: int = 0, "
                  "sel: knear.typing.FilterLike = None) -> None"))
      .def_prop_rw(
          "search_type", [](const PyPqParameters& self) { return search_type_of(self.pq); },
          [](PyPqParameters& self, Int type) {
            self.pq = pq_search_of(type, Int{static_cast<std::int64_t>(self.pq.polysemous_ht)});
          },
          "IndexPQ.ST_PQ, ST_SDC or ST_polysemous.")
      .def_prop_rw(
          "polysemous_ht", [](const PyPqParameters& self) { return self.pq.polysemous_ht; },
          [](PyPqParameters& self, Int bits) { self.pq.polysemous_ht = count_of(bits, "polysemous_ht", 0); },
          "Codes that differ in fewer bits are looked at.");
}

}  // namespace

void init_selectors(nb::module_& m) {
  define_base(m);
  define_sets(m);
  define_combinations(m);
  define_parameters(m);
}

}  // namespace knear::python
