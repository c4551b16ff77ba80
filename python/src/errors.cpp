// Exceptions of the library as the Python exceptions of knear/_errors.py.
#include <new>

#include "knear/error.h"
#include "module.h"

namespace knear::python {

namespace {

const char* class_name(Error::Kind kind) noexcept {
  switch (kind) {
    case Error::invalid_argument:
      return "InvalidArgument";
    case Error::wrong_type:
      return "WrongType";
    case Error::wrong_state:
      return "WrongState";
    case Error::not_found:
      return "NotFound";
    case Error::duplicate_id:
      return "DuplicateId";
    case Error::corrupt_file:
      return "CorruptFile";
    case Error::io_failure:
      return "IoFailure";
    case Error::conflict:
      return "Conflict";
    case Error::out_of_memory:
      return "OutOfMemory";
    case Error::stopped:
      return "Stopped";
    case Error::timeout:
      return "Timeout";
    case Error::unsupported:
      return "Unsupported";
  }
  return "Error";
}

void raise(const char* name, const char* message) {
  const nb::object type = nb::module_::import_("knear._errors").attr(name);
  PyErr_SetString(type.ptr(), message);
}

void translate(const std::exception_ptr& thrown, void*) {
  try {
    std::rethrow_exception(thrown);
  } catch (const Error& error) {
    raise(class_name(error.kind()), error.what());
  } catch (const std::bad_alloc&) {
    raise("OutOfMemory", "out of memory");
  }
}

}  // namespace

void init_errors(nb::module_&) { nb::register_exception_translator(translate); }

}  // namespace knear::python
