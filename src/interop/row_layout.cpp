#include "interop/row_layout.h"

namespace knear {
namespace {

// rows * row_bytes, or the largest number when that is too large for any file.
std::uint64_t saturated_product(std::uint64_t a, std::uint64_t b) noexcept {
  std::uint64_t product = 0;
  return __builtin_mul_overflow(a, b, &product) ? UINT64_MAX : product;
}

}  // namespace

RowLayout packed_rows(const FileBytes& file, Element element, std::uint64_t first, std::uint64_t rows,
                      std::uint64_t dim) {
  if (dim == 0 && rows > 0) file.corrupt("its ", rows, " rows have dimension 0");
  if (dim > INT32_MAX) file.corrupt("its rows have the absurd dimension ", dim);
  const std::uint64_t row_bytes = saturated_product(dim, bytes_of(element));
  const std::uint64_t there = file.size() < first ? 0 : file.size() - first;
  const std::uint64_t wanted = saturated_product(rows, row_bytes);
  if (file.size() < first || wanted != there)
    file.corrupt("a matrix of ", rows, " x ", dim, ' ', name_of(element), " needs ",
                 wanted == UINT64_MAX ? "more than 2^64" : std::to_string(wanted), " bytes after the header of ", first,
                 ", the file has ", there);
  return {.element = element, .rows = rows, .dim = dim, .first = first, .stride = row_bytes};
}

}  // namespace knear
