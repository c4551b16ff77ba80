// Rows on their way into lists: which cell each goes to, and its code there.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "knear/codec.h"
#include "partition/cell_finder.h"
#include "storage/draft.h"

namespace knear {

class RowsToStore;

// What an index has learned; empty: not trained.
struct Learned {
  std::shared_ptr<const CellFinder> cells;
  std::shared_ptr<const Codec> codec;

  bool operator==(const Learned&) const = default;
};

// Do codes of one mean to the other what they mean to it?
bool means_the_same(const Learned& a, const Learned& b);

// Codes are of rows, or of what is left of them without the centroid of their cell.
enum class CodesOf : std::uint8_t { rows, residuals };

// codes[i] of row i, which lies in cells[i].
void encode_in_cells(const Learned& learned, CodesOf what, MatrixView rows, std::span<const std::uint32_t> cells,
                     Byte* codes);
// The other way.
void decode_in_cell(const Learned& learned, CodesOf what, std::uint32_t cell, const Byte* codes, std::size_t n,
                    float* rows);

// Numbers of rows sorted by cell, in order within each.
struct ByCell {
  ByCell(std::span<const std::uint32_t> cells, std::size_t nlist);

  std::vector<CellRun> runs;
  std::vector<std::size_t> order;

 private:
  void sort(std::span<const std::uint32_t> cells);
};

// Rows of one call, each in the cell nearest to it. Borrows them.
class Placement {
 public:
  Placement(const RowsToStore& rows, Learned learned, CodesOf what, const RunOptions& run);

  const ByCell& by_cell() const noexcept { return by_cell_; }
  const Learned& learned() const noexcept { return learned_; }
  // Of rows [first, first + count) in the order of cells.
  void encode(std::size_t first, std::size_t count, Byte* codes) const;

 private:
  const RowsToStore& rows_;
  Learned learned_;
  CodesOf what_;
  std::vector<std::uint32_t> cells_;  // by row
  ByCell by_cell_;
};

}  // namespace knear
