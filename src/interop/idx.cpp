// The files of MNIST: two zero bytes, the element type, the number of axes, their lengths as big-endian uint32,
// then the elements. Of its types only single bytes are read: the others are big-endian and rare.
#include "interop/formats.h"

namespace knear {
namespace {

constexpr std::uint64_t kMagicBytes = 4;

std::uint32_t big_endian_at(const FileBytes& file, std::uint64_t offset) {
  return __builtin_bswap32(file.at<std::uint32_t>(offset));
}

Element element_at(const FileBytes& file) {
  const std::uint32_t magic = big_endian_at(file, 0);
  const std::uint32_t type = (magic >> 8) & 0xFF;
  if (magic >> 16 != 0) file.corrupt("an IDX file begins with two zero bytes, this one with 0x", std::hex, magic);
  if (type == 0x08) return Element::u8;
  if (type == 0x09) return Element::i8;
  file.unsupported("its elements have the IDX type ", type, "; knear reads 8 (uint8) and 9 (int8)");
}

}  // namespace

RowLayout idx_layout(const FileBytes& file, std::optional<Element>) {
  const Element element = element_at(file);
  const std::uint64_t axes = file.at<Byte>(kMagicBytes - 1);
  if (axes == 0) file.corrupt("it has no axes");
  const std::uint64_t rows = big_endian_at(file, kMagicBytes);
  std::uint64_t dim = 1;
  for (std::uint64_t axis = 1; axis < axes; ++axis)
    if (__builtin_mul_overflow(dim, big_endian_at(file, kMagicBytes + axis * sizeof(std::uint32_t)), &dim))
      file.corrupt("its ", axes, " axes make more than 2^64 elements");
  RowLayout layout = packed_rows(file, element, kMagicBytes + axes * sizeof(std::uint32_t), rows, dim);
  layout.is_list = axes == 1;
  return layout;
}

}  // namespace knear
