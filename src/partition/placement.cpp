#include "partition/placement.h"

#include <algorithm>
#include <numeric>

#include "codec/rows_to_store.h"
#include "io/byte_fields.h"

namespace knear {
namespace {

constexpr std::size_t kFewRows = 16;  // times as many cells

std::vector<std::uint32_t> nearest_cells(const RowsToStore& rows, const CellFinder& cells, const RunOptions& run) {
  Matrix copy;
  return cells.assign(rows.view(copy), run);
}

}  // namespace

bool means_the_same(const Learned& a, const Learned& b) {
  if (!a.cells || !b.cells) return a.cells == b.cells && a.codec->spec() == b.codec->spec();
  return a.cells->means_the_same_as(*b.cells) && a.codec->spec() == b.codec->spec() &&
         learned_bytes(*a.codec) == learned_bytes(*b.codec);
}

void encode_in_cells(const Learned& learned, CodesOf what, MatrixView rows, std::span<const std::uint32_t> cells,
                     Byte* codes) {
  if (what == CodesOf::rows) return learned.codec->encode(rows, codes);
  const std::size_t dim = rows.dim();
  Matrix residuals(DType::f32, rows.rows(), dim);
  std::vector<float> scratch(dim);
  for (std::size_t i = 0; i < rows.rows(); ++i) {
    float* const row = residuals.floats() + i * dim;
    rows.copy_row(i, row);
    const float* const centroid = learned.cells->centroid(cells[i], scratch.data());
    for (std::size_t j = 0; j < dim; ++j) row[j] -= centroid[j];
  }
  learned.codec->encode(residuals, codes);
}

void decode_in_cell(const Learned& learned, CodesOf what, std::uint32_t cell, const Byte* codes, std::size_t n,
                    float* rows) {
  learned.codec->decode(codes, n, rows);
  if (what == CodesOf::rows) return;
  const std::size_t dim = learned.codec->dim();
  std::vector<float> scratch(dim);
  const float* const centroid = learned.cells->centroid(cell, scratch.data());
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t j = 0; j < dim; ++j) rows[i * dim + j] += centroid[j];
  }
}

ByCell::ByCell(std::span<const std::uint32_t> cells, std::size_t nlist) : order(cells.size()) {
  if (cells.size() < nlist / kFewRows) {
    sort(cells);
    return;
  }
  std::vector<std::size_t> places(nlist + 1);
  for (const std::uint32_t cell : cells) ++places[cell + 1];
  for (std::uint32_t cell = 0; cell < nlist; ++cell) {
    if (places[cell + 1]) runs.push_back({cell, places[cell + 1]});
    places[cell + 1] += places[cell];
  }
  for (std::size_t i = 0; i < cells.size(); ++i) order[places[cells[i]]++] = i;
}

// Of few rows, in a time that the number of cells does not change.
void ByCell::sort(std::span<const std::uint32_t> cells) {
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return cells[a] < cells[b]; });
  for (const std::size_t row : order) {
    if (runs.empty() || runs.back().cell != cells[row]) runs.push_back({cells[row], 0});
    ++runs.back().count;
  }
}

Placement::Placement(const RowsToStore& rows, Learned learned, CodesOf what, const RunOptions& run)
    : rows_(rows),
      learned_(std::move(learned)),
      what_(what),
      cells_(nearest_cells(rows, *learned_.cells, run)),
      by_cell_(cells_, learned_.cells->nlist()) {}

void Placement::encode(std::size_t first, std::size_t count, Byte* codes) const {
  const std::size_t dim = learned_.codec->dim();
  Matrix rows(DType::f32, count, dim);
  std::vector<std::uint32_t> cells(count);
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t row = by_cell_.order[first + i];
    rows_.copy_row(row, rows.floats() + i * dim);
    cells[i] = cells_[row];
  }
  encode_in_cells(learned_, what_, rows, cells, codes);
}

}  // namespace knear
