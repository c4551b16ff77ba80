// .fvecs .ivecs .bvecs: for each row its dimension as int32, then the elements.
#include "interop/formats.h"

namespace knear {
namespace {

constexpr std::uint64_t kRowHeaderBytes = sizeof(std::int32_t);

}  // namespace

RowLayout xvecs_layout(const FileBytes& file, std::optional<Element> fixed) {
  const Element element = fixed.value();
  if (file.size() == 0) return {.element = element, .row_headers = true};
  const auto dim = file.at<std::int32_t>(0);
  if (dim <= 0) file.corrupt("row 0 has dimension ", dim);
  const std::uint64_t stride = kRowHeaderBytes + static_cast<std::uint64_t>(dim) * bytes_of(element);
  if (file.size() % stride != 0)
    file.corrupt("row 0 has dimension ", dim, ", so that rows take ", stride, " bytes each, but the file has ",
                 file.size(), " bytes, which is not a multiple");
  return {.element = element,
          .rows = file.size() / stride,
          .dim = static_cast<std::size_t>(dim),
          .first = kRowHeaderBytes,
          .stride = stride,
          .row_headers = true};
}

std::vector<Byte> xvecs_header(Element, std::uint64_t, std::size_t dim) {
  xvecs_row_header(dim);  // the check; the file itself has no header
  return {};
}

std::int32_t xvecs_row_header(std::size_t dim) {
  require(dim >= 1 && dim <= INT32_MAX, "rows of .fvecs, .ivecs and .bvecs files have 1 to ", INT32_MAX,
          " dimensions, not ", dim);
  return static_cast<std::int32_t>(dim);
}

void check_row_headers(const FileBytes& file, const RowLayout& layout, std::size_t first, std::size_t count) {
  for (std::size_t row = first; row < first + count; ++row) {
    const auto dim = file.at<std::int32_t>(row * layout.stride);
    if (dim < 0 || static_cast<std::size_t>(dim) != layout.dim)
      file.corrupt("row ", row, " of ", layout.rows, " has dimension ", dim, ", row 0 has ", layout.dim);
  }
}

}  // namespace knear
