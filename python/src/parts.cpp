// Files of indexes that memory does not hold: merged from parts, or built part by part.
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string_view.h>
#include <nanobind/stl/vector.h>

#include <filesystem>
#include <string>
#include <vector>

#include "arrays.h"
#include "call.h"
#include "knear/io.h"
#include "module.h"

namespace knear::python {

namespace {

// Copying always takes its time.
constexpr double kLong = 1e18;

MergeIds merge_ids_of(std::string_view name) {
  if (name == "keep") return MergeIds::keep;
  if (name == "shift") return MergeIds::shift;
  throw Error(Error::invalid_argument, "ids = \"" + std::string(name) + "\"; it must be \"keep\" or \"shift\"");
}

void merge(const PyIndex* first, const std::vector<FilePath>& files, const FilePath& to, std::string_view ids,
           std::string_view on_duplicate, const ProgressLike& progress) {
  std::vector<std::filesystem::path> paths;
  for (const FilePath& file : files) paths.push_back(file.path);
  Call call({std::nullopt, std::nullopt, progress}, kLong);
  const MergeOptions options{
      .ids = merge_ids_of(ids), .on_duplicate = on_duplicate_of(on_duplicate), .run = call.options()};
  call.run([&] { first ? merge_files(*first->index, paths, to.path, options) : merge_files(paths, to.path, options); });
}

// From now on the object is the index in the file.
void become(PyIndex& self, const FilePath& file) {
  self.writable();
  std::shared_ptr<Index> index = without_gil([&] { return load(file.path); });
  self.index.replace(std::move(index));
}

class PyFileBuilder {
 public:
  PyFileBuilder(PyIndex& index, const FilePath& path, Int memory, std::string_view on_duplicate)
      : builder_(writable(index), path.path,
                 {.memory_bytes = count_of(memory, "memory", 0), .on_duplicate = on_duplicate_of(on_duplicate)}) {}

  std::size_t add(const ArrayLike& x, const IdsLike& ids, const ProgressLike& progress) {
    const Rows rows(x, "x");
    AddOptions options;
    std::optional<Ids> given;
    if (!ids.is_none()) {
      options.ids = given.emplace(ids, "ids").view();
      if (options.ids.size() != rows.view().rows())
        throw Error(Error::invalid_argument,
                    std::to_string(options.ids.size()) + " ids for " + std::to_string(rows.view().rows()) + " rows");
    }
    Call call({std::nullopt, std::nullopt, progress}, kLong);
    options.run = call.options();
    std::size_t stored = 0;
    call.run([&] { stored = builder_.add(rows.view(), options); });
    return stored;
  }

  void finish(const ProgressLike& progress) {
    Call call({std::nullopt, std::nullopt, progress}, kLong);
    const RunOptions options = call.options();
    call.run([&] { builder_.finish(options); });
  }

  std::size_t parts() const { return builder_.parts(); }

 private:
  static std::shared_ptr<Index> writable(PyIndex& index) {
    index.writable();
    return index.index.shared();
  }

  FileBuilder builder_;
};

void define_builder(nb::module_& m) {
  nb::class_<PyFileBuilder>(m, "FileBuilder",
                            R"(Builds the file of an index that memory does not hold.

Rows that take more memory than they may go to parts beside the file, which become the file in the end.

    with knear.FileBuilder(index, "all.knear", memory=1 << 30) as builder:
        for block in blocks:
            builder.add(block)
    index = knear.load("all.knear")

index: trained and empty; it is empty again afterwards.
memory: bytes that rows may take, about; 0: half of what there is.
on_duplicate: what an id that comes twice means, "error", "replace" or "allow"; the end of a with block tells.)")
      .def(nb::init<PyIndex&, const FilePath&, Int, std::string_view>(), nb::arg("index"), nb::arg("path"),
           nb::kw_only(), nb::arg("memory").sig("0") = Int{0}, nb::arg("on_duplicate") = "error")
      .def("add", &PyFileBuilder::add, nb::arg("x"), nb::arg("ids") = nb::none(), nb::kw_only(),
           nb::arg("progress") = nb::none(),
           "Adds rows, n x d, with these ids or the next ones; gives how many were stored.")
      .def("finish", &PyFileBuilder::finish, nb::kw_only(), nb::arg("progress") = nb::none(),
           "Writes the file. Killed at any moment, the old file or the new one is there.")
      .def_prop_ro("parts", &PyFileBuilder::parts, "Parts written so far.")
      .def(
          "__enter__", [](nb::object self) { return self; }, nb::sig("def __enter__(self) -> FileBuilder"))
      .def(
          "__exit__",
          [](PyFileBuilder& self, nb::handle type, nb::handle, nb::handle) {
            if (type.is_none()) self.finish(ProgressLike());
          },
          nb::arg("type").none(), nb::arg("value").none(), nb::arg("traceback").none(),
          nb::sig("def __exit__(self, type: object, value: object, traceback: object) -> None"),
          "Finishes, unless something was raised.");
}

}  // namespace

void init_parts(nb::module_& m) {
  m.def("_merge_files", merge, nb::arg("first").none(), nb::arg("files"), nb::arg("to"), nb::arg("ids"),
        nb::arg("on_duplicate"), nb::arg("progress").none());
  m.def("_become", become, nb::arg("index"), nb::arg("file"));
  define_builder(m);
}

}  // namespace knear::python
