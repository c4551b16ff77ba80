// Babenko, Lempitsky: "The inverted multi-index", CVPR 2012; IEEE TPAMI 37, 2015.
#include <algorithm>
#include <chrono>

#include "core/call_limits.h"
#include "core/check.h"
#include "knear/cluster.h"
#include "partition/implicit_centroids.h"
#include "partition/sum_search.h"

namespace knear {
namespace {

// The sub-vectors [first, first + count) of all rows.
MatrixView columns(MatrixView rows, std::size_t first, std::size_t count) {
  return {rows.data() + first * bytes_of(rows.dtype()), rows.dtype(), rows.rows(), count, rows.row_stride()};
}

std::size_t checked_width(std::size_t dim, std::size_t subs) {
  require(subs >= 1 && dim % subs == 0, "the dimension ", dim, " is no multiple of ", subs, " sub-vectors");
  return dim / subs;
}

// A centroid is one sub-centroid beside the other.
class MultiIndex final : public ImplicitCentroids {
 public:
  MultiIndex(std::size_t dim, Metric metric, const MultiIndexOptions& options, std::vector<float> table = {})
      : ImplicitCentroids(dim, metric, {options.subs, options.bits, checked_width(dim, options.subs)}) {
    take(std::move(table));
  }

  std::string spec() const override { return concat("IMI", books(), "x", bits()); }

  void centroid(std::size_t cell, float* out) const override {
    for (std::size_t m = 0; m < books(); ++m, out += width()) std::copy_n(entry(m, entry_of(cell, m)), width(), out);
  }

  std::unique_ptr<CellSearch> make_search() const override { return make_sum_search(*this, width()); }

 protected:
  std::vector<float> learn(MatrixView rows, const TrainOptions& options) const override {
    const auto start = std::chrono::steady_clock::now();
    std::vector<float> table;
    for (std::size_t m = 0; m < books(); ++m) {
      KmeansOptions learning;
      learning.seed += m;
      learning.run = remaining(options.run, start);
      const Kmeans found = kmeans(columns(rows, m * width(), width()), entries(), learning);
      table.insert(table.end(), found.centroids.floats(), found.centroids.floats() + entries() * width());
      if (!options.warnings || m > 0) continue;  // all books say the same
      options.warnings->insert(options.warnings->end(), found.warnings.begin(), found.warnings.end());
    }
    return table;
  }

  std::shared_ptr<const ImplicitCentroids> with(std::vector<float> table) const override {
    return std::make_shared<MultiIndex>(dim(), metric(), MultiIndexOptions{books(), bits()}, std::move(table));
  }

  // The nearest combination is that of the nearest parts.
  void assign_finite(MatrixView rows, std::span<std::uint32_t> cells, const RunOptions& run) const override {
    if (!(metric() == Metric::l2)) return ImplicitCentroids::assign_finite(rows, cells, run);
    const auto start = std::chrono::steady_clock::now();
    std::fill(cells.begin(), cells.end(), 0u);
    std::vector<std::uint32_t> numbers(rows.rows());
    for (std::size_t m = 0; m < books(); ++m) {
      const MatrixView centroids(entry(m, 0), DType::f32, entries(), width());
      assign_to_nearest(columns(rows, m * width(), width()), centroids, numbers, {}, remaining(run, start));
      for (std::size_t i = 0; i < cells.size(); ++i) cells[i] |= numbers[i] << (m * bits());
    }
  }
};

}  // namespace

std::shared_ptr<const ImplicitCentroids> make_multi_index(std::size_t dim, Metric metric,
                                                          const MultiIndexOptions& options) {
  return std::make_shared<MultiIndex>(dim, metric, options);
}

}  // namespace knear
