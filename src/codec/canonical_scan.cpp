#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include "codec/decoded_scan.h"
#include "codec/ranker.h"
#include "core/row_set.h"
#include "core/top_k.h"

namespace knear {
namespace {

// Collector: TopK or RangeHits.
template <class Collector>
class CanonicalScan final : public Scan {
 public:
  CanonicalScan(const Codec& codec, MatrixView queries, const Collector& empty, const SlotTable& table)
      : queries_(RowSet(queries).floats()),
        reader_(codec),
        ranker_(codec),
        table_(table),
        found_(queries.rows(), empty) {}

  void limit(std::span<const double> limits) override {
    for (std::size_t q = 0; q < found_.size(); ++q) found_[q].limit(limits[q]);
  }

  void block(const CodeBlock& block) override {
    std::array<const float*, kAtOnce> rows;
    std::array<double, kAtOnce> distances;
    for (std::size_t first = 0; first < block.count; first += kAtOnce) {
      const std::size_t count = std::min(kAtOnce, block.count - first);
      const FloatRows floats = reader_.read(block, first, count);
      for (std::size_t i = 0; i < count; ++i) rows[i] = floats.data + i * floats.stride;
      for (std::size_t q = 0; q < found_.size(); ++q) {
        const float* query = queries_.floats() + q * queries_.dim();
        ranker_.distances(query, std::span(rows).first(count), distances.data());
        collect(block, first, std::span(distances).first(count), found_[q]);
      }
      ranked_ += count * found_.size();
    }
  }

  void finish(std::span<std::vector<Hit>> hits) override {
    for (std::size_t q = 0; q < found_.size(); ++q) hits[q] = found_[q].sorted();
  }

  std::uint64_t reranked() const noexcept override { return ranked_; }

 private:
  static constexpr std::size_t kAtOnce = 64;

  void collect(const CodeBlock& block, std::size_t first, std::span<const double> distances, Collector& found) const {
    for (std::size_t i = 0; i < distances.size(); ++i) {
      if (distances[i] <= found.threshold() && std::isfinite(distances[i]) && block.allows(first + i)) {
        found.push(distances[i], table_.id(block.slot(first + i)));
      }
    }
  }

  Matrix queries_;  // float32
  RowReader reader_;
  Ranker ranker_;
  const SlotTable& table_;
  std::uint64_t ranked_ = 0;
  std::vector<Collector> found_;
};

}  // namespace

std::unique_ptr<Scan> make_canonical_knn(const Codec& codec, MatrixView queries, std::size_t k,
                                         const SlotTable& table) {
  return std::make_unique<CanonicalScan<TopK>>(codec, queries, TopK(k), table);
}

std::unique_ptr<Scan> make_canonical_range(const Codec& codec, MatrixView queries, double radius,
                                           const SlotTable& table) {
  return std::make_unique<CanonicalScan<RangeHits>>(codec, queries, RangeHits(radius), table);
}

}  // namespace knear
