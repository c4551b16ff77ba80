// Index files and bytes.
#include "knear/io.h"

#include <filesystem>
#include <system_error>

#include "arrays.h"
#include "call.h"
#include "module.h"

namespace knear::python {

namespace {

// Reading or writing so many bytes counts as work like so many elements.
double bytes_of_file(const FilePath& file) {
  std::error_code none;
  const std::uintmax_t bytes = std::filesystem::file_size(file.path, none);
  return none ? 0 : static_cast<double>(bytes);
}

void write(const PyIndex& self, const FilePath& file, const ProgressLike& progress) {
  const IndexStats stats = without_gil([&] { return self.index->stats(); });
  Call call({std::nullopt, std::nullopt, progress},
            static_cast<double>(stats.ntotal) * static_cast<double>(stats.code_bytes));
  const RunOptions options = call.options();
  call.run([&] { save(*self.index, file.path, options); });
}

std::vector<Byte> bytes_of(const PyIndex& self) {
  return without_gil([&] { return to_bytes(*self.index); });
}

nb::typed<nb::object, PyIndex> read(const FilePath& file, bool mmap, bool verify, const ProgressLike& progress) {
  Call call({std::nullopt, std::nullopt, progress}, mmap && !verify ? 0 : bytes_of_file(file));
  const LoadOptions options{.mmap = mmap, .verify = verify, .run = call.options()};
  std::unique_ptr<Index> index;
  call.run([&] { index = load(file.path, options); });
  return nb::typed<nb::object, PyIndex>(wrap(std::move(index)));
}

Report verify(const FilePath& file, const ProgressLike& progress) {
  Call call({std::nullopt, std::nullopt, progress}, bytes_of_file(file));
  const RunOptions options = call.options();
  Report report;
  call.run([&] { report = verify_file(file.path, options); });
  return report;
}

nb::typed<nb::object, PyIndex> parse(const ArrayLike& bytes) {
  const nb::ndarray<nb::ro> array = import_array(bytes, "data");
  if (!array.is_valid() || array.itemsize() != 1 || array.ndim() != 1 || (array.shape(0) > 1 && array.stride(0) != 1))
    throw Error(Error::wrong_type, "data must be bytes or a packed uint8 array");
  const std::span<const Byte> view(static_cast<const Byte*>(array.data()), array.shape(0));
  return nb::typed<nb::object, PyIndex>(wrap(without_gil([&] { return from_bytes(view); })));
}

void define_paths(nb::module_& m) {
  m.def("load", read, nb::arg("path"), nb::kw_only(), nb::arg("mmap") = true, nb::arg("verify") = false,
        nb::arg("progress") = nb::none(),
        R"(The index in a file that save() wrote.

mmap: True searches straight from the file, which opens in milliseconds at any size; False reads it into memory.
verify: checks every checksum first (reading into memory always does).
Raises IoFailure (an OSError) when the file cannot be read, CorruptFile (an OSError) when it is not an intact index.)");
  m.def(
      "read_index", [](const FilePath& file, bool mmap) { return read(file, mmap, false, ProgressLike()); },
      nb::arg("path"), nb::arg("mmap") = true, "The field's name for load(path).");
  m.def(
      "write_index", [](const PyIndex& index, const FilePath& file) { write(index, file, ProgressLike()); },
      nb::arg("index"), nb::arg("path"), "The field's name for index.save(path).");
  m.def(
      "inspect", [](const FilePath& file) { return without_gil([&] { return inspect(file.path); }); }, nb::arg("path"),
      "What an index file says of itself, as a FileInfo, without loading its vectors.");
  m.def("verify_file", verify, nb::arg("path"), nb::kw_only(), nb::arg("progress") = nb::none(),
        "Checks every checksum and cross-reference of an index file and gives a Report; damage does not raise.");
}

void define_bytes(nb::module_& m) {
  m.def("from_bytes", parse, nb::arg("data"),
        "The index in bytes that to_bytes() or serialize_index() gave. Raises CorruptFile when it is not intact.");
  m.def("deserialize_index", parse, nb::arg("data"), "The field's name for from_bytes(data).");
  m.def(
      "serialize_index",
      [](const PyIndex& index) {
        std::vector<Byte> bytes = bytes_of(index);
        const std::size_t count = bytes.size();
        return nb::typed<nb::object, ByteArray>(make_array(std::move(bytes), {count}));
      },
      nb::arg("index"), "The bytes of the index's file as a uint8 array.");
}

}  // namespace

void define_files(nb::class_<PyIndex>& type) {
  type.def("save", write, nb::arg("path"), nb::kw_only(), nb::arg("progress") = nb::none(),
           "Writes the index to one file. Killed at any moment, the old file or the new one is there.\n"
           "Raises IoFailure or Conflict (OSErrors).");
  type.def(
      "to_bytes",
      [](const PyIndex& self) {
        const std::vector<Byte> bytes = bytes_of(self);
        return nb::bytes(bytes.data(), bytes.size());
      },
      "What save() would write, as bytes.");
}

void init_files(nb::module_& m) {
  define_paths(m);
  define_bytes(m);
}

}  // namespace knear::python
