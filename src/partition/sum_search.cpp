#include "partition/sum_search.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/hit_sort.h"
#include "partition/ascending_sums.h"

namespace knear {
namespace {

// Sums come in their own order; the canonical distance of the whole centroid, which is rounded otherwise, decides. So
// it goes on until a sum is too large for that to matter.
class SumSearch final : public CellSearch {
 public:
  SumSearch(const ImplicitCentroids& centroids, std::size_t step)
      : distances_(centroids, centroids.metric(), step),
        ranker_(centroids),
        sums_(centroids.books(), centroids.bits()),
        dim_(centroids.dim()),
        products_(centroids.metric() == Metric::inner_product),
        // Centroids that are sums are added up in float32.
        relative_(relative_error(dim_) + (step == 0 ? 0x1p-23 * static_cast<double>(centroids.books()) : 0)) {
    for (std::size_t m = 0; m < centroids.books(); ++m) longest_ += centroids.book(m).longest;
  }

  std::vector<Hit> nearest(const float* query, std::size_t k, const Selector* selector) override {
    std::vector<Hit> hits;
    double limit = std::numeric_limits<double>::infinity();
    double worst = -limit;
    collect(query, distances_.of(query), selector, limit, [&](const Hit& hit) {
      hits.push_back(hit);
      worst = std::max(worst, hit.distance);
      if (hits.size() == k) limit = worst + slack(query, worst);
    });
    keep_nearest(hits, k);
    return hits;
  }

  std::vector<Hit> within(const float* query, double radius, const Selector* selector) override {
    std::vector<Hit> hits;
    const std::span<const double> values = distances_.of(query);
    const double limit = radius + slack(query, radius);
    collect(query, values, selector, limit, [&](const Hit& hit) {
      if (hit.distance < radius) hits.push_back(hit);
    });
    return hits;
  }

 private:
  template <class Take>
  void collect(const float* query, std::span<const double> values, const Selector* selector, const double& limit,
               const Take& take) {
    sums_.start(values);
    for (auto sum = sums_.next(); sum && sum->distance <= limit; sum = sums_.next()) {
      if (selector && !selector->contains(sum->id)) continue;
      take(Hit{ranker_.distance(query, static_cast<std::size_t>(sum->id)), sum->id});
    }
  }

  // By how much sum and canonical distance may differ.
  double slack(const float* query, double distance) const {
    if (std::isinf(distance)) return 0;
    const double of_canonical = products_ ? length_of(query, dim_) * (longest_ + 0x1p-100) : std::abs(distance);
    return distances_.error() + relative_ * of_canonical;
  }

  EntryDistances distances_;
  CellRanker ranker_;
  AscendingSums sums_;
  std::size_t dim_;
  bool products_;
  double relative_;
  double longest_ = 0;  // no centroid is longer
};

}  // namespace

std::unique_ptr<CellSearch> make_sum_search(const ImplicitCentroids& centroids, std::size_t step) {
  return std::make_unique<SumSearch>(centroids, step);
}

}  // namespace knear
