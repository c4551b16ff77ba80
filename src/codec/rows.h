// Stored rows as float32, whatever their element type.
#pragma once

#include <cstddef>
#include <vector>

#include "knear/codec.h"
#include "knear/matrix.h"

namespace knear {

// out[j] = n consecutive elements of a type as float32; exact.
void widen(DType dtype, const Byte* in, std::size_t n, float* out);
// The other way: rounded to nearest even; whole numbers are clamped, NaN becomes 0.
void narrow(DType dtype, const float* in, std::size_t n, Byte* out);

// Rows in float32 for a kernel: row i at data + i * stride.
struct FloatRows {
  const float* data;
  std::size_t stride;  // in floats
};

// Gives blocks of codes to kernels as float32 rows: in place where they are that already, else widened into
// its own scratch, which holds until the next call.
class RowReader {
 public:
  RowReader(DType dtype, std::size_t dim) : dtype_(dtype), dim_(dim) {}

  // Rows [first, first + count) of the block.
  FloatRows read(const CodeBlock& block, std::size_t first, std::size_t count);
  // One code.
  const float* read(const Byte* code);

 private:
  bool in_place(const Byte* code, std::ptrdiff_t stride) const noexcept;

  DType dtype_;
  std::size_t dim_;
  std::vector<float> scratch_;
};

}  // namespace knear
