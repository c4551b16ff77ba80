// What the HDF5 library hands out, closed by itself, and its errors as ours.
#pragma once

#include <hdf5.h>

#include <string>
#include <utility>

#include "knear/error.h"

namespace knear {

// An open file, dataset, type, space or property list.
class Hdf5Handle {
 public:
  using Close = herr_t (*)(hid_t);

  Hdf5Handle(hid_t id, Close close) noexcept : id_(id), close_(close) {}
  ~Hdf5Handle() {
    if (valid()) close_(id_);
  }
  Hdf5Handle(Hdf5Handle&& other) noexcept : id_(std::exchange(other.id_, H5I_INVALID_HID)), close_(other.close_) {}
  Hdf5Handle& operator=(Hdf5Handle&&) = delete;

  bool valid() const noexcept { return id_ >= 0; }
  operator hid_t() const noexcept { return id_; }

 private:
  hid_t id_;
  Close close_;
};

// Throws an Error: `what`, then what the library says was the cause.
[[noreturn]] void fail_with_hdf5(Error::Kind kind, const std::string& what);

}  // namespace knear
