// knear.VectorTransform; the classes with the field's names are in _transforms.py.
#include "knear/transform.h"

#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>

#include <string>

#include "arrays.h"
#include "call.h"
#include "knear/codecs.h"
#include "knear/io.h"
#include "knear/scan.h"
#include "knear/spec.h"
#include "knear/wrap.h"
#include "module.h"

namespace knear::python {

namespace {

double elements_of(const MatrixView& rows) {
  return static_cast<double>(rows.rows()) * static_cast<double>(rows.dim());
}

using Floats = nb::typed<nb::object, FloatArray>;

// Training puts another transform in the place of this one: calls keep theirs.
void train(PyTransform& self, const ArrayLike& x, const ProgressLike& progress, std::optional<Int> num_threads) {
  const Rows rows(x, "x");
  Call call({num_threads, std::nullopt, progress}, elements_of(rows.view()) * static_cast<double>(rows.view().dim()));
  const std::shared_ptr<Transform> before = self.transform;
  std::shared_ptr<Transform> taught;
  call.run([&] { taught = train_transform(*before, rows.view(), {call.options()}); });
  if (taught) self.transform = std::move(taught);
}

Floats apply(const PyTransform& self, const ArrayLike& x, std::optional<Int> num_threads) {
  const Rows rows(x, "x");
  const std::shared_ptr<Transform> transform = self.transform;
  Call call({num_threads, std::nullopt, {}}, elements_of(rows.view()) * static_cast<double>(transform->dim_out()));
  Matrix images;
  call.run([&] { images = apply_transform(*transform, rows.view(), call.options()); });
  return Floats(make_array(std::move(images), framework_of(x)));
}

Floats reverse(const PyTransform& self, const ArrayLike& y, std::optional<Int> num_threads) {
  const Rows images(y, "y");
  const std::shared_ptr<Transform> transform = self.transform;
  Call call({num_threads, std::nullopt, {}}, elements_of(images.view()) * static_cast<double>(transform->dim_in()));
  Matrix rows;
  call.run([&] { rows = reverse_transform(*transform, images.view(), call.options()); });
  return Floats(make_array(std::move(rows), framework_of(y)));
}

// A transform travels as the empty index behind it.
std::unique_ptr<Index> carrier(const PyTransform& self) {
  auto index = std::make_unique<ScanIndex>(make_flat_codec(self.transform->dim_out(), Metric::l2));
  return std::make_unique<PreTransformIndex>(TransformChain{self.transform}, std::move(index));
}

PyTransform carried(const Index& index) {
  const auto* carrier = dynamic_cast<const PreTransformIndex*>(&index);
  if (!carrier || carrier->transforms().size() != 1)
    throw Error(Error::corrupt_file, "this holds \"" + index.spec() + "\", not one transform");
  return {carrier->transforms().front()};
}

nb::bytes bytes_of(const PyTransform& self) {
  const std::vector<Byte> bytes = without_gil([&] { return to_bytes(*carrier(self)); });
  return nb::bytes(bytes.data(), bytes.size());
}

// A transform of class `type` around another's contents.
nb::object wrap_as(nb::handle type, PyTransform transform) {
  nb::object self = nb::inst_alloc(type);
  new (nb::inst_ptr<PyTransform>(self)) PyTransform(std::move(transform));
  nb::inst_mark_ready(self);
  return self;
}

LinearForm form_of(const PyTransform& self) {
  const std::shared_ptr<Transform> transform = self.transform;
  if (!transform->is_trained())
    throw Error(Error::wrong_state, transform->spec() + " is not trained: call train first");
  auto form = without_gil([&] { return transform->linear_form(); });
  if (!form) throw Error(Error::unsupported, transform->spec() + " is not made of a matrix");
  return std::move(*form);
}

void set_matrix(PyTransform& self, const ArrayLike& A, const ArrayLike& b) {
  const Rows matrix(A, "A");
  std::vector<float> bias;
  if (!b.is_none()) {
    const Rows row(b, "b");
    bias.resize(row.view().dim());
    row.view().copy_row(0, bias.data());
  }
  const Transform& now = *self.transform;
  if (matrix.view().dim() != now.dim_in() || matrix.view().rows() != now.dim_out())
    throw Error(Error::invalid_argument, "A must have shape (" + std::to_string(now.dim_out()) + ", " +
                                             std::to_string(now.dim_in()) + "), not (" +
                                             std::to_string(matrix.view().rows()) + ", " +
                                             std::to_string(matrix.view().dim()) + ")");
  self.transform = make_linear(matrix.view(), bias);
}

void define_shape(nb::class_<PyTransform>& type) {
  type.def(
          "__init__",
          [](PyTransform* self, const std::string& spec, Int d_in) {
            new (self) PyTransform{transform_factory(count_of(d_in, "d_in", 1), spec)};
          },
          nb::arg("spec"), nb::arg("d_in"), "spec: its stage of a factory string, e.g. \"PCA64\".")
      .def_prop_ro(
          "d_in", [](const PyTransform& self) { return self.transform->dim_in(); }, "Dimensions of the rows.")
      .def_prop_ro(
          "d_out", [](const PyTransform& self) { return self.transform->dim_out(); }, "Dimensions of the images.")
      .def_prop_ro(
          "spec", [](const PyTransform& self) { return self.transform->spec(); }, "Its stage of a factory string.")
      .def_prop_ro(
          "is_trained", [](const PyTransform& self) { return self.transform->is_trained(); }, "Can it be applied?");
  type.def(
      "__repr__",
      [](nb::handle self) {
        const Transform& transform = *nb::cast<const PyTransform&>(self).transform;
        return "<knear." + nb::cast<std::string>(self.type().attr("__name__")) + " \"" + transform.spec() + "\", " +
               std::to_string(transform.dim_in()) + " to " + std::to_string(transform.dim_out()) + " dimensions>";
      },
      nb::sig("def __repr__(self) -> str"));
  type.def(
      "__reduce__",
      [](nb::handle self) {
        const nb::object restore = nb::module_::import_("knear._transforms").attr("restore");
        const nb::object state = nb::getattr(self, "__dict__", nb::none());
        return nb::make_tuple(restore, nb::make_tuple(self.type(), bytes_of(nb::cast<const PyTransform&>(self))),
                              state);
      },
      nb::sig("def __reduce__(self) -> tuple[object, ...]"), "Pickles and copies with what it has learned.");
}

void define_work(nb::class_<PyTransform>& type) {
  type.def(
      "train", train, nb::arg("x"), nb::kw_only(), nb::arg("progress") = nb::none(),
      nb::arg("num_threads") = nb::none(),
      "Learns from rows x of shape (n, d_in); nothing to learn is fine. Raises InvalidArgument when the rows are too\n"
      "few or hold NaN.");
  type.def("apply", apply, nb::arg("x"), nb::kw_only(), nb::arg("num_threads") = nb::none(),
           "The images of rows x of shape (n, d_in): float32 of shape (n, d_out). Raises WrongState before training.");
  type.def("apply_py", apply, nb::arg("x"), nb::kw_only(), nb::arg("num_threads") = nb::none(),
           "The field's name for apply(x).");
  type.def("reverse_transform", reverse, nb::arg("y"), nb::kw_only(), nb::arg("num_threads") = nb::none(),
           "The rows of shape (n, d_in) whose images are y of shape (n, d_out), but for what the transform took away.");
  type.def("_to_bytes", bytes_of, nb::sig("def _to_bytes(self) -> bytes"));
  type.def("_matrix", [](const PyTransform& self) { return Floats(make_array(form_of(self).matrix)); });
  type.def("_bias", [](const PyTransform& self) {
    std::vector<float> bias = form_of(self).bias;
    const std::size_t count = bias.size();
    return Floats(make_array(std::move(bias), {count}));
  });
  type.def("_is_orthonormal",
           [](const PyTransform& self) { return form_of(self).rows == LinearForm::Rows::orthonormal; });
  type.def(
      "_become",
      [](PyTransform& self, const std::string& spec) {
        self.transform = transform_factory(self.transform->dim_in(), spec);
      },
      nb::arg("spec"));
  type.def("_set_matrix", set_matrix, nb::arg("A"), nb::arg("b").none(), "b: a row, or None.");
}

}  // namespace

nb::object wrap(std::shared_ptr<Transform> transform) {
  const nb::object type = nb::module_::import_("knear._transforms").attr("class_of")(transform->spec());
  return wrap_as(type, {std::move(transform)});
}

void init_transforms(nb::module_& m) {
  nb::class_<PyTransform> type(m, "VectorTransform", nb::is_weak_referenceable(),
                               "Vector to vector, before it is coded. The classes PCAMatrix, OPQMatrix, ... make one.");
  define_shape(type);
  define_work(type);
  m.def("_restore_transform", [](nb::handle as, const nb::bytes& bytes) {
    const std::span<const Byte> view(static_cast<const Byte*>(bytes.data()), bytes.size());
    const auto index = without_gil([&] { return from_bytes(view); });
    return nb::typed<nb::object, PyTransform>(wrap_as(as, carried(*index)));
  });
  m.def(
      "write_VectorTransform",
      [](const PyTransform& transform, const FilePath& file) {
        without_gil([&] { save(*carrier(transform), file.path); });
      },
      nb::arg("transform"), nb::arg("path"), "Writes a transform, with what it has learned, to a file of its own.");
  m.def(
      "read_VectorTransform",
      [](const FilePath& file) {
        const auto index = without_gil([&] { return load(file.path, {.mmap = false}); });
        return nb::typed<nb::object, PyTransform>(wrap(carried(*index).transform));
      },
      nb::arg("path"), "The transform in a file that write_VectorTransform() wrote.");
}

}  // namespace knear::python
