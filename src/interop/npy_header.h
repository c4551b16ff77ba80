// The text in front of an .npy array: {'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "interop/file_bytes.h"

namespace knear {

struct NpyHeader {
  std::string descr;  // NumPy's name of the element type; empty for a record type
  bool fortran_order = false;
  std::vector<std::uint64_t> shape;

  // Takes exactly the dictionaries that NumPy writes and reads, and no other Python.
  // Error::corrupt_file (about `file`) that names the byte of `text` where it went wrong.
  static NpyHeader parse(std::string_view text, const FileBytes& file);

  // The dictionary as NumPy writes it.
  std::string text() const;
};

}  // namespace knear
