#include "knear/error.h"

namespace knear {

const char* name_of(Error::Kind kind) noexcept {
  switch (kind) {
    case Error::invalid_argument:
      return "invalid_argument";
    case Error::wrong_type:
      return "wrong_type";
    case Error::wrong_state:
      return "wrong_state";
    case Error::not_found:
      return "not_found";
    case Error::duplicate_id:
      return "duplicate_id";
    case Error::corrupt_file:
      return "corrupt_file";
    case Error::io_failure:
      return "io_failure";
    case Error::conflict:
      return "conflict";
    case Error::out_of_memory:
      return "out_of_memory";
    case Error::stopped:
      return "stopped";
    case Error::timeout:
      return "timeout";
    case Error::unsupported:
      return "unsupported";
  }
  return "unknown";
}

}  // namespace knear
