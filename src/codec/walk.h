// How far a query, or a stored row, is from a few others, as the walk through a graph asks: nearly right and quick.
// What a walk finds is ranked by the codec's own distances afterwards.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <vector>

#include "knear/codec.h"

namespace knear {

// A row that a walk meets.
struct WalkRow {
  Slot slot = 0;
  const Byte* shadow = nullptr;  // null where rows cast none
  float depth = 0;               // under inner product: what makes all rows equally long, sqrt(most - |x|^2)
};

// Distances from where it stands to rows that are picked from all over. The same on every machine for the same shadows.
// One thread uses it.
class Walker {
 public:
  virtual ~Walker() = default;

  // Stands at a query of the batch that it was made with; false when it cannot tell how far rows are from it.
  virtual bool stand_at_query(std::size_t query) = 0;
  // Stands at a row; false as above. Distances are then those by which edges are chosen: under inner product the
  // squared ones of rows with their depth as a further element (Bachrach et al.: "Speeding up the Xbox recommender
  // system using a Euclidean transformation for inner-product spaces", RecSys 2014).
  virtual bool stand_at_row(const WalkRow& row) = 0;
  // Asks for what distances() will read of a row.
  virtual void fetch(const WalkRow& row) const noexcept = 0;
  // Smaller is closer; infinite where it cannot tell.
  virtual void distances(std::span<const WalkRow> rows, float* out) = 0;
};

// By shadows where rows have them, else by the codec's own distances, and between rows by those of decoded ones.
// Everything outlives the walker.
std::unique_ptr<Walker> make_walker(const Codec& codec, const SlotTable& table, const Shadow* shadow,
                                    MatrixView queries);

// Does the codec cast shadows that a walk can go by?
bool walks_by_shadows(const Codec& codec);

}  // namespace knear
