#include <algorithm>
#include <cstring>

#include "interop/formats.h"
#include "io/atomic_file.h"
#include "knear/dataset.h"

namespace knear {
namespace {

const Byte* bytes_at(const void* values) noexcept { return static_cast<const Byte*>(values); }

const DatasetFormat& writable_format_of(const std::filesystem::path& path, Element element) {
  const DatasetFormat& format = format_of(path);
  if (!format.header)
    fail(Error::unsupported, quoted(path), ": files that end in ", format.suffix, " are read, not written");
  if (format.element && *format.element != element)
    fail(Error::wrong_type, quoted(path), ": ", format.suffix, " holds ", name_of(*format.element), ", not ",
         name_of(element));
  return format;
}

// Rows of one element type into a file of any format.
class RowWriter {
 public:
  RowWriter(const std::filesystem::path& path, Element element, std::size_t dim)
      : name_(quoted(path)), format_(writable_format_of(path, element)), element_(element), dim_(dim), file_(path) {
    require(dim > 0, name_, ": rows need at least one dimension");
    file_.write(format_.header(element_, 0, dim_));
  }

  const std::string& name() const noexcept { return name_; }

  void append(const Byte* row) {
    if (format_.row_headers) {
      const std::int32_t header = xvecs_row_header(dim_);
      file_.write({bytes_at(&header), sizeof(header)});
    }
    file_.write({row, dim_ * bytes_of(element_)});
    ++rows_;
  }

  void finish() {
    const std::vector<Byte> header = format_.header(element_, rows_, dim_);
    if (!header.empty()) file_.write_at(0, header);
    file_.commit();
  }

 private:
  std::string name_;  // of the file, for messages
  const DatasetFormat& format_;
  Element element_;
  std::size_t dim_;
  AtomicFile file_;
  std::uint64_t rows_ = 0;
};

Element element_for(const std::filesystem::path& path, DType dtype) {
  if (const auto element = element_of(dtype)) return *element;
  fail(Error::wrong_type, quoted(path), ": no dataset format holds ", name_of(dtype), "; write float32 instead");
}

class VectorWriter final : public VectorFileWriter {
 public:
  VectorWriter(const std::filesystem::path& path, std::size_t dim, DType dtype)
      : writer_(path, element_for(path, dtype), dim), dim_(dim), dtype_(dtype) {}

  void append(MatrixView rows) override {
    require_open();
    require(rows.dim() == dim_, writer_.name(), " takes rows of ", dim_, " dimensions, not ", rows.dim());
    if (rows.dtype() != dtype_ && dtype_ != DType::f32)
      fail(Error::wrong_type, writer_.name(), " takes rows of ", name_of(dtype_), ", not ", name_of(rows.dtype()));
    open_ = false;  // until all rows are in
    if (rows.dtype() == dtype_)
      for (std::size_t i = 0; i < rows.rows(); ++i) writer_.append(rows.row(i));
    else
      append_as_floats(rows);
    open_ = true;
  }

  void finish() override {
    require_open();
    open_ = false;
    writer_.finish();
  }

 private:
  void require_open() const {
    if (!open_) fail(Error::wrong_state, writer_.name(), " is finished, or an earlier write to it failed");
  }

  void append_as_floats(MatrixView rows) {
    std::vector<float> row(dim_);
    for (std::size_t i = 0; i < rows.rows(); ++i) {
      rows.copy_row(i, row.data());
      writer_.append(bytes_at(row.data()));
    }
  }

  RowWriter writer_;
  std::size_t dim_;
  DType dtype_;
  bool open_ = true;
};

void require_32_bits(const std::filesystem::path& path, const IdMatrix& ids) {
  const auto wide =
      std::find_if(ids.ids.begin(), ids.ids.end(), [](Id id) { return id < INT32_MIN || id > INT32_MAX; });
  require(wide == ids.ids.end(), quoted(path), " holds 32-bit ids, which ", wide == ids.ids.end() ? 0 : *wide,
          " is beyond; .npy holds 64-bit ids");
}

}  // namespace

std::unique_ptr<VectorFileWriter> create_vectors(const std::filesystem::path& path, std::size_t dim, DType dtype) {
  return std::make_unique<VectorWriter>(path, dim, dtype);
}

void write_ids(const std::filesystem::path& path, const IdMatrix& ids) {
  require(ids.ids.size() == ids.rows * ids.k, "an id matrix of ", ids.rows, " x ", ids.k, " holds ", ids.ids.size(),
          " ids");
  const bool narrow = format_of(path).element == Element::i32;
  if (narrow) require_32_bits(path, ids);
  RowWriter writer(path, narrow ? Element::i32 : Element::i64, ids.k);
  std::vector<std::int32_t> narrowed(narrow ? ids.k : 0);
  for (std::size_t i = 0; i < ids.rows; ++i) {
    const Id* row = ids.ids.data() + i * ids.k;
    std::transform(row, row + narrowed.size(), narrowed.begin(), [](Id id) { return static_cast<std::int32_t>(id); });
    writer.append(narrow ? bytes_at(narrowed.data()) : bytes_at(row));
  }
  writer.finish();
}

}  // namespace knear
