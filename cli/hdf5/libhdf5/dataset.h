// One dataset of an HDF5 file: its shape, its type, and blocks of its rows.
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>

#include "hdf5/libhdf5/handle.h"

namespace knear {

class Hdf5Dataset {
 public:
  // Error::io_failure, Error::corrupt_file; Error::invalid_argument when there is no such dataset;
  // Error::unsupported unless it holds numbers along one or two axes.
  Hdf5Dataset(const std::filesystem::path& path, const std::string& name);

  const std::string& title() const noexcept { return title_; }  // for messages
  bool is_list() const noexcept { return is_list_; }
  std::size_t rows() const noexcept { return rows_; }
  std::size_t dim() const noexcept { return dim_; }  // 1 for a list

  bool holds_whole_numbers() const noexcept { return whole_numbers_; }
  bool holds_signed() const noexcept { return signed_; }
  std::size_t element_bytes() const noexcept { return element_bytes_; }

  // Rows [first, first + count), converted to elements of `memory_type`. Error::corrupt_file.
  void read(std::size_t first, std::size_t count, hid_t memory_type, void* out) const;

 private:
  void learn_type();
  void learn_shape();

  std::string title_;
  Hdf5Handle file_;
  Hdf5Handle dataset_;
  std::size_t rows_ = 0;
  std::size_t dim_ = 1;
  std::size_t element_bytes_ = 0;
  bool is_list_ = false;
  bool whole_numbers_ = false;
  bool signed_ = false;
};

}  // namespace knear
