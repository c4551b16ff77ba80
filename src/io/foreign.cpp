#include "io/foreign.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <string_view>

#include "core/check.h"

namespace knear {

namespace {

using std::string_view_literals::operator""sv;

struct Signature {
  std::string_view start;
  std::string_view advice;
};

constexpr std::array kSignatures = {
    Signature{"version https://git-lfs"sv,
              "it is a Git LFS pointer, not the file that it points to; fetch that with 'git lfs pull'"sv},
    Signature{"\x1f\x8b"sv, "it is compressed with gzip; unpack it with 'gunzip'"sv},
    Signature{"PK\x03\x04"sv, "it is a ZIP archive; unpack it first"sv},
    Signature{"\x28\xb5\x2f\xfd"sv, "it is compressed with zstd; unpack it with 'unzstd'"sv},
    Signature{"\xfd"
              "7zXZ\0"sv,
              "it is compressed with xz; unpack it with 'unxz'"sv},
    Signature{"BZh"sv, "it is compressed with bzip2; unpack it with 'bunzip2'"sv},
    Signature{"\x93NUMPY"sv, "it is an array of NumPy (.npy), so vectors rather than an index"sv},
    Signature{"\x89HDF\r\n"sv, "it is an HDF5 file, so vectors rather than an index"sv},
};

// Endings of "knear index" that a transfer as text leaves: recoded or stripped first byte, other line ends.
constexpr std::string_view kNameInMagic = "knear index";
constexpr std::size_t kLongestRecodedByte = 3;

bool is_space(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

bool starts_with_ignoring_case(std::string_view text, std::string_view lower_case) {
  const auto same = [](char a, char b) { return (a >= 'A' && a <= 'Z' ? a + ('a' - 'A') : a) == b; };
  return text.size() >= lower_case.size() && std::equal(lower_case.begin(), lower_case.end(), text.begin(),
                                                        [&](char lower, char c) { return same(c, lower); });
}

bool is_markup(std::string_view text) {
  if (text.starts_with("\xef\xbb\xbf")) text.remove_prefix(3);
  while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
  return starts_with_ignoring_case(text, "<!doctype") || starts_with_ignoring_case(text, "<html") ||
         starts_with_ignoring_case(text, "<?xml") || starts_with_ignoring_case(text, "<head");
}

// Four characters that start with I, then the dimension as a small number.
bool is_faiss(std::string_view text) {
  const auto is_code = [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
  };
  if (text.size() < 8 || text[0] != 'I' || !std::all_of(text.begin(), text.begin() + 4, is_code)) return false;
  std::uint32_t dim = 0;
  std::memcpy(&dim, text.data() + 4, sizeof(dim));
  return dim > 0 && dim <= (1u << 24);
}

}  // namespace

std::string describe_foreign(std::span<const Byte> start) {
  const std::string_view text(reinterpret_cast<const char*>(start.data()), std::min(start.size(), kForeignBytes));
  for (const Signature& signature : kSignatures)
    if (text.starts_with(signature.start)) return std::string(signature.advice);
  if (text.substr(0, kLongestRecodedByte + kNameInMagic.size()).find(kNameInMagic) != text.npos)
    return "it was one, but a transfer as text changed its bytes; copy it again in binary mode";
  if (is_markup(text)) return "it is an HTML or XML page, perhaps the error message of a failed download";
  if (is_faiss(text))
    return concat("it seems to be a Faiss index file ('", text.substr(0, 4), "'); read it with read_faiss");
  return "";
}

}  // namespace knear
