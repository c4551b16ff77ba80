// The dataset formats: one row each in a table, one file for each family.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "interop/row_layout.h"

namespace knear {

struct DatasetFormat {
  std::string_view suffix;         // of file names, in lower case
  std::optional<Element> element;  // of all files with that suffix; none: each file says its own
  bool row_headers = false;

  // What a file says of its rows, all of it checked against the file's size. `fixed` is `element` above.
  RowLayout (*layout)(const FileBytes& file, std::optional<Element> fixed) = nullptr;

  // What a file of such rows starts with; as long for any number of rows, so that it can be written again once
  // their number is known. Error::invalid_argument when the format cannot count so far. Null: never written.
  std::vector<Byte> (*header)(Element element, std::uint64_t rows, std::size_t dim) = nullptr;
};

// By the end of the file's name, in upper or lower case. Error::unsupported that lists what there is.
const DatasetFormat& format_of(const std::filesystem::path& path);

// .fvecs .ivecs .bvecs: rows that each begin with their dimension.
RowLayout xvecs_layout(const FileBytes& file, std::optional<Element> fixed);
std::vector<Byte> xvecs_header(Element element, std::uint64_t rows, std::size_t dim);
// What one row begins with.
std::int32_t xvecs_row_header(std::size_t dim);
// Error::corrupt_file unless rows [first, first + count) repeat the dimension of row 0.
void check_row_headers(const FileBytes& file, const RowLayout& layout, std::size_t first, std::size_t count);

// .fbin .u8bin .i8bin .ibin: two counts, then the rows.
RowLayout bin_layout(const FileBytes& file, std::optional<Element> fixed);
std::vector<Byte> bin_header(Element element, std::uint64_t rows, std::size_t dim);

// .npy: NumPy's array files.
RowLayout npy_layout(const FileBytes& file, std::optional<Element> fixed);
std::vector<Byte> npy_header(Element element, std::uint64_t rows, std::size_t dim);

// -ubyte .idx: the files of MNIST and its successors. All axes but the first make up a row.
RowLayout idx_layout(const FileBytes& file, std::optional<Element> fixed);

}  // namespace knear
