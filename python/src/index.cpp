// knear.Index: building, properties, copies.
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/string_view.h>

#include <string>

#include "call.h"
#include "knear/graph.h"
#include "knear/io.h"
#include "knear/partition.h"
#include "knear/spec.h"
#include "knear/wrap.h"
#include "metrics.h"
#include "module.h"

namespace knear::python {

OnDuplicate on_duplicate_of(std::string_view name) {
  if (name == "error") return OnDuplicate::error;
  if (name == "replace") return OnDuplicate::replace;
  if (name == "allow") return OnDuplicate::allow;
  throw Error(Error::invalid_argument,
              "on_duplicate = \"" + std::string(name) + "\"; it must be \"error\", \"replace\" or \"allow\"");
}

const char* name_of(OnDuplicate on_duplicate) noexcept {
  switch (on_duplicate) {
    case OnDuplicate::error:
      return "error";
    case OnDuplicate::replace:
      return "replace";
    case OnDuplicate::allow:
      return "allow";
  }
  return "error";
}

namespace {

std::unique_ptr<Index> build_from(const std::string& text, Int dim, const MetricLike& metric,
                                  const std::optional<std::string>& dtype) {
  Spec spec = parse_spec(text);
  if (dtype) {
    const DType stored = dtype_of(*dtype);
    const std::string* said = spec.codec.option("dtype");
    if (said && dtype_of(*said) != stored)
      throw Error(Error::invalid_argument, "dtype = \"" + *dtype + "\" contradicts the spec \"" + text + "\"");
    if (said || stored != DType::f32) spec.codec.set("dtype", name_of(stored));
  }
  return build(spec, count_of(dim, "dim", 1), metric_of(metric));
}

// An object of class `type` (Index or derived from it) around an index.
nb::object wrap_as(nb::handle type, std::shared_ptr<Index> index, OnDuplicate on_duplicate) {
  nb::object self = nb::inst_alloc(type);
  new (nb::inst_ptr<PyIndex>(self)) PyIndex{std::move(index), on_duplicate};
  nb::inst_mark_ready(self);
  return self;
}

const PyIndex& index_of(nb::handle self) {
  if (!nb::inst_ready(self)) throw Error(Error::wrong_state, "this index was never built: __init__ was not called");
  return *nb::inst_ptr<PyIndex>(self);
}

std::string text_of(nb::handle self) {
  const PyIndex& index = index_of(self);
  const std::size_t size = without_gil([&] { return index.index->size(); });
  return "<knear." + nb::cast<std::string>(self.type().attr("__name__")) + " \"" + index.index->spec() + "\", " +
         std::to_string(index.index->dim()) + " dimensions, " + knear::name_of(index.index->metric()) + ", " +
         std::to_string(size) + " vectors>";
}

nb::object pickled(nb::handle self) {
  const PyIndex& index = index_of(self);
  const std::vector<Byte> bytes = without_gil([&] { return to_bytes(*index.index); });
  const nb::object restore = nb::module_::import_("knear._names").attr("restore");
  const nb::object state = nb::getattr(self, "__dict__", nb::none());
  return nb::make_tuple(
      restore, nb::make_tuple(self.type(), nb::bytes(bytes.data(), bytes.size()), name_of(index.on_duplicate)), state);
}

void define_building(nb::class_<PyIndex>& type) {
  type.def(
      "__init__",
      [](PyIndex* self, const std::string& spec, Int dim, const MetricLike& metric,
         const std::optional<std::string>& dtype, std::string_view on_duplicate) {
        const OnDuplicate kept = on_duplicate_of(on_duplicate);
        new (self) PyIndex{build_from(spec, dim, metric, dtype), kept};
      },
      nb::arg("spec"), nb::arg("dim"), nb::arg("metric").sig("'l2'") = "l2", nb::kw_only(),
      nb::arg("dtype") = nb::none(), nb::arg("on_duplicate") = "error", "See knear.index().");
  type.def(
      "__repr__", [](nb::handle self) { return text_of(self); }, nb::sig("def __repr__(self) -> str"));
  type.def(
      "__reduce__", [](nb::handle self) { return pickled(self); },
      nb::sig("def __reduce__(self) -> tuple[object, ...]"),
      "Pickles and copies by to_bytes(), together with `on_duplicate`.");
}

void define_description(nb::class_<PyIndex>& type) {
  const auto size = [](const PyIndex& self) { return without_gil([&] { return self.index->size(); }); };
  const auto dim = [](const PyIndex& self) { return self.index->dim(); };
  type.def_prop_ro("ntotal", size, "Number of vectors; also len(index).")
      .def("__len__", size)
      .def_prop_ro("d", dim, "Number of dimensions.")
      .def_prop_ro("dim", dim, "Number of dimensions.")
      .def_prop_ro(
          "spec", [](const PyIndex& self) { return self.index->spec(); },
          "The factory string that rebuilds the index empty.")
      .def_prop_ro(
          "metric", [](const PyIndex& self) { return knear::name_of(self.index->metric()); },
          "Name of the metric: \"l2\", \"ip\", \"cosine\", ...")
      .def_prop_ro(
          "metric_type", [](const PyIndex& self) { return static_cast<int>(self.index->metric().kind); },
          "The metric as a METRIC_ constant.")
      .def_prop_ro(
          "metric_arg", [](const PyIndex& self) { return self.index->metric().argument; },
          "The metric's argument, e.g. p of METRIC_Lp.")
      .def_prop_ro(
          "dtype", [](const PyIndex& self) { return knear::name_of(self.index->dtype()); },
          "Element type of the stored rows: \"float32\", \"float16\", \"bfloat16\", \"int8\" or \"uint8\".")
      .def_prop_ro(
          "is_trained", [](const PyIndex& self) { return self.index->is_trained(); }, "May vectors be added?");
}

void define_facts(nb::class_<PyIndex>& type) {
  type.def_prop_ro(
          "stats", [](const PyIndex& self) { return without_gil([&] { return self.index->stats(); }); },
          "Counters and bytes, as an IndexStats.")
      .def(
          "capabilities", [](const PyIndex& self) { return self.index->capabilities(); },
          "Which operations are fast, as a Capabilities; all of them work.")
      .def(
          "verify", [](const PyIndex& self) { return without_gil([&] { return self.index->verify(); }); },
          "Checks the index against itself and gives a Report.");
  type.def_prop_rw(
      "on_duplicate", [](const PyIndex& self) { return name_of(self.on_duplicate); },
      [](PyIndex& self, std::string_view name) { self.on_duplicate = on_duplicate_of(name); },
      "What add() does with an id that is there already, unless it says so itself: \"error\", \"replace\" or\n"
      "\"allow\". Belongs to this object: copies and pickles keep it, files do not.");
  type.def_prop_ro(
      "metadata", [](nb::handle self) { return nb::module_::import_("knear._metadata").attr("Metadata")(self); },
      nb::sig("def metadata(self) -> knear._metadata.Metadata"),
      "The user's own facts, saved with the index: a live mapping of str to str or bytes.\n\n"
      "    >>> index = knear.IndexFlatL2(8)\n"
      "    >>> index.metadata[\"model\"] = \"resnet50\"\n"
      "    >>> dict(index.metadata)\n"
      "    {'model': 'resnet50'}\n");
  type.def(
      "_metadata", [](const PyIndex& self) { return decoded(without_gil([&] { return self.index->metadata(); })); },
      nb::sig("def _metadata(self) -> dict[str, str | bytes]"));
  type.def(
      "_set_metadata",
      [](PyIndex& self, const nb::dict& values) {
        auto read = encoded(values);
        without_gil([&] { self.writable().set_metadata(std::move(read)); });
      },
      nb::sig("def _set_metadata(self, values: dict[str, str | bytes]) -> None"));
}

void define_functions(nb::module_& m) {
  m.def(
      "index",
      [](const std::string& spec, Int dim, const MetricLike& metric, const std::optional<std::string>& dtype,
         std::string_view on_duplicate) {
        const OnDuplicate kept = on_duplicate_of(on_duplicate);
        return nb::typed<nb::object, PyIndex>(wrap(build_from(spec, dim, metric, dtype), kept));
      },
      nb::arg("spec"), nb::arg("dim"), nb::arg("metric").sig("'l2'") = "l2", nb::kw_only(),
      nb::arg("dtype") = nb::none(), nb::arg("on_duplicate") = "error",
      "Builds an empty index.\n\n"
      "spec: what it is made of, e.g. \"Flat\" (exact search) or \"Flat,dtype=float16\".\n"
      "    \"Flat,exact=fp32\" keeps no shadows of one byte a dimension beside the rows.\n"
      "dim: number of dimensions, 1 to 65536.\n"
      "metric: \"l2\" (squared), \"ip\", \"cosine\", \"l1\", ... or a METRIC_ constant.\n"
      "dtype: how rows are stored: \"float32\" (default), \"float16\", \"bfloat16\", \"int8\", \"uint8\".\n"
      "on_duplicate: what add() does with an id that is there already: \"error\", \"replace\" or \"allow\".\n"
      "Raises InvalidArgument (a ValueError) for a spec, dim or metric that does not exist.\n\n"
      "    >>> index = knear.index(\"Flat\", 3, \"cosine\")\n"
      "    >>> index.add([[1, 0, 0], [0, 1, 0]])\n"
      "    2\n"
      "    >>> index.search([[0, 2, 0]], 1)[1].tolist()\n"
      "    [[1]]\n");
  m.def(
      "index_factory",
      [](Int dim, const std::string& spec, const MetricLike& metric) {
        return nb::typed<nb::object, PyIndex>(wrap(build_from(spec, dim, metric, std::nullopt)));
      },
      nb::arg("d"), nb::arg("description"), nb::arg("metric").sig("1") = static_cast<int>(Metric::l2),
      "The field's name for index(description, d, metric).");
  m.def("_restore", [](nb::handle type, const nb::bytes& bytes, std::string_view on_duplicate) {
    const std::span<const Byte> view(static_cast<const Byte*>(bytes.data()), bytes.size());
    std::shared_ptr<Index> index = without_gil([&] { return from_bytes(view); });
    return nb::typed<nb::object, PyIndex>(wrap_as(type, std::move(index), on_duplicate_of(on_duplicate)));
  });
}

const char* shape_of(const Index& index) {
  if (const auto* dedup = dynamic_cast<const DedupIndex*>(&index)) return shape_of(dedup->base());
  if (dynamic_cast<const IvfIndex*>(&index)) return "ivf";
  if (dynamic_cast<const GraphIndex*>(&index)) return "graph";
  if (dynamic_cast<const RefineIndex*>(&index)) return "refine";
  return dynamic_cast<const PreTransformIndex*>(&index) ? "pretransform" : "scan";
}

}  // namespace

Index& PyIndex::writable() const {
  if (const auto owner = whole.lock())
    throw Error(Error::wrong_state, "this index is a part of \"" + owner->spec() +
                                        "\": what changes it goes through that index; it may be searched and read");
  return *index;
}

nb::object wrap(std::shared_ptr<Index> index, OnDuplicate on_duplicate) {
  const nb::object type =
      nb::module_::import_("knear._names")
          .attr("class_of")(index->spec(), static_cast<int>(index->metric().kind), index->dim(), shape_of(*index));
  return wrap_as(type, std::move(index), on_duplicate);
}

void init_index(nb::module_& m) {
  nb::class_<PyIndex> type(
      m, "Index", nb::is_weak_referenceable(),
      "Vectors in, nearest vectors out. knear.index() and the classes named Index... build one.\n\n"
      "Every call checks its arguments and raises a knear.Error that names the numbers; a call that raises leaves\n"
      "the index as it was. Searches run safely from many threads, also while others add or remove. Vectors are\n"
      "any array of shape (n, dim): numpy, torch, JAX or another DLPack or buffer object, or lists. float32,\n"
      "float16, bfloat16, int8 and uint8 with consecutive elements in each row are read where they lie; other\n"
      "numbers and layouts are copied to float32 first.");
  define_building(type);
  define_description(type);
  define_facts(type);
  define_rows(type);
  define_search(type);
  define_files(type);
  define_codes(type);
  define_functions(m);
}

}  // namespace knear::python
