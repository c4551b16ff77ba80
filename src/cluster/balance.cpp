#include "cluster/balance.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <tuple>
#include <vector>

#include "core/call_limits.h"
#include "core/check.h"
#include "core/parallel_for.h"
#include "core/row_set.h"
#include "kernels/dispatch.h"
#include "knear/cluster.h"
#include "metric/panels.h"

namespace knear {
namespace {

constexpr std::size_t kTaskRows = 512;

// A row that may leave its cell for another, and what it loses.
struct Move {
  std::uint32_t from;
  float loss;
  std::uint32_t row;
  std::uint32_t to;

  bool operator<(const Move& b) const { return std::tie(from, loss, row) < std::tie(b.from, b.loss, b.row); }
};

class Balancer {
 public:
  Balancer(MatrixView rows, const Matrix& centroids, Nearness nearness, std::size_t limit,
           std::span<std::uint32_t> cells)
      : rows_(rows),
        centroids_(centroids),
        nearness_(nearness),
        limit_(limit),
        cells_(cells),
        sizes_(centroids.rows()) {
    for (const std::uint32_t cell : cells_) ++sizes_[cell];
  }

  void run(const RunOptions& run) {
    const CallLimits limits(run);
    while (std::any_of(sizes_.begin(), sizes_.end(), [&](std::size_t size) { return size > limit_; })) {
      limits.check();
      std::vector<Move> moves = possible_moves(run);
      std::sort(moves.begin(), moves.end());
      for (const Move& move : moves) {
        // Those of a cell follow each other, the least loss first; arrivals do not count against it, as it is full.
        if (sizes_[move.from] <= limit_) continue;
        --sizes_[move.from];
        ++arrivals_[move.to];
        cells_[move.row] = move.to;
      }
      for (std::size_t c = 0; c < sizes_.size(); ++c) sizes_[c] += arrivals_[c];
    }
  }

 private:
  // Of all rows of cells that hold too many, to the cells that have room.
  std::vector<Move> possible_moves(const RunOptions& run) {
    arrivals_.assign(sizes_.size(), 0);
    std::vector<std::uint32_t> open;
    for (std::uint32_t c = 0; c < sizes_.size(); ++c) {
      if (sizes_[c] < limit_) open.push_back(c);
    }
    const Panels panels = panels_of(open);
    std::vector<Move> moves;
    for (std::uint32_t i = 0; i < cells_.size(); ++i) {
      if (sizes_[cells_[i]] > limit_) moves.push_back({cells_[i], 0, i, 0});
    }
    parallel_for((moves.size() + kTaskRows - 1) / kTaskRows, run, [&](std::size_t task, std::size_t) {
      const std::size_t first = task * kTaskRows;
      measure(std::span(moves).subspan(first, std::min(kTaskRows, moves.size() - first)), panels, open);
    });
    return moves;
  }

  Panels panels_of(std::span<const std::uint32_t> numbers) const {
    const std::size_t dim = centroids_.dim();
    Matrix chosen(DType::f32, numbers.size(), dim);
    for (std::size_t i = 0; i < numbers.size(); ++i) {
      std::copy_n(centroids_.floats() + numbers[i] * dim, dim, chosen.floats() + i * dim);
    }
    const FloatSpan span{chosen.floats(), chosen.rows(), dim};
    return nearness_ == Nearness::distance ? Panels::for_nearest(span, dim) : Panels::for_largest_product(span, dim);
  }

  void measure(std::span<Move> moves, const Panels& panels, std::span<const std::uint32_t> open) const {
    const std::size_t dim = rows_.dim();
    std::vector<float> gathered(moves.size() * dim);
    for (std::size_t i = 0; i < moves.size(); ++i) rows_.copy_row(moves[i].row, gathered.data() + i * dim);
    std::uint32_t numbers[kTaskRows];
    float values[kTaskRows];
    panels.nearest({gathered.data(), moves.size(), dim}, numbers, values);
    for (std::size_t i = 0; i < moves.size(); ++i) {
      moves[i].to = open[numbers[i]];
      moves[i].loss = loss(gathered.data() + i * dim, moves[i]);
    }
  }

  float loss(const float* row, const Move& move) const {
    const std::size_t dim = centroids_.dim();
    const float* both[] = {centroids_.floats() + move.from * dim, centroids_.floats() + move.to * dim};
    const bool is_distance = nearness_ == Nearness::distance;
    double values[2];
    kernels::table().exact[is_distance ? kernels::exact_l2 : kernels::exact_inner_product](row, both, 2, dim, 0,
                                                                                           values);
    const double loss = is_distance ? values[1] - values[0] : values[0] - values[1];
    return static_cast<float>(loss);
  }

  MatrixView rows_;
  const Matrix& centroids_;
  Nearness nearness_;
  std::size_t limit_;
  std::span<std::uint32_t> cells_;
  std::vector<std::size_t> sizes_;
  std::vector<std::size_t> arrivals_;
};

}  // namespace

std::size_t cell_limit(double balance, std::size_t n, std::size_t k) {
  const std::size_t even = (n + k - 1) / k;
  const double limit = std::ceil(balance * static_cast<double>(n) / static_cast<double>(k));
  return limit < static_cast<double>(n) ? std::max(even, static_cast<std::size_t>(limit)) : n;
}

void balance_cells(MatrixView rows, const Matrix& centroids, Nearness nearness, std::size_t limit,
                   std::span<std::uint32_t> cells, const RunOptions& run) {
  Balancer(rows, centroids, nearness, limit, cells).run(run);
}

void balanced_assign(MatrixView rows, MatrixView centroids, double balance, std::span<std::uint32_t> numbers,
                     const RunOptions& options) {
  require(std::isfinite(balance) && balance >= 1, "balance = ", balance,
          ": a factor of the mean cell size, so at least 1");
  require(rows.rows() <= 0xffffffff, rows.rows(), " rows to balance: 4294967295 is the most");
  const auto start = std::chrono::steady_clock::now();
  assign_to_nearest(rows, centroids, numbers, {}, options);
  balance_cells(rows, RowSet(centroids).floats(), Nearness::distance,
                cell_limit(balance, rows.rows(), centroids.rows()), numbers, remaining(options, start));
}

}  // namespace knear
