// Arrays from Python, borrowed where their memory can be used as it is, and arrays to Python.
#pragma once

#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>

#include <cstddef>
#include <memory>
#include <span>
#include <vector>

#include "knear/matrix.h"
#include "knear/selector.h"
#include "types.h"

namespace knear::python {

// Rows that the caller handed in: any DLPack object, buffer, object with __array__, or list of lists.
// float32, float16, bfloat16, int8 and uint8 whose rows have consecutive elements are borrowed, however
// far apart the rows lie; float64, wider integers and other layouts are copied to float32.
class Rows {
 public:
  // Throws Error::wrong_type for an element type that is no number, Error::invalid_argument for a rank
  // other than 2; messages call the argument `name`.
  Rows(nb::handle object, const char* name);

  const MatrixView& view() const noexcept { return view_; }
  bool borrowed() const noexcept { return array_.is_valid(); }

 private:
  void borrow(const nb::ndarray<nb::ro>& array, DType dtype);

  nb::ndarray<nb::ro> array_;  // keeps borrowed memory alive
  Matrix copy_;
  MatrixView view_;
};

// Ids that the caller handed in: an int64 array (borrowed), any other integers (copied), or one integer.
class Ids {
 public:
  // Throws Error::wrong_type for anything but integers, Error::invalid_argument for a rank other than 1.
  Ids(nb::handle object, const char* name);

  std::span<const Id> view() const noexcept { return view_; }

 private:
  nb::ndarray<nb::ro> array_;
  std::vector<Id> copy_;
  std::span<const Id> view_;
};

// The object as an array on the CPU, not valid when it is none. Throws Error::wrong_type when its memory
// is on another device.
nb::ndarray<nb::ro> import_array(nb::handle object, const char* name);

// The numpy view of an object that import_array cannot read, as an array of plain numbers.
struct NumpyArray {
  nb::ndarray<nb::ro> array;  // not valid when numpy cannot read it, either
  bool bfloat16 = false;      // the elements are bfloat16 under the name of uint16
};
NumpyArray import_by_numpy(nb::handle object, const char* name);

// One integer: Python's or numpy's, not a bool and not an array.
bool is_integer(nb::handle object);
// True or False, also numpy's.
bool is_bool(nb::handle object);

// Rank and element type for messages, e.g. "float64" and "(3, 4)".
std::string dtype_name(nb::dlpack::dtype dtype);
std::string shape_text(const nb::ndarray<nb::ro>& array);

// The DType of borrowable elements.
bool is_row_dtype(nb::dlpack::dtype dtype, DType& out) noexcept;

// Converts an array of any real numbers to float32 rows, rank 2. Throws Error::wrong_type for others.
Matrix floats_of(const nb::ndarray<nb::ro>& array, const char* name);
// Lists or tuples of numbers, each row a list or itself an array.
Matrix floats_of_lists(nb::handle rows, const char* name);
// Converts integers of any width. Throws Error::wrong_type for others, Error::invalid_argument past int64.
std::vector<Id> ids_of(const nb::ndarray<nb::ro>& array, const char* name);
// A list, tuple, set or range of integers; one integer.
std::vector<Id> ids_of_list(nb::handle ids, const char* name);
Id id_of(nb::handle id, const char* name);

// Whose arrays a caller gets back.
enum class Framework { numpy, torch, jax };
Framework framework_of(nb::handle queries);

// Gives memory to Python as an array of rank 1 or 2; without numpy, as a memoryview.
template <class T>
nb::object make_array(std::unique_ptr<T[]> values, std::initializer_list<std::size_t> shape,
                      Framework framework = Framework::numpy);
template <class T>
nb::object make_array(std::vector<T>&& values, std::initializer_list<std::size_t> shape,
                      Framework framework = Framework::numpy);
// A matrix of any element type; bfloat16 must not reach numpy and is refused.
nb::object make_array(Matrix&& matrix, Framework framework = Framework::numpy);

// Uninitialised memory for rows * columns results; Error::out_of_memory names both numbers.
template <class T>
std::unique_ptr<T[]> allocate(std::size_t rows, std::size_t columns);

// An array that the caller lets us write to; not valid when it may not be written. Throws Error::wrong_type
// when its memory is on another device.
nb::ndarray<> import_writable(nb::handle object, const char* name);
// An array that the caller made to receive results, checked to be rows x columns, writable and packed.
template <class T>
std::span<T> writable(nb::handle object, std::size_t rows, std::size_t columns, const char* name);

}  // namespace knear::python
