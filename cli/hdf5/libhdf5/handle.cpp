#include "hdf5/libhdf5/handle.h"

namespace knear {
namespace {

// Called with the innermost error first: that is the cause.
herr_t take_first(unsigned position, const H5E_error2_t* error, void* text) {
  if (position == 0 && error->desc) *static_cast<std::string*>(text) = error->desc;
  return 0;
}

}  // namespace

void fail_with_hdf5(Error::Kind kind, const std::string& what) {
  std::string cause;
  H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, take_first, &cause);
  throw Error(kind, cause.empty() ? what : what + ": " + cause);
}

}  // namespace knear
