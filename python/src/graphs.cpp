// Graphs; their classes are in _graphs.py.
#include "knear/graph.h"

#include "arrays.h"
#include "call.h"
#include "knear/wrap.h"
#include "module.h"

namespace knear::python {

namespace {

GraphIndex& graph_of(const PyIndex& self) {
  Index* index = &*self.index;
  if (const auto* dedup = dynamic_cast<const DedupIndex*>(index)) index = &*dedup->share_base();
  auto* graph = dynamic_cast<GraphIndex*>(index);
  if (!graph) throw Error(Error::wrong_type, self.index->spec() + " has no graph");
  return *graph;
}

nb::object degrees_of(const GraphStats& stats) {
  std::vector<Id> degrees(stats.degrees.begin(), stats.degrees.end());
  const std::size_t count = degrees.size();
  return make_array(std::move(degrees), {count});
}

void define_stats(nb::module_& m) {
  nb::class_<GraphStats>(m, "GraphStats",
                         "The edges of a graph on its lowest level. Vectors with equal codes share a place in it.")
      .def_prop_ro(
          "degrees", [](const GraphStats& self) { return nb::typed<nb::object, IdArray>(degrees_of(self)); },
          "How many vectors have no edge, one, two, ...: int64 of shape (max_degree + 1,).")
      .def_ro("mean_degree", &GraphStats::mean_degree, "Edges of a vector.")
      .def_ro("max_degree", &GraphStats::max_degree, "The most edges that one has.")
      .def_ro("orphans", &GraphStats::orphans, "Vectors to which no edge leads, but for the one where walks begin.")
      .def_ro("reachable", &GraphStats::reachable, "Share of the vectors that edges lead to from there: 1.0.")
      .def_ro("top_level", &GraphStats::top_level, "Levels above the lowest.")
      .def_ro("entry", &GraphStats::entry, "Id of the vector where walks begin; -1 when there is none.");
}

}  // namespace

void init_graphs(nb::module_& m) {
  define_stats(m);
  m.def("_M_of", [](const PyIndex& self) { return graph_of(self).M(); });
  m.def("_ef_search_of", [](const PyIndex& self) { return graph_of(self).ef_search(); });
  m.def("_set_ef_search", [](PyIndex& self, Int ef) { graph_of(self).set_ef_search(count_of(ef, "efSearch", 1)); });
  m.def("_ef_construction_of", [](const PyIndex& self) { return graph_of(self).ef_construction(); });
  m.def("_set_ef_construction",
        [](PyIndex& self, Int ef) { graph_of(self).set_ef_construction(count_of(ef, "efConstruction", 1)); });
  m.def("_alpha_of", [](const PyIndex& self) { return graph_of(self).alpha(); });
  m.def("_near_rows_of", [](const PyIndex& self) { return graph_of(self).near_rows(); });
  m.def("_graph_stats_of",
        [](const PyIndex& self) { return without_gil([&] { return graph_of(self).graph_stats(); }); });
}

}  // namespace knear::python
