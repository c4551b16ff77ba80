#include "interop/element.h"

#include <cassert>
#include <cstring>
#include <limits>

namespace knear {
namespace {

struct ElementRow {
  const char* name;
  std::size_t bytes;
  bool whole_number;
  bool own_dtype;
  DType dtype;
};

// In the order of the enumerators.
constexpr ElementRow kElements[] = {
    {"float32", 4, false, true, DType::f32},  {"float16", 2, false, true, DType::f16},
    {"int8", 1, true, true, DType::i8},       {"uint8", 1, true, true, DType::u8},
    {"float64", 8, false, false, DType::f32}, {"int32", 4, true, false, DType::f32},
    {"uint32", 4, true, false, DType::f32},   {"int64", 8, true, false, DType::f32},
    {"uint64", 8, true, false, DType::f32},
};

const ElementRow& row_of(Element element) noexcept { return kElements[static_cast<std::size_t>(element)]; }

template <class Value>
Value value_at(const Byte* in, std::size_t i) noexcept {
  Value value;
  std::memcpy(&value, in + i * sizeof(Value), sizeof(Value));
  return value;
}

template <class Value>
void copy_rounded(const Byte* in, std::size_t n, Byte* out) noexcept {
  for (std::size_t i = 0; i < n; ++i) {
    const auto rounded = static_cast<float>(value_at<Value>(in, i));
    std::memcpy(out + i * sizeof(float), &rounded, sizeof(float));
  }
}

template <class Value>
std::size_t copy_ids(const Byte* in, std::size_t n, Id* out) noexcept {
  for (std::size_t i = 0; i < n; ++i) {
    const Value value = value_at<Value>(in, i);
    if constexpr (std::numeric_limits<Value>::digits > std::numeric_limits<Id>::digits)
      if (value > static_cast<Value>(std::numeric_limits<Id>::max())) return i;
    out[i] = static_cast<Id>(value);
  }
  return n;
}

}  // namespace

std::size_t bytes_of(Element element) noexcept { return row_of(element).bytes; }
const char* name_of(Element element) noexcept { return row_of(element).name; }
bool is_whole_number(Element element) noexcept { return row_of(element).whole_number; }
DType dtype_of(Element element) noexcept { return row_of(element).dtype; }
bool is_dtype(Element element) noexcept { return row_of(element).own_dtype; }

std::optional<Element> element_of(DType dtype) noexcept {
  switch (dtype) {
    case DType::f32:
      return Element::f32;
    case DType::f16:
      return Element::f16;
    case DType::i8:
      return Element::i8;
    case DType::u8:
      return Element::u8;
    case DType::bf16:
      break;
  }
  return std::nullopt;
}

void copy_as_dtype(Element element, const Byte* in, std::size_t n, Byte* out) noexcept {
  switch (element) {
    case Element::f64:
      return copy_rounded<double>(in, n, out);
    case Element::i32:
      return copy_rounded<std::int32_t>(in, n, out);
    case Element::u32:
      return copy_rounded<std::uint32_t>(in, n, out);
    case Element::i64:
      return copy_rounded<std::int64_t>(in, n, out);
    case Element::u64:
      return copy_rounded<std::uint64_t>(in, n, out);
    default:
      std::memcpy(out, in, n * bytes_of(element));
  }
}

std::size_t copy_as_ids(Element element, const Byte* in, std::size_t n, Id* out) noexcept {
  switch (element) {
    case Element::i8:
      return copy_ids<std::int8_t>(in, n, out);
    case Element::u8:
      return copy_ids<std::uint8_t>(in, n, out);
    case Element::i32:
      return copy_ids<std::int32_t>(in, n, out);
    case Element::u32:
      return copy_ids<std::uint32_t>(in, n, out);
    case Element::i64:
      return copy_ids<std::int64_t>(in, n, out);
    case Element::u64:
      return copy_ids<std::uint64_t>(in, n, out);
    default:
      assert(is_whole_number(element));
      return 0;
  }
}

}  // namespace knear
