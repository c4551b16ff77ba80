// Where the rows of a dataset file lie: what each format finds out, and all that reading needs to know.
#pragma once

#include <cstddef>
#include <cstdint>

#include "interop/element.h"
#include "interop/file_bytes.h"

namespace knear {

struct RowLayout {
  Element element = Element::f32;
  std::size_t rows = 0;
  std::size_t dim = 0;
  std::uint64_t first = 0;   // bytes before row 0's first element
  std::uint64_t stride = 0;  // bytes from row to row
  bool row_headers = false;  // four bytes before each row repeat the dimension
  bool is_list = false;      // the file has one axis only; rows are its elements
};

// Rows one after the other from byte `first` to the end of the file, nothing else behind them.
// Error::corrupt_file when the file is shorter or longer than that, or has rows without elements.
RowLayout packed_rows(const FileBytes& file, Element element, std::uint64_t first, std::uint64_t rows,
                      std::uint64_t dim);

}  // namespace knear
