// Cells of bounded size.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "cluster/settle.h"
#include "knear/matrix.h"
#include "knear/parallel.h"

namespace knear {

// The most rows of a cell when k cells share n rows: ceil(balance * n / k).
std::size_t cell_limit(double balance, std::size_t n, std::size_t k);

// Moves rows out of cells that hold more than `limit`, which times the number of centroids is at least that of the
// rows. On entry cells[i] is the nearest centroid of row i.
//
// A cell that holds too many gives up the rows that lose least by going to the nearest centroid whose cell has room;
// where too many arrive, the next pass goes on there. A cell that was full once takes no more rows, so passes end.
// (Regret decides, as in Martello, Toth: "An algorithm for the generalized assignment problem", 1981; within k-means:
// Bradley, Bennett, Demiriz: "Constrained k-means clustering", 2000.)
void balance_cells(MatrixView rows, const Matrix& centroids, Nearness nearness, std::size_t limit,
                   std::span<std::uint32_t> cells, const RunOptions& run);

}  // namespace knear
