// Vector files of the field, to and from arrays.
#include "knear/dataset.h"

#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/unique_ptr.h>

#include <cstring>
#include <mutex>
#include <optional>

#include "arrays.h"
#include "call.h"
#include "module.h"

namespace knear::python {

namespace {

// knear.VectorFile: gives copies, so that arrays outlive the file and its next read.
class PyVectorFile {
 public:
  PyVectorFile(const FilePath& file, const std::string& dataset) : file_(open_vectors(file.path, dataset)) {}

  std::size_t rows() const noexcept { return file_->rows(); }
  std::size_t dim() const noexcept { return file_->dim(); }
  // numpy knows no bfloat16, so that it is given as float32.
  DType dtype() const noexcept { return file_->dtype() == DType::bf16 ? DType::f32 : file_->dtype(); }

  Matrix read(std::size_t first, std::size_t count) {
    const std::lock_guard lock(mutex_);
    const MatrixView view = file_->read(first, count);
    Matrix out(dtype(), view.rows(), view.dim());
    const std::size_t row_bytes = view.dim() * bytes_of(out.dtype());
    for (std::size_t i = 0; i < view.rows(); ++i) {
      if (view.dtype() == out.dtype())
        std::memcpy(out.data() + i * row_bytes, view.row(i), row_bytes);
      else
        view.copy_row(i, out.floats() + i * view.dim());
    }
    return out;
  }

 private:
  std::unique_ptr<VectorFile> file_;
  std::mutex mutex_;
};

nb::typed<nb::object, AnyArray> read(PyVectorFile& file, std::size_t first, std::size_t count) {
  return nb::typed<nb::object, AnyArray>(make_array(without_gil([&] { return file.read(first, count); })));
}

nb::typed<nb::object, AnyArray> read_block(PyVectorFile& file, Int first, std::optional<Int> count) {
  const std::size_t start = count_of(first, "first", 0);
  const std::size_t rest = file.rows() - std::min(start, file.rows());
  const std::size_t wanted = count ? count_of(*count, "count", 0) : rest;
  if (start > file.rows() || wanted > rest)
    throw Error(Error::invalid_argument, "rows " + std::to_string(start) + " to " + std::to_string(start + wanted) +
                                             " of a file of " + std::to_string(file.rows()));
  return read(file, start, wanted);
}

void define_vector_file(nb::module_& m) {
  nb::class_<PyVectorFile>(m, "VectorFile", "A file of vectors, read by block; open_vectors() gives one.")
      .def("__len__", &PyVectorFile::rows)
      .def_prop_ro("rows", &PyVectorFile::rows)
      .def_prop_ro("dim", &PyVectorFile::dim)
      .def_prop_ro(
          "shape", [](const PyVectorFile& self) { return nb::make_tuple(self.rows(), self.dim()); },
          nb::sig("def shape(self) -> tuple[int, int]"), "(rows, dim).")
      .def_prop_ro("dtype", [](const PyVectorFile& self) { return name_of(self.dtype()); })
      .def("read", read_block, nb::arg("first").sig("0") = Int{0}, nb::arg("count") = nb::none(),
           "Rows first to first + count (all the rest when not said) as a new array of shape (count, dim).")
      .def(
          "__getitem__",
          [](PyVectorFile& self, const nb::slice& rows) {
            const auto [start, stop, step, length] = rows.compute(self.rows());
            (void)stop;
            if (step != 1) throw Error(Error::invalid_argument, "a file of vectors is read in steps of 1");
            return read(self, static_cast<std::size_t>(start), length);
          },
          nb::arg("rows"), "file[a:b]: rows a to b as a new array.");
}

void write_rows(const FilePath& file, const ArrayLike& x) {
  const Rows rows(x, "x");
  without_gil([&] {
    const auto writer = create_vectors(file.path, rows.view().dim(), rows.view().dtype());
    writer->append(rows.view());
    writer->finish();
  });
}

void define_reading(nb::module_& m) {
  m.def(
      "open_vectors",
      [](const FilePath& file, const std::string& dataset) {
        return without_gil([&] { return std::make_unique<PyVectorFile>(file, dataset); });
      },
      nb::arg("path"), nb::arg("dataset") = "",
      "Opens a file of vectors (.fvecs, .bvecs, .npy, .fbin, .u8bin, .i8bin) to be read by block.\n\n"
      "dataset: which part of a file that holds several.\n"
      "Raises IoFailure or CorruptFile (OSErrors), Unsupported for another kind of file.");
  m.def(
      "read_vectors",
      [](const FilePath& file, const std::string& dataset) {
        PyVectorFile vectors(file, dataset);
        return read(vectors, 0, vectors.rows());
      },
      nb::arg("path"), nb::arg("dataset") = "",
      "A whole file of vectors as an array of shape (rows, dim). See open_vectors().");
  m.def(
      "read_ids",
      [](const FilePath& file, const std::string& dataset) {
        IdMatrix found = without_gil([&] { return read_ids(file.path, dataset); });
        return nb::typed<nb::object, IdArray>(make_array(std::move(found.ids), {found.rows, found.k}));
      },
      nb::arg("path"), nb::arg("dataset") = "",
      "A whole file of ids (.ivecs, .ibin, .npy of integers), e.g. a ground truth: int64 of shape (rows, k).");
  m.def("write_vectors", write_rows, nb::arg("path"), nb::arg("x"),
        "Writes rows x of shape (n, dim) as .fvecs, .bvecs, .npy, .fbin, .u8bin or .i8bin. Raises WrongType when the\n"
        "format cannot hold the element type.");
}

}  // namespace

void init_datasets(nb::module_& m) {
  define_vector_file(m);
  define_reading(m);
}

}  // namespace knear::python
