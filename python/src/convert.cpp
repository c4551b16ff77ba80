// The copies that Rows and Ids make of what they cannot borrow.
#include <cstring>
#include <limits>

#include "arrays.h"

namespace knear::python {

namespace {

[[noreturn]] void fail_type(const char* name, const std::string& found, const char* wanted) {
  throw Error(Error::wrong_type, std::string(name) + " holds " + found + "; it must hold " + wanted);
}

constexpr const char* kRowTypes =
    "float32, float16, bfloat16, int8 or uint8 (float64 and wider integers are converted)";

// Calls read(T{}) with the C++ type of the elements; false when they are no real numbers.
template <class Read>
bool with_element_type(nb::dlpack::dtype dtype, Read read) {
  using Code = nb::dlpack::dtype_code;
  if (dtype.lanes != 1) return false;
  const auto code = static_cast<Code>(dtype.code);
  if (code == Code::Float && dtype.bits == 64) return read(double{}), true;
  if (code == Code::Float && dtype.bits == 32) return read(float{}), true;
  if (code == Code::Int && dtype.bits == 64) return read(std::int64_t{}), true;
  if (code == Code::Int && dtype.bits == 32) return read(std::int32_t{}), true;
  if (code == Code::Int && dtype.bits == 16) return read(std::int16_t{}), true;
  if (code == Code::Int && dtype.bits == 8) return read(std::int8_t{}), true;
  if (code == Code::UInt && dtype.bits == 64) return read(std::uint64_t{}), true;
  if (code == Code::UInt && dtype.bits == 32) return read(std::uint32_t{}), true;
  if (code == Code::UInt && dtype.bits == 16) return read(std::uint16_t{}), true;
  if (code == Code::UInt && dtype.bits == 8) return read(std::uint8_t{}), true;
  return false;
}

// The element `offset` elements after the first; the memory need not be aligned.
template <class T>
T element(const nb::ndarray<nb::ro>& array, std::int64_t offset) noexcept {
  T value;
  std::memcpy(&value, static_cast<const Byte*>(array.data()) + offset * static_cast<std::int64_t>(sizeof(T)),
              sizeof(T));
  return value;
}

// Half-wide floats, whose elements do not lie one after the other: packed, then widened by the library.
void widen(const nb::ndarray<nb::ro>& array, DType dtype, Matrix& out) {
  Matrix row(dtype, 1, out.dim());
  auto* packed = reinterpret_cast<std::uint16_t*>(row.data());
  for (std::size_t i = 0; i < out.rows(); ++i) {
    const auto start = static_cast<std::int64_t>(i) * array.stride(0);
    for (std::size_t j = 0; j < out.dim(); ++j)
      packed[j] = element<std::uint16_t>(array, start + static_cast<std::int64_t>(j) * array.stride(1));
    MatrixView(row).copy_row(0, out.floats() + i * out.dim());
  }
}

template <class T>
void convert(const nb::ndarray<nb::ro>& array, Matrix& out) {
  float* to = out.floats();
  for (std::size_t i = 0; i < out.rows(); ++i) {
    const auto row = static_cast<std::int64_t>(i) * array.stride(0);
    for (std::size_t j = 0; j < out.dim(); ++j)
      *to++ = static_cast<float>(element<T>(array, row + static_cast<std::int64_t>(j) * array.stride(1)));
  }
}

}  // namespace

Matrix floats_of(const nb::ndarray<nb::ro>& array, const char* name) {
  Matrix out(DType::f32, array.shape(0), array.shape(1));
  DType dtype = DType::f32;
  if (is_row_dtype(array.dtype(), dtype) && bytes_of(dtype) == 2) {
    widen(array, dtype, out);
  } else if (!with_element_type(array.dtype(), [&]<class T>(T) { convert<T>(array, out); })) {
    fail_type(name, dtype_name(array.dtype()), kRowTypes);
  }
  return out;
}

namespace {

// One number of a list. bool is an integer to Python; as a vector's element it is a mistake.
float float_of(nb::handle number, const char* name) {
  if (!is_bool(number)) {
    const double value = PyFloat_AsDouble(number.ptr());
    if (value != -1.0 || !PyErr_Occurred()) return static_cast<float>(value);
    PyErr_Clear();
  }
  fail_type(name, type_text(number), kRowTypes);
}

std::vector<float> row_of(nb::handle row, const char* name) {
  std::vector<float> out;
  if (nb::isinstance<nb::list>(row) || nb::isinstance<nb::tuple>(row)) {
    out.reserve(nb::len(row));
    for (nb::handle number : row) out.push_back(float_of(number, name));
    return out;
  }
  const nb::ndarray<nb::ro> array = import_array(row, name);
  if (!array.is_valid() || array.ndim() != 1)
    throw Error(
        Error::invalid_argument,
        std::string(name) + " must be a list of rows, each a list of numbers; found a row of type " + type_text(row));
  out.resize(array.shape(0));
  const nb::ndarray<nb::ro> as_row(array.data(), {1, array.shape(0)}, nb::find(row), {0, array.stride(0)},
                                   array.dtype());
  const Matrix floats = floats_of(as_row, name);
  if (!out.empty()) std::memcpy(out.data(), floats.data(), out.size() * sizeof(float));
  return out;
}

}  // namespace

Matrix floats_of_lists(nb::handle rows, const char* name) {
  const std::size_t count = nb::len(rows);
  Matrix out;
  std::size_t i = 0;
  for (nb::handle item : rows) {
    const std::vector<float> row = row_of(item, name);
    if (i == 0) out = Matrix(DType::f32, count, row.size());
    if (row.size() != out.dim())
      throw Error(Error::invalid_argument, std::string(name) + " has rows of different lengths: row 0 has " +
                                               std::to_string(out.dim()) + " numbers, row " + std::to_string(i) +
                                               " has " + std::to_string(row.size()));
    if (!row.empty()) std::memcpy(out.floats() + i * out.dim(), row.data(), row.size() * sizeof(float));
    ++i;
  }
  return out;
}

std::vector<Id> ids_of(const nb::ndarray<nb::ro>& array, const char* name) {
  if (array.ndim() != 1)
    throw Error(Error::invalid_argument, std::string(name) + " must have 1 dimension, not " +
                                             std::to_string(array.ndim()) + " with shape " + shape_text(array));
  std::vector<Id> out(array.shape(0));
  const bool integers = with_element_type(array.dtype(), [&]<class T>(T) {
    if constexpr (std::is_integral_v<T>) {
      for (std::size_t i = 0; i < out.size(); ++i) {
        const T value = element<T>(array, static_cast<std::int64_t>(i) * array.stride(0));
        if (std::is_same_v<T, std::uint64_t> && static_cast<std::uint64_t>(value) > std::numeric_limits<Id>::max())
          throw Error(Error::invalid_argument, std::string(name) + "[" + std::to_string(i) +
                                                   "] = " + std::to_string(value) + " does not fit in 64 signed bits");
        out[i] = static_cast<Id>(value);
      }
    } else if (!out.empty()) {
      fail_type(name, dtype_name(array.dtype()), "integers");
    }
  });
  if (!integers) fail_type(name, dtype_name(array.dtype()), "integers");
  return out;
}

Id id_of(nb::handle id, const char* name) {
  if (!is_integer(id)) fail_type(name, type_text(id), "integers");
  int overflow = 0;
  const long long value = PyLong_AsLongLongAndOverflow(nb::steal(PyNumber_Index(id.ptr())).ptr(), &overflow);
  if (overflow)
    throw Error(Error::invalid_argument,
                std::string(name) + ": " + nb::str(id).c_str() + " does not fit in 64 signed bits");
  return value;
}

std::vector<Id> ids_of_list(nb::handle ids, const char* name) {
  if (is_integer(ids)) return {id_of(ids, name)};
  const bool iterable = nb::isinstance<nb::list>(ids) || nb::isinstance<nb::tuple>(ids) || PyAnySet_Check(ids.ptr()) ||
                        PyRange_Check(ids.ptr());
  if (!iterable) fail_type(name, type_text(ids), "integers");
  std::vector<Id> out;
  for (nb::handle id : ids) out.push_back(id_of(id, name));
  return out;
}

}  // namespace knear::python
