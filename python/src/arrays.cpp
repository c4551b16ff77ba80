#include "arrays.h"

#include <nanobind/stl/string.h>

#include <sstream>

namespace knear::python {

namespace {

[[noreturn]] void fail(Error::Kind kind, const std::string& message) { throw Error(kind, message); }

template <class Array>
void require_cpu(const Array& array, const char* name) {
  if (array.device_type() == nb::device::cpu::value || array.device_type() == nb::device::cuda_host::value) return;
  fail(Error::wrong_type, std::string(name) +
                              " is on a GPU or another device: move it to the CPU first, for example by " + name +
                              ".cpu()");
}

bool is_sequence(nb::handle object) { return nb::isinstance<nb::list>(object) || nb::isinstance<nb::tuple>(object); }

[[noreturn]] void fail_no_rows(nb::handle object, const char* name) {
  fail(Error::wrong_type,
       std::string(name) + " must be an array of numbers with two dimensions, not " + type_text(object));
}

void require_rank_2(const nb::ndarray<nb::ro>& array, const char* name) {
  if (array.ndim() == 2) return;
  std::string message = std::string(name) + " must have 2 dimensions (rows, dim), not " + std::to_string(array.ndim()) +
                        " with shape " + shape_text(array);
  if (array.ndim() == 1) message += std::string("; for one row use ") + name + "[None, :]";
  fail(Error::invalid_argument, message);
}

}  // namespace

std::string dtype_name(nb::dlpack::dtype dtype) {
  using Code = nb::dlpack::dtype_code;
  const std::string bits = std::to_string(dtype.bits);
  switch (static_cast<Code>(dtype.code)) {
    case Code::Int:
      return "int" + bits;
    case Code::UInt:
      return "uint" + bits;
    case Code::Float:
      return "float" + bits;
    case Code::Bfloat:
      return "bfloat" + bits;
    case Code::Complex:
      return "complex" + bits;
    case Code::Bool:
      return "bool";
    default:
      return "an unknown type of " + bits + " bits";
  }
}

std::string shape_text(const nb::ndarray<nb::ro>& array) {
  std::ostringstream out;
  out << '(';
  for (std::size_t i = 0; i < array.ndim(); ++i) out << (i ? ", " : "") << array.shape(i);
  out << (array.ndim() == 1 ? ",)" : ")");
  return std::move(out).str();
}

bool is_row_dtype(nb::dlpack::dtype dtype, DType& out) noexcept {
  using Code = nb::dlpack::dtype_code;
  if (dtype.lanes != 1) return false;
  switch (static_cast<Code>(dtype.code)) {
    case Code::Float:
      out = dtype.bits == 32 ? DType::f32 : DType::f16;
      return dtype.bits == 32 || dtype.bits == 16;
    case Code::Bfloat:
      out = DType::bf16;
      return dtype.bits == 16;
    case Code::Int:
      out = DType::i8;
      return dtype.bits == 8;
    case Code::UInt:
      out = DType::u8;
      return dtype.bits == 8;
    default:
      return false;
  }
}

nb::ndarray<nb::ro> import_array(nb::handle object, const char* name) {
  nb::ndarray<nb::ro> array;
  if (!nb::try_cast(object, array)) {
    // A tensor that records gradients exports its memory only when it is asked to stop.
    if (!nb::hasattr(object, "detach") || !nb::try_cast(object.attr("detach")(), array)) return {};
  }
  require_cpu(array, name);
  return array;
}

nb::ndarray<> import_writable(nb::handle object, const char* name) {
  nb::ndarray<> array;
  if (!nb::try_cast(object, array, false)) return {};
  require_cpu(array, name);
  return array;
}

bool is_bool(nb::handle object) {
  if (PyBool_Check(object.ptr())) return true;
  const std::string type = type_text(object);
  return type == "bool" || type == "bool_";
}

bool is_integer(nb::handle object) {
  if (PyLong_CheckExact(object.ptr())) return true;
  return PyIndex_Check(object.ptr()) && !is_bool(object) && !nb::hasattr(object, "__dlpack__");
}

NumpyArray import_by_numpy(nb::handle object, const char* name) {
  if (!nb::hasattr(object, "__array__") && !nb::hasattr(object, "__array_interface__")) return {};
  nb::object array = nb::module_::import_("numpy").attr("asarray")(object);
  const std::string dtype = nb::cast<std::string>(array.attr("dtype").attr("name"));
  if (dtype == "bfloat16") return {import_array(array.attr("view")("uint16"), name), true};
  const std::string kind = nb::cast<std::string>(array.attr("dtype").attr("kind"));
  if (kind != "f" && kind != "i" && kind != "u")
    fail(Error::wrong_type, std::string(name) + " holds " + dtype + ", which is no vector of numbers");
  return {import_array(array.attr("astype")(kind == "f" ? "float64" : "int64"), name), false};
}

// ---------------------------------------------------------------------------------------------------------------

Rows::Rows(nb::handle object, const char* name) {
  if (is_sequence(object)) {
    copy_ = floats_of_lists(object, name);
    view_ = copy_;
    return;
  }
  nb::ndarray<nb::ro> array = import_array(object, name);
  DType dtype = DType::bf16;
  bool borrowable = array.is_valid() && is_row_dtype(array.dtype(), dtype);
  if (!array.is_valid()) {
    NumpyArray found = import_by_numpy(object, name);
    if (!found.array.is_valid()) fail_no_rows(object, name);
    array = std::move(found.array);
    borrowable = found.bfloat16 || is_row_dtype(array.dtype(), dtype);
  }
  require_rank_2(array, name);
  const bool packed_rows = array.shape(1) < 2 || array.stride(1) == 1;
  const bool aligned = borrowable && reinterpret_cast<std::uintptr_t>(array.data()) % bytes_of(dtype) == 0;
  if (aligned && packed_rows) {
    borrow(array, dtype);
  } else {
    copy_ = floats_of(array, name);
    view_ = copy_;
  }
}

void Rows::borrow(const nb::ndarray<nb::ro>& array, DType dtype) {
  array_ = array;
  const auto stride = static_cast<std::ptrdiff_t>(array.stride(0)) * static_cast<std::ptrdiff_t>(bytes_of(dtype));
  view_ = MatrixView(array.data(), dtype, array.shape(0), array.shape(1), stride);
}

Ids::Ids(nb::handle object, const char* name) {
  nb::ndarray<nb::ro> array;
  if (nb::ndarray_check(object) && !is_integer(object)) {
    array = import_array(object, name);
    if (!array.is_valid()) array = import_by_numpy(object, name).array;
  }
  const bool int64 = array.is_valid() && array.dtype() == nb::dtype<Id>();
  if (int64 && array.ndim() == 1 && (array.shape(0) < 2 || array.stride(0) == 1)) {
    array_ = array;
    view_ = {static_cast<const Id*>(array.data()), array.shape(0)};
    return;
  }
  copy_ = array.is_valid() ? ids_of(array, name) : ids_of_list(object, name);
  view_ = copy_;
}

// ---------------------------------------------------------------------------------------------------------------

Framework framework_of(nb::handle queries) {
  if (!nb::hasattr(queries, "__dlpack__")) return Framework::numpy;
  // Only a framework that is imported can have made the object.
  const auto is_a = [&](const char* package, const char* type) {
    const nb::handle module = PyDict_GetItemString(PyImport_GetModuleDict(), package);
    const nb::object known = module.is_valid() ? nb::getattr(module, type, nb::none()) : nb::none();
    return PyType_Check(known.ptr()) && PyObject_IsInstance(queries.ptr(), known.ptr()) == 1;
  };
  if (is_a("torch", "Tensor")) return Framework::torch;
  if (is_a("jax", "Array")) return Framework::jax;
  return Framework::numpy;
}

namespace {

bool has_numpy() {
  static const bool found = [] {
    try {
      nb::module_::import_("numpy");
      return true;
    } catch (nb::python_error& error) {
      if (!error.matches(PyExc_ImportError)) throw;
      return false;
    }
  }();
  return found;
}

nb::object export_array(void* data, nb::dlpack::dtype dtype, std::initializer_list<std::size_t> shape,
                        const nb::capsule& owner, Framework framework) {
  const auto as = [&](auto tag) {
    return nb::cast(nb::ndarray<decltype(tag)>(data, shape.size(), shape.begin(), owner, nullptr, dtype));
  };
  if (framework == Framework::torch) return as(nb::pytorch());
  if (framework == Framework::jax) return as(nb::jax());
  return has_numpy() ? as(nb::numpy()) : as(nb::memview());
}

nb::dlpack::dtype dlpack_of(DType dtype) {
  switch (dtype) {
    case DType::f32:
      return nb::dtype<float>();
    case DType::f16:
      return {static_cast<std::uint8_t>(nb::dlpack::dtype_code::Float), 16, 1};
    case DType::bf16:
      return {static_cast<std::uint8_t>(nb::dlpack::dtype_code::Bfloat), 16, 1};
    case DType::i8:
      return nb::dtype<std::int8_t>();
    case DType::u8:
      return nb::dtype<std::uint8_t>();
  }
  return {};
}

template <class T>
void fail_out(const char* name, const std::string& found, std::size_t rows, std::size_t columns) {
  fail(Error::invalid_argument, std::string(name) + " must be a packed, writable " + dtype_name(nb::dtype<T>()) +
                                    " array of shape (" + std::to_string(rows) + ", " + std::to_string(columns) +
                                    "), not " + found);
}

}  // namespace

template <class T>
nb::object make_array(std::unique_ptr<T[]> values, std::initializer_list<std::size_t> shape, Framework framework) {
  T* data = values.get();
  nb::capsule owner(data, [](void* p) noexcept { delete[] static_cast<T*>(p); });
  (void)values.release();
  return export_array(data, nb::dtype<T>(), shape, owner, framework);
}

template <class T>
nb::object make_array(std::vector<T>&& values, std::initializer_list<std::size_t> shape, Framework framework) {
  auto kept = std::make_unique<std::vector<T>>(std::move(values));
  nb::capsule owner(kept.get(), [](void* p) noexcept { delete static_cast<std::vector<T>*>(p); });
  std::vector<T>* vector = kept.release();
  static T nothing;  // an array of no elements still needs an address
  return export_array(vector->empty() ? &nothing : vector->data(), nb::dtype<T>(), shape, owner, framework);
}

nb::object make_array(Matrix&& matrix, Framework framework) {
  auto kept = std::make_unique<Matrix>(std::move(matrix));
  nb::capsule owner(kept.get(), [](void* p) noexcept { delete static_cast<Matrix*>(p); });
  Matrix* rows = kept.release();
  static Byte nothing;
  void* data = rows->data() ? rows->data() : &nothing;
  return export_array(data, dlpack_of(rows->dtype()), {rows->rows(), rows->dim()}, owner, framework);
}

template <class T>
std::unique_ptr<T[]> allocate(std::size_t rows, std::size_t columns) {
  std::size_t count = 0;
  std::size_t bytes = 0;
  if (__builtin_mul_overflow(rows, columns, &count) || __builtin_mul_overflow(count, sizeof(T), &bytes) ||
      bytes > static_cast<std::size_t>(PTRDIFF_MAX))
    fail(Error::out_of_memory,
         std::to_string(rows) + " x " + std::to_string(columns) + " results do not fit in memory");
  T* values = new (std::nothrow) T[std::max<std::size_t>(count, 1)];
  if (!values)
    fail(Error::out_of_memory, "no memory for " + std::to_string(rows) + " x " + std::to_string(columns) + " results");
  return std::unique_ptr<T[]>(values);
}

template <class T>
std::span<T> writable(nb::handle object, std::size_t rows, std::size_t columns, const char* name) {
  const nb::ndarray<> array = import_writable(object, name);
  if (!array.is_valid()) fail_out<T>(name, "a read-only or other " + type_text(object), rows, columns);
  if (array.dtype() != nb::dtype<T>()) fail_out<T>(name, dtype_name(array.dtype()), rows, columns);
  const bool shape_fits = array.ndim() == 2 && array.shape(0) == rows && array.shape(1) == columns;
  if (!shape_fits) fail_out<T>(name, "shape " + shape_text(nb::ndarray<nb::ro>(array)), rows, columns);
  const bool packed =
      (columns < 2 || array.stride(1) == 1) && (rows < 2 || array.stride(0) == static_cast<std::int64_t>(columns));
  if (!packed) fail_out<T>(name, "one with gaps between its elements", rows, columns);
  return {static_cast<T*>(array.data()), rows * columns};
}

template nb::object make_array(std::unique_ptr<float[]>, std::initializer_list<std::size_t>, Framework);
template nb::object make_array(std::unique_ptr<Id[]>, std::initializer_list<std::size_t>, Framework);
template nb::object make_array(std::vector<float>&&, std::initializer_list<std::size_t>, Framework);
template nb::object make_array(std::vector<Id>&&, std::initializer_list<std::size_t>, Framework);
template nb::object make_array(std::vector<Byte>&&, std::initializer_list<std::size_t>, Framework);
template std::unique_ptr<float[]> allocate(std::size_t, std::size_t);
template std::unique_ptr<Id[]> allocate(std::size_t, std::size_t);
template std::span<float> writable(nb::handle, std::size_t, std::size_t, const char*);
template std::span<Id> writable(nb::handle, std::size_t, std::size_t, const char*);

}  // namespace knear::python
