// .npy: "\x93NUMPY", version, header length, header text, then the elements.
#include <cstring>

#include "interop/formats.h"
#include "interop/npy_header.h"

namespace knear {
namespace {

constexpr std::string_view kMagic = "\x93NUMPY";
constexpr std::uint64_t kVersionOffset = 6;
constexpr std::uint64_t kLengthOffset = 8;
constexpr std::uint64_t kWrittenHeaderBytes = 128;  // any matrix's header fits; a multiple of 64 keeps rows aligned

struct NamedElement {
  std::string_view descr;
  Element element;
};
constexpr NamedElement kDescrs[] = {
    {"<f4", Element::f32}, {"<f2", Element::f16}, {"|i1", Element::i8},  {"|u1", Element::u8},  {"<f8", Element::f64},
    {"<i4", Element::i32}, {"<u4", Element::u32}, {"<i8", Element::i64}, {"<u8", Element::u64},
};

Element element_of_descr(const FileBytes& file, std::string_view descr) {
  for (const NamedElement& known : kDescrs)
    if (known.descr == descr) return known.element;
  if (descr.starts_with('>'))
    file.unsupported("its elements are big-endian ('", descr,
                     "'): save it again as x.astype(x.dtype.newbyteorder('<'))");
  file.unsupported("its elements are of NumPy type '", descr.empty() ? "record" : descr,
                   "': save it again as x.astype('float32')");
}

// Where the header's text starts and how long it is.
std::string_view header_text(const FileBytes& file) {
  if (file.size() < kMagic.size() || std::memcmp(file.bytes.data(), kMagic.data(), kMagic.size()) != 0)
    file.corrupt("an .npy file begins with \\x93NUMPY, this one of ", file.size(), " bytes does not");
  const unsigned version = file.at<Byte>(kVersionOffset);
  if (version < 1 || version > 3)
    file.unsupported("it has version ", version, '.', unsigned{file.at<Byte>(kVersionOffset + 1)},
                     " of the .npy format; 1.0, 2.0 and 3.0 are known");
  const bool short_length = version == 1;
  const std::uint64_t start = kLengthOffset + (short_length ? sizeof(std::uint16_t) : sizeof(std::uint32_t));
  const std::uint64_t length =
      short_length ? file.at<std::uint16_t>(kLengthOffset) : file.at<std::uint32_t>(kLengthOffset);
  if (length > file.size() - start)
    file.corrupt("its header should have ", length, " bytes, but only ", file.size() - start, " follow");
  return {reinterpret_cast<const char*>(file.bytes.data()) + start, length};
}

}  // namespace

RowLayout npy_layout(const FileBytes& file, std::optional<Element>) {
  const std::string_view text = header_text(file);
  const NpyHeader header = NpyHeader::parse(text, file);
  const Element element = element_of_descr(file, header.descr);
  if (header.fortran_order)
    file.unsupported("it is stored column by column: save it again as numpy.ascontiguousarray(x)");
  const std::size_t axes = header.shape.size();
  if (axes != 1 && axes != 2)
    file.unsupported("it has ", axes, " axes instead of 2: save it again as x.reshape(len(x), -1)");
  const auto first =
      static_cast<std::uint64_t>(text.data() + text.size() - reinterpret_cast<const char*>(file.bytes.data()));
  RowLayout layout = packed_rows(file, element, first, header.shape[0], axes == 2 ? header.shape[1] : 1);
  layout.is_list = axes == 1;
  return layout;
}

std::vector<Byte> npy_header(Element element, std::uint64_t rows, std::size_t dim) {
  NpyHeader header;
  for (const NamedElement& known : kDescrs)
    if (known.element == element) header.descr = known.descr;
  header.shape = {rows, dim};
  constexpr std::uint64_t start = kLengthOffset + sizeof(std::uint16_t);
  std::string text = header.text();
  text.resize(kWrittenHeaderBytes - start, ' ');
  text.back() = '\n';

  std::vector<Byte> bytes(kWrittenHeaderBytes);
  std::memcpy(bytes.data(), kMagic.data(), kMagic.size());
  bytes[kVersionOffset] = 1;
  bytes[kLengthOffset] = static_cast<Byte>(text.size());
  std::memcpy(bytes.data() + start, text.data(), text.size());
  return bytes;
}

}  // namespace knear
