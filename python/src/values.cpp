// The small values that calls give back: read-only fields and a readable repr.
#include <nanobind/stl/map.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <sstream>

#include "call.h"
#include "knear/io.h"
#include "knear/params.h"
#include "module.h"

namespace knear::python {

namespace {

// "Name(field=value, ...)" from the fields that a class lists in __match_args__.
nb::object describe(nb::handle self) {
  nb::list parts;
  for (nb::handle field : self.type().attr("__match_args__"))
    parts.append(nb::str("{}={!r}").format(field, nb::getattr(self, field)));
  return nb::str("{}({})").format(self.type().attr("__name__"), nb::str(", ").attr("join")(parts));
}

template <class T>
void finish(nb::class_<T>& type, const char* const* names, std::size_t count) {
  nb::list shown;
  for (std::size_t i = 0; i < count; ++i) shown.append(nb::str(names[i]));
  type.attr("__match_args__") = nb::tuple(shown);
  type.def(
      "__repr__", [](nb::handle self) { return describe(self); }, nb::sig("def __repr__(self) -> str"));
}

template <class T, std::size_t kCount>
void finish(nb::class_<T>& type, const char* const (&names)[kCount]) {
  finish(type, names, kCount);
}

void define_progress(nb::module_& m) {
  auto type =
      nb::class_<News>(m, "Progress", "Where a long call stands; a progress function receives one ten times a second.");
  type.def_ro("phase", &News::phase, "What is going on: \"add\", \"search\", \"read\", ...")
      .def_ro("done", &News::done, "Rows or queries done.")
      .def_prop_ro(
          "total", [](const News& news) { return news.total ? std::optional(news.total) : std::nullopt; },
          "Rows or queries in all; None when unknown.")
      .def_ro("rate", &News::rate, "Rows or queries per second since the start.")
      .def_prop_ro(
          "eta",
          [](const News& news) {
            const bool known = news.eta_seconds > 0 || (news.total && news.done >= news.total);
            return known ? std::optional(news.eta_seconds) : std::nullopt;
          },
          "Seconds left at that rate; None when unknown.");
  finish(type, {"phase", "done", "total", "rate", "eta"});
}

void define_statistics(nb::module_& m) {
  auto search = nb::class_<SearchStats>(m, "SearchStats", "What one search did, summed over its queries.");
  search.def_ro("queries", &SearchStats::queries, "Queries searched.")
      .def_ro("rows_scored", &SearchStats::rows_scored, "Pairs of query and stored row that were looked at.")
      .def_ro("bytes_scored", &SearchStats::bytes_scored, "Bytes of their codes.")
      .def_ro("rows_reranked", &SearchStats::rows_reranked, "Of these, pairs ranked by the exact float64 distance.")
      .def_ro("lists_visited", &SearchStats::lists_visited, "Pairs of query and cell, of indexes with cells.")
      .def_ro("coarse_seconds", &SearchStats::coarse_seconds, "Of the wall time, what it took to choose cells.")
      .def_ro("scan_seconds", &SearchStats::scan_seconds, "Of the wall time, what it took to look into lists.")
      .def_ro("seconds", &SearchStats::seconds, "Wall time in seconds.");
  finish(search, {"queries", "rows_scored", "bytes_scored", "rows_reranked", "lists_visited", "coarse_seconds",
                  "scan_seconds", "seconds"});

  auto index = nb::class_<IndexStats>(m, "IndexStats", "The size of an index.");
  index.def_ro("ntotal", &IndexStats::ntotal, "Live vectors.")
      .def_ro("distinct_rows", &IndexStats::distinct_rows,
              "Rows that are stored, where equal ones are stored once; 0: each vector is.")
      .def_ro("removed_slots", &IndexStats::removed_slots, "Removed vectors whose space is not yet reused.")
      .def_ro("code_bytes", &IndexStats::code_bytes, "Bytes per vector.")
      .def_ro("memory_bytes", &IndexStats::memory_bytes, "Bytes of heap held, without mapped files.")
      .def_ro("mapped_bytes", &IndexStats::mapped_bytes, "Bytes of mapped files.")
      .def_ro("shadow_bytes", &IndexStats::shadow_bytes,
              "Bytes per vector of what exact searches compare first; 0: the vectors themselves.")
      .def_ro("shadow", &IndexStats::shadow, "What that is and how it fares, in words; empty without.");
  finish(index, {"ntotal", "distinct_rows", "removed_slots", "code_bytes", "memory_bytes", "mapped_bytes",
                 "shadow_bytes", "shadow"});
}

void define_capabilities(nb::module_& m) {
  auto type = nb::class_<Capabilities>(m, "Capabilities", "Which operations have a fast path; all of them work.");
  type.def_ro("exact", &Capabilities::exact, "Answers are provably the nearest.")
      .def_ro("needs_training", &Capabilities::needs_training, "train() comes before add().")
      .def_ro("fast_remove", &Capabilities::fast_remove)
      .def_ro("fast_range_search", &Capabilities::fast_range_search)
      .def_ro("fast_filter", &Capabilities::fast_filter)
      .def_ro("mmap", &Capabilities::mmap, "Searchable straight from a mapped file.")
      .def_ro("keeps_rows", &Capabilities::keeps_rows,
              "get() gives vectors as they were added, rounded to dtype at most.");
  finish(type, {"exact", "needs_training", "fast_remove", "fast_range_search", "fast_filter", "mmap", "keeps_rows"});
}

void define_report(nb::module_& m) {
  auto type = nb::class_<Report>(m, "Report", "The outcome of a health check.");
  type.def_ro("ok", &Report::ok, "True when nothing is wrong.")
      .def_ro("problems", &Report::problems, "One sentence for each thing that is.");
  finish(type, {"ok", "problems"});
}

void define_file_info(nb::module_& m) {
  auto section = nb::class_<FileInfo::Section>(m, "FileSection", "One section of an index file.");
  section.def_ro("name", &FileInfo::Section::name)
      .def_ro("version", &FileInfo::Section::version)
      .def_ro("offset", &FileInfo::Section::offset, "Bytes from the start of the file.")
      .def_ro("length", &FileInfo::Section::length, "Bytes.");
  finish(section, {"name", "version", "offset", "length"});

  auto info = nb::class_<FileInfo>(m, "FileInfo", "What an index file says of itself.");
  info.def_ro("format_version", &FileInfo::format_version)
      .def_ro("file_bytes", &FileInfo::file_bytes)
      .def_ro("spec", &FileInfo::spec, "The string that rebuilds the index.")
      .def_ro("metric", &FileInfo::metric)
      .def_ro("dim", &FileInfo::dim)
      .def_ro("ntotal", &FileInfo::ntotal, "Vectors.")
      .def_prop_ro(
          "metadata", [](const FileInfo& self) { return decoded(self.metadata); },
          nb::sig("def metadata(self) -> dict[str, str | bytes]"), "The user's own facts.")
      .def_ro("sections", &FileInfo::sections);
  finish(info, {"format_version", "file_bytes", "spec", "metric", "dim", "ntotal", "metadata", "sections"});
}

}  // namespace

nb::dict decoded(const std::map<std::string, std::string>& metadata) {
  nb::dict out;
  for (const auto& [key, value] : metadata) {
    PyObject* text = PyUnicode_DecodeUTF8(value.data(), static_cast<Py_ssize_t>(value.size()), nullptr);
    if (!text) PyErr_Clear();
    out[nb::cast(key)] = text ? nb::steal(text) : nb::object(nb::bytes(value.data(), value.size()));
  }
  return out;
}

std::map<std::string, std::string> encoded(const nb::dict& metadata) {
  std::map<std::string, std::string> out;
  for (const auto& [key, value] : metadata) {
    if (!nb::isinstance<nb::str>(key))
      throw Error(Error::wrong_type, "metadata keys must be str, not " + type_text(key));
    if (nb::isinstance<nb::bytes>(value)) {
      const auto bytes = nb::borrow<nb::bytes>(value);
      out[nb::cast<std::string>(key)] = std::string(bytes.c_str(), bytes.size());
    } else if (nb::isinstance<nb::str>(value)) {
      out[nb::cast<std::string>(key)] = nb::cast<std::string>(value);
    } else {
      throw Error(Error::wrong_type, "metadata values must be str or bytes, not " + type_text(value));
    }
  }
  return out;
}

void init_values(nb::module_& m) {
  define_progress(m);
  define_statistics(m);
  define_capabilities(m);
  define_report(m);
  define_file_info(m);
}

}  // namespace knear::python
