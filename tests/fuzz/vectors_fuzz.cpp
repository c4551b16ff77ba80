// Any bytes as a vector file of any format: an error or rows and ids, whose every byte can be touched.
#include <cstdlib>
#include <vector>

#include "interop/vector_file.h"
#include "knear/error.h"
#include "vector_suffixes.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace knear {
namespace {

[[maybe_unused]] volatile float touched;

void touch(MatrixView rows) {
  std::vector<float> row(rows.rows() == 0 ? 0 : rows.dim());
  for (std::size_t i = 0; i < rows.rows(); ++i) {
    rows.copy_row(i, row.data());
    touched = row[0];
  }
}

void read_vectors(const FileBytes& file, const DatasetFormat& format) try {
  const auto vectors = vectors_in(file, format);
  const std::size_t rows = vectors->rows();
  touch(vectors->read(0, rows));
  if (rows > 0) touch(vectors->read(rows - 1, 1));
} catch (const Error& error) {
  if (error.kind() != Error::corrupt_file && error.kind() != Error::unsupported) std::abort();
}

void read_ids(const FileBytes& file, const DatasetFormat& format) try {
  const IdMatrix matrix = ids_in(file, format);
  if (matrix.ids.size() != matrix.rows * matrix.k) std::abort();
} catch (const Error& error) {
  if (error.kind() != Error::corrupt_file && error.kind() != Error::unsupported && error.kind() != Error::wrong_type)
    std::abort();
}

}  // namespace
}  // namespace knear

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace knear;
  if (size == 0) return 0;
  const std::vector<Byte> bytes(data + 1, data + size);
  const FileBytes file{.bytes = bytes, .path = kVectorSuffixes[data[0] % kVectorSuffixes.size()]};
  read_vectors(file, format_of(file.path));
  read_ids(file, format_of(file.path));
  return 0;
}
