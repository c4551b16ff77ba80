#include "codec/rabitq_scan.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <limits>

#include "codec/filter_bound.h"
#include "core/top_k.h"
#include "kernels/dispatch.h"

namespace knear {
namespace {

static_assert(kernels::kLookupRows == kGroupRows);

// What float32 loses. With u = 2^-24, the kernel's value is off by at most 8 u (|row bias| + |query bias| +
// |row factor| * query total): a fused sum of four terms, each rounded once when it was made and once on its way.
// Twice that is taken off the terms themselves: biases are lowered, sums raised and spreads widened.
constexpr float kSlack = 0x1p-20f;
// Squares above this may overflow: NaN, which always passes, stands for them.
constexpr float kSafeFactor = 1e18f;
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

// What the kernel takes of the rows at hand.
class RowTerms {
 public:
  static constexpr std::size_t kGroups = 36;
  static constexpr std::size_t kRows = kGroups * kGroupRows;

  void read(const RabitqEstimator& estimator, const Byte* groups, std::ptrdiff_t stride, std::size_t count) {
    const RabitqLayout& layout = estimator.layout();
    const auto take = kernels::table().f32_from_planes;
    take(groups + layout.known() * kGroupRows, stride, count, known.data());
    take(groups + layout.sign_factor() * kGroupRows, stride, count, signs.data());
    const auto product_weight = static_cast<float>(-estimator.product_weight());
    const bool product = estimator.knows_product();
    const std::size_t rows = count * kGroupRows;
    for (std::size_t row = 0; row < rows; ++row) {
      const bool safe = std::abs(known[row]) < kSafeFactor && signs[row] < kSafeFactor;
      const float part = product ? -known[row] - kSlack * std::abs(known[row]) : known[row] * known[row] * (1 - kSlack);
      biases[row] = safe ? part : kNan;
      factors[row] = signs[row] * product_weight;
    }
    if (layout.bits == 1) return;
    // See RabitqEstimator::deviation.
    const auto dim = static_cast<float>(layout.dim) / 4 * (1 + kSlack);
    const auto freedom = 1 / static_cast<float>(std::max<std::size_t>(layout.dim - 1, 1)) * (1 + kSlack);
    const auto error = static_cast<float>(kRabitqRounding[0]) * static_cast<float>(layout.dim - 1) * (1 + kSlack);
    for (std::size_t row = 0; row < rows; ++row) {
      const float square = signs[row] * signs[row];
      const float beside = product ? square * error : square * dim - known[row] * known[row] * (1 - kSlack);
      spreads[row] = std::sqrt(beside * freedom) * (1 + kSlack);
    }
  }

  alignas(64) std::array<float, kRows> biases;
  alignas(64) std::array<float, kRows> factors;
  alignas(64) std::array<float, kRows> spreads;
  alignas(64) std::array<float, kRows> known;
  alignas(64) std::array<float, kRows> signs;
};

// Collector: TopK or RangeHits.
template <class Collector>
class RabitqScan final : public Scan {
 public:
  RabitqScan(const RabitqEstimator& estimator, std::vector<RabitqQuery> queries, const Collector& empty,
             const SlotTable& table)
      : estimator_(estimator),
        queries_(std::move(queries)),
        table_(table),
        found_(queries_.size(), empty),
        tables_(queries_.size() * estimator.layout().plane_bytes * 32),
        hits_(std::make_unique_for_overwrite<kernels::EstimateHit[]>(RowTerms::kRows * kQueries)),
        terms_(std::make_unique<RowTerms>()),
        vector_(estimator.layout().plane_bytes * 8) {
    const std::size_t bytes = estimator.layout().plane_bytes * 32;
    for (std::size_t q = 0; q < queries_.size(); ++q) {
      estimator.fill(queries_[q], std::span(tables_).subspan(q * bytes, bytes));
    }
  }

  void limit(std::span<const double> limits) override {
    for (std::size_t q = 0; q < found_.size(); ++q) found_[q].limit(limits[q]);
  }

  void block(const CodeBlock& block) override {
    const std::size_t groups = (block.count + kGroupRows - 1) / kGroupRows;
    for (std::size_t first = 0; first < groups;) {
      const std::size_t count = std::min(groups_at_once_, groups - first);
      if (any_allowed(block, first, count)) groups_of(block, first, count);
      first += count;
      groups_at_once_ = std::min(2 * groups_at_once_, RowTerms::kGroups);
    }
  }

  void finish(std::span<std::vector<Hit>> hits) override {
    for (std::size_t q = 0; q < found_.size(); ++q) hits[q] = found_[q].sorted();
  }

  std::uint64_t reranked() const noexcept override { return ranked_; }

 private:
  static constexpr std::size_t kQueries = 4;

  static bool any_allowed(const CodeBlock& block, std::size_t first, std::size_t count) {
    for (std::size_t g = first; g < first + count; ++g) {
      if (block.rows_of_group(g) != 0) return true;
    }
    return false;
  }

  void groups_of(const CodeBlock& block, std::size_t first, std::size_t count) {
    const Byte* groups = block.group(first);
    terms_->read(estimator_, groups, block.stride, count);
    for (std::size_t q = 0; q < queries_.size(); q += kQueries) {
      const std::size_t queries = std::min(kQueries, queries_.size() - q);
      std::array<kernels::EstimateQuery, kQueries> terms;
      for (std::size_t i = 0; i < queries; ++i) terms[i] = terms_of(queries_[q + i], found_[q + i].threshold());
      const std::size_t planes = estimator_.layout().plane_bytes;
      const kernels::EstimateJob job{groups,
                                     block.stride,
                                     count,
                                     planes,
                                     tables_.data() + q * planes * 32,
                                     terms.data(),
                                     queries,
                                     terms_->biases.data(),
                                     terms_->factors.data(),
                                     estimator_.layout().bits > 1 ? terms_->spreads.data() : nullptr,
                                     hits_.get()};
      const std::size_t hits = kernels::table().estimate(&job);
      for (std::size_t h = 0; h < hits; ++h) take(block, first, q + hits_[h].query, hits_[h]);
    }
  }

  kernels::EstimateQuery terms_of(const RabitqQuery& query, double threshold) const {
    const double bias = query.base - threshold - kSlack * (std::abs(query.base) + std::abs(threshold)) - 0x1p-140;
    return {
        float_below(bias), static_cast<float>(query.step), static_cast<float>((2 * kSlack - 0.5) * query.total),
        static_cast<float>(-estimator_.most_deviations() * (1 + kSlack) * estimator_.product_weight() * query.length)};
  }

  void take(const CodeBlock& block, std::size_t first, std::size_t q, const kernels::EstimateHit& hit) {
    const std::size_t position = first * kGroupRows + hit.row;
    if (position >= block.count || !block.allows(position)) return;
    const std::size_t row = hit.row;
    RabitqFactors factors{terms_->known[row], terms_->signs[row], 0};
    double distance = estimator_.least(queries_[q], factors, hit.sum);
    Collector& found = found_[q];
    ++ranked_;
    if (!(distance <= found.threshold())) return;
    if (estimator_.layout().bits > 1) {
      const RabitqCode code{block.group(position / kGroupRows) + position % kGroupRows, kGroupRows};
      factors.all = code.number(estimator_.layout().factor());
      distance = estimator_.distance(queries_[q], factors, distance, code, vector_.data());
    }
    if (std::isfinite(distance) && distance <= found.threshold()) found.push(distance, table_.id(block.slot(position)));
  }

  const RabitqEstimator& estimator_;
  std::vector<RabitqQuery> queries_;
  const SlotTable& table_;
  std::vector<Collector> found_;
  std::vector<Byte> tables_;
  std::unique_ptr<kernels::EstimateHit[]> hits_;
  std::unique_ptr<RowTerms> terms_;
  std::vector<float> vector_;
  std::size_t groups_at_once_ = 1;  // few at first, when no threshold is known and all rows pass
  std::uint64_t ranked_ = 0;
};

}  // namespace

std::unique_ptr<Scan> make_rabitq_knn(const RabitqEstimator& estimator, std::vector<RabitqQuery> queries, std::size_t k,
                                      const SlotTable& table) {
  return std::make_unique<RabitqScan<TopK>>(estimator, std::move(queries), TopK(k), table);
}

std::unique_ptr<Scan> make_rabitq_range(const RabitqEstimator& estimator, std::vector<RabitqQuery> queries,
                                        double radius, const SlotTable& table) {
  return std::make_unique<RabitqScan<RangeHits>>(estimator, std::move(queries), RangeHits(radius), table);
}

}  // namespace knear
