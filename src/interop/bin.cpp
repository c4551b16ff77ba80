// .fbin .u8bin .i8bin .ibin: the number of rows and the dimension as uint32, then the rows.
#include <cstring>

#include "interop/formats.h"

namespace knear {
namespace {

constexpr std::uint64_t kHeaderBytes = 2 * sizeof(std::uint32_t);

// Ground truths of the billion-scale benchmarks: rows x dim ids, then as many float32 distances.
bool has_distances_behind(const FileBytes& file, std::uint64_t rows, std::uint64_t dim) {
  std::uint64_t bytes = 0;
  return !__builtin_mul_overflow(rows * dim, sizeof(std::int32_t) + sizeof(float), &bytes) &&
         file.size() - kHeaderBytes == bytes;
}

}  // namespace

RowLayout bin_layout(const FileBytes& file, std::optional<Element> fixed) {
  const Element element = fixed.value();
  const std::uint64_t rows = file.at<std::uint32_t>(0);
  const std::uint64_t dim = file.at<std::uint32_t>(sizeof(std::uint32_t));
  FileBytes ids = file;
  if (element == Element::i32 && has_distances_behind(file, rows, dim))
    ids.bytes = file.bytes.first(kHeaderBytes + rows * dim * bytes_of(element));
  return packed_rows(ids, element, kHeaderBytes, rows, dim);
}

std::vector<Byte> bin_header(Element, std::uint64_t rows, std::size_t dim) {
  require(rows <= UINT32_MAX && dim <= UINT32_MAX, "files with 32-bit counts cannot hold ", rows, " rows of ", dim,
          " dimensions; .npy can");
  const std::uint32_t counts[] = {static_cast<std::uint32_t>(rows), static_cast<std::uint32_t>(dim)};
  std::vector<Byte> header(sizeof(counts));
  std::memcpy(header.data(), counts, sizeof(counts));
  return header;
}

}  // namespace knear
