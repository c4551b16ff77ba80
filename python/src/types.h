// Arguments and results as Python's type checkers see them (knear/typing.py). At run time each holds any
// object, and the function that reads it decides.
#pragma once

#include <nanobind/nanobind.h>
#include <nanobind/stl/filesystem.h>

#include <cstdint>
#include <filesystem>
#include <limits>
#include <string>

#include "knear/error.h"

namespace nb = nanobind;

namespace knear::python {

inline bool any_object(PyObject*) noexcept { return true; }

struct ArrayLike : nb::object {
  NB_OBJECT_DEFAULT(ArrayLike, nb::object, "knear.typing.ArrayLike", any_object)
};
struct IdsLike : nb::object {
  NB_OBJECT_DEFAULT(IdsLike, nb::object, "knear.typing.IdsLike", any_object)
};
struct FilterLike : nb::object {
  NB_OBJECT_DEFAULT(FilterLike, nb::object, "knear.typing.FilterLike", any_object)
};
struct MetricLike : nb::object {
  NB_OBJECT_DEFAULT(MetricLike, nb::object, "knear.typing.MetricLike", any_object)
};
struct ProgressLike : nb::object {
  NB_OBJECT_DEFAULT(ProgressLike, nb::object, "knear.typing.ProgressLike", any_object)
};
struct FloatArray : nb::object {
  NB_OBJECT_DEFAULT(FloatArray, nb::object, "knear.typing.FloatArray", any_object)
};
struct IdArray : nb::object {
  NB_OBJECT_DEFAULT(IdArray, nb::object, "knear.typing.IdArray", any_object)
};
struct AnyArray : nb::object {
  NB_OBJECT_DEFAULT(AnyArray, nb::object, "knear.typing.AnyArray", any_object)
};
struct ByteArray : nb::object {
  NB_OBJECT_DEFAULT(ByteArray, nb::object, "knear.typing.ByteArray", any_object)
};

// A Python integer (or numpy's); values past 64 bits saturate, so that the range check names them.
struct Int {
  std::int64_t value = 0;
};

// A path: str, bytes or os.PathLike.
struct FilePath {
  std::filesystem::path path;
};

// The name of an object's class, for messages.
std::string type_text(nb::handle object);

// The value as a count. Throws Error::invalid_argument when it is smaller than `least`.
std::size_t count_of(Int number, const char* name, std::int64_t least);

}  // namespace knear::python

template <>
struct nanobind::detail::type_caster<knear::python::Int> {
  NB_TYPE_CASTER(knear::python::Int, const_name("int"))

  bool from_python(handle source, std::uint32_t, cleanup_list*) noexcept {
    if (!PyIndex_Check(source.ptr())) return false;
    object number = steal(PyNumber_Index(source.ptr()));
    if (!number.is_valid()) {
      PyErr_Clear();
      return false;
    }
    int overflow = 0;
    value.value = PyLong_AsLongLongAndOverflow(number.ptr(), &overflow);
    if (overflow > 0) value.value = std::numeric_limits<std::int64_t>::max();
    if (overflow < 0) value.value = std::numeric_limits<std::int64_t>::min();
    return true;
  }

  static handle from_cpp(const knear::python::Int& number, rv_policy, cleanup_list*) noexcept {
    return PyLong_FromLongLong(number.value);
  }
};

template <>
struct nanobind::detail::type_caster<knear::python::FilePath> {
  NB_TYPE_CASTER(knear::python::FilePath, const_name("knear.typing.PathLike"))

  bool from_python(handle source, std::uint32_t flags, cleanup_list* cleanup) noexcept {
    make_caster<std::filesystem::path> caster;
    if (!caster.from_python(source, flags, cleanup)) return false;
    value.path = std::move(caster.value);
    return true;
  }
};
