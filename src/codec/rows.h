// Stored rows as float32, whatever their element type.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
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
  bool in_place;       // where the codes are, so that those behind them follow
};

// Gives codes to kernels as float32 rows: in place where they are that already, else decoded into its own scratch,
// which holds until the next call.
class RowReader {
 public:
  explicit RowReader(const Codec& codec);

  // Are codes float32 rows already?
  bool are_floats() const noexcept { return are_floats_; }

  // Rows [first, first + count) of the block.
  FloatRows read(const CodeBlock& block, std::size_t first, std::size_t count);
  // One row each, rows[i] of the code at slots[i].
  void read(const SlotTable& table, std::span<const Slot> slots, const float** rows);

 private:
  FloatRows read_planes(const CodeBlock& block, std::size_t first, std::size_t count);
  float* room_for(std::size_t rows);
  bool in_place(const Byte* code, std::ptrdiff_t stride) const noexcept;

  const Codec& codec_;
  bool are_floats_;  // codes are float32 rows
  std::unique_ptr<float[]> scratch_;
  std::size_t scratch_floats_ = 0;
  std::vector<Byte> code_;
};

}  // namespace knear
