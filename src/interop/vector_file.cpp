#include "interop/vector_file.h"

#include <algorithm>

namespace knear {
namespace {

// Can elements be used where they lie?
bool is_aligned(const FileBytes& file, const RowLayout& layout) {
  const std::size_t alignment = bytes_of(layout.element);
  const auto address = reinterpret_cast<std::uintptr_t>(file.bytes.data()) + layout.first;
  return address % alignment == 0 && layout.stride % alignment == 0;
}

void require_range(const FileBytes& file, const RowLayout& layout, std::size_t first, std::size_t count) {
  require(first <= layout.rows && count <= layout.rows - first, quoted(file.path), " has ", layout.rows,
          " rows, so there are no ", count, " from row ", first);
}

class RowFile final : public VectorFile {
 public:
  RowFile(FileBytes file, const RowLayout& layout)
      : file_(std::move(file)), layout_(layout), in_place_(is_dtype(layout.element) && is_aligned(file_, layout)) {}

  std::size_t rows() const noexcept override { return layout_.rows; }
  std::size_t dim() const noexcept override { return layout_.dim; }
  DType dtype() const noexcept override { return dtype_of(layout_.element); }

  MatrixView read(std::size_t first, std::size_t count) override {
    require_range(file_, layout_, first, count);
    if (layout_.row_headers) check_row_headers(file_, layout_, first, count);
    if (count == 0) return {nullptr, dtype(), 0, dim()};
    release_what_was_read(count);
    const Byte* start = file_.bytes.data() + layout_.first + first * layout_.stride;
    if (in_place_) return {start, dtype(), count, dim(), static_cast<std::ptrdiff_t>(layout_.stride)};
    return converted(start, count);
  }

 private:
  // A file larger than memory is read like a small one: of its pages, only those of the last reads are held. A read of
  // few bytes maps some pages around them.
  void release_what_was_read(std::size_t count) {
    constexpr std::uint64_t kHeldBytes = std::uint64_t{64} << 20;
    constexpr std::uint64_t kPagesOfOneRead = std::uint64_t{64} << 10;
    if (held_ >= kHeldBytes && file_.mapping) {
      file_.mapping->release_pages();
      held_ = 0;
    }
    held_ += std::max(count * layout_.stride, kPagesOfOneRead);
  }

  MatrixView converted(const Byte* start, std::size_t count) {
    if (block_.rows() < count) block_ = Matrix(dtype(), count, dim());
    const std::size_t row_bytes = dim() * bytes_of(dtype());
    for (std::size_t i = 0; i < count; ++i)
      copy_as_dtype(layout_.element, start + i * layout_.stride, dim(), block_.data() + i * row_bytes);
    return MatrixView(block_).slice(0, count);
  }

  FileBytes file_;
  RowLayout layout_;
  bool in_place_;
  std::uint64_t held_ = 0;  // bytes mapped since pages were last released, about
  Matrix block_;
};

}  // namespace

std::unique_ptr<VectorFile> vectors_in(const FileBytes& file, const DatasetFormat& format) {
  const RowLayout layout = format.layout(file, format.element);
  if (layout.is_list)
    file.unsupported("it is a list of ", layout.rows, " numbers, not a matrix: save it again with two axes");
  return std::make_unique<RowFile>(file, layout);
}

IdMatrix ids_in(const FileBytes& file, const DatasetFormat& format) {
  const RowLayout layout = format.layout(file, format.element);
  if (!is_whole_number(layout.element))
    fail(Error::wrong_type, quoted(file.path), " holds ", name_of(layout.element), ", but ids are whole numbers");
  if (layout.row_headers) check_row_headers(file, layout, 0, layout.rows);
  IdMatrix matrix{.rows = layout.rows, .k = layout.dim, .ids = std::vector<Id>(layout.rows * layout.dim)};
  for (std::size_t row = 0; row < layout.rows; ++row) {
    const Byte* start = file.bytes.data() + layout.first + row * layout.stride;
    const std::size_t good = copy_as_ids(layout.element, start, layout.dim, matrix.ids.data() + row * layout.dim);
    if (good < layout.dim) file.corrupt("entry ", good, " of row ", row, " is 2^63 or more and no id");
  }
  return matrix;
}

std::unique_ptr<VectorFile> open_vectors(const std::filesystem::path& path, const std::string& dataset) {
  const DatasetFormat& format = format_of(path);
  require(dataset.empty(), quoted(path), " holds one matrix, so there is no dataset \"", dataset, "\" in it");
  return vectors_in(map_file(path), format);
}

IdMatrix read_ids(const std::filesystem::path& path, const std::string& dataset) {
  const DatasetFormat& format = format_of(path);
  require(dataset.empty(), quoted(path), " holds one matrix, so there is no dataset \"", dataset, "\" in it");
  return ids_in(map_file(path), format);
}

}  // namespace knear
