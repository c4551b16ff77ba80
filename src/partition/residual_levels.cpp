// Chen, Guan, Wang: "Approximate nearest neighbor search by residual vector quantization", Sensors 10, 2010, as a
// coarse index.
#include <algorithm>
#include <chrono>
#include <cmath>
#include <memory>

#include "core/call_limits.h"
#include "core/check.h"
#include "core/parallel_for.h"
#include "core/row_set.h"
#include "core/top_k.h"
#include "knear/cluster.h"
#include "partition/implicit_centroids.h"
#include "partition/level_beam.h"
#include "partition/sum_search.h"

namespace knear {
namespace {

constexpr std::size_t kPointsPerEntry = 256;  // that k-means looks at

// A centroid is the sum of one entry of each level, added up in order.
class ResidualLevels final : public ImplicitCentroids {
 public:
  ResidualLevels(std::size_t dim, Metric metric, const ResidualLevelsOptions& options, std::vector<float> table = {})
      : ImplicitCentroids(dim, metric, {options.levels, options.bits, dim}), beam_factor_(options.beam_factor) {
    require(beam_factor_ < 0 || (beam_factor_ >= 1 && beam_factor_ <= 1e6f),
            "a beam factor is 1 to 1000000, or negative for all cells, not ", beam_factor_);
    take(std::move(table));
    if (is_trained() && metric == Metric::l2) tables_ = std::make_shared<const LevelTables>(*this);
  }

  std::string spec() const override {
    const std::string text = concat("RCQ", books(), "x", bits());
    return beam_factor_ == kDefaultBeamFactor ? text : concat(text, ",beam_factor=", beam_factor_);
  }
  bool exact() const noexcept override { return metric() == Metric::inner_product || beam_factor_ < 0; }
  std::size_t memory_bytes() const noexcept override {
    return ImplicitCentroids::memory_bytes() + (tables_ ? tables_->memory_bytes() : 0);
  }

  void centroid(std::size_t cell, float* out) const override {
    std::copy_n(entry(0, entry_of(cell, 0)), dim(), out);
    for (std::size_t m = 1; m < books(); ++m) {
      const float* const more = entry(m, entry_of(cell, m));
      for (std::size_t j = 0; j < dim(); ++j) out[j] += more[j];
    }
  }

  // Inner products with a sum are sums; squared distances are not.
  std::unique_ptr<CellSearch> make_search() const override {
    if (metric() == Metric::inner_product) return make_sum_search(*this, 0);
    return make_beam_search(*this, *tables_, beam_factor_);
  }

 protected:
  std::vector<float> learn(MatrixView rows, const TrainOptions& options) const override {
    const auto start = std::chrono::steady_clock::now();
    Matrix left = RowSet(rows, kPointsPerEntry * entries()).floats();
    std::vector<float> table;
    std::vector<std::uint32_t> numbers(left.rows());
    for (std::size_t m = 0; m < books(); ++m) {
      KmeansOptions learning;
      learning.seed += m;
      learning.run = remaining(options.run, start);
      const Kmeans found = kmeans(left, entries(), learning);
      const float* const entry = found.centroids.floats();
      table.insert(table.end(), entry, entry + entries() * dim());
      if (options.warnings && m == 0) {  // all levels say the same
        options.warnings->insert(options.warnings->end(), found.warnings.begin(), found.warnings.end());
      }
      assign_to_nearest(left, found.centroids, numbers, {}, remaining(options.run, start));
      for (std::size_t i = 0; i < left.rows(); ++i) {
        const float* const nearest = entry + numbers[i] * dim();
        for (std::size_t j = 0; j < dim(); ++j) left.floats()[i * dim() + j] -= nearest[j];
      }
    }
    return table;
  }

  std::shared_ptr<const ImplicitCentroids> with(std::vector<float> table) const override {
    return std::make_shared<ResidualLevels>(dim(), metric(), ResidualLevelsOptions{books(), bits(), beam_factor_},
                                            std::move(table));
  }

 private:
  float beam_factor_;
  std::shared_ptr<const LevelTables> tables_;  // L2 only
};

}  // namespace

std::shared_ptr<const ImplicitCentroids> make_residual_levels(std::size_t dim, Metric metric,
                                                              const ResidualLevelsOptions& options) {
  return std::make_shared<ResidualLevels>(dim, metric, options);
}

}  // namespace knear
