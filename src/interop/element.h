// The element types that dataset files hold: more than an index takes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "knear/matrix.h"
#include "knear/selector.h"

namespace knear {

enum class Element : std::uint8_t { f32, f16, i8, u8, f64, i32, u32, i64, u64 };

std::size_t bytes_of(Element element) noexcept;
const char* name_of(Element element) noexcept;  // "float32", "int64", …
bool is_whole_number(Element element) noexcept;

// The type in which rows of such elements are handed out: their own where it is a DType, else f32.
DType dtype_of(Element element) noexcept;
// Does dtype_of() change nothing, so that rows need no conversion?
bool is_dtype(Element element) noexcept;
// None for bf16, which no dataset format knows.
std::optional<Element> element_of(DType dtype) noexcept;

// Writes n elements that start at `in` (any alignment) to `out` as dtype_of(element): as they are, or rounded to
// the nearest float32 (float64 beyond its range becomes infinite).
void copy_as_dtype(Element element, const Byte* in, std::size_t n, Byte* out) noexcept;

// The same as ids. Stops before the first value that is none (a u64 of 2^63 or more) and returns how many it wrote.
// Only for whole numbers.
std::size_t copy_as_ids(Element element, const Byte* in, std::size_t n, Id* out) noexcept;

}  // namespace knear
