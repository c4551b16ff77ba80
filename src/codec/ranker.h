// The canonical distance: float64, in a fixed order, the same bits on every machine. It alone decides results.
#pragma once

#include <array>
#include <cstddef>
#include <span>

#include "codec/rows.h"
#include "kernels/table.h"
#include "knear/codec.h"

namespace knear {

class Ranker {
 public:
  explicit Ranker(const Codec& codec);

  // distances[i] of a float32 query to float32 rows, smaller is closer.
  void distances(const float* query, std::span<const float* const> rows, double* distances) const;
  // hits[i] for the codes at slots[i].
  void rank(const float* query, const SlotTable& table, std::span<const Slot> slots, std::span<Hit> hits);

 private:
  static constexpr std::size_t kAtOnce = 32;
  static constexpr std::size_t kFetched = 2048;  // bytes of a row that are worth asking for; the rest follows

  void fetch(const SlotTable& table, std::span<const Slot> slots) const;

  Metric metric_;
  std::size_t dim_;
  kernels::ExactFn exact_;
  double sign_;
  RowReader reader_;
};

}  // namespace knear
