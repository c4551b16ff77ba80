// Exact k-means of numbers.
//
// In order, the cells are runs of neighbours, and the cost of runs has the Monge property (Wu: "Optimal quantization by
// matrix searching", J. Algorithms 12, 1991). So the least cost f(k) is convex in k, and a price paid for each cell
// finds it: the best partition for a price, with any number of cells, takes one pass with a queue of candidates
// (Grønlund, Larsen, Mathiasen, Nielsen, Schneider, Song: "Fast exact k-means, k-medians and Bregman divergence
// clustering in 1D", 2017, section 4). Prices are tried until one gives k cells, or until two partitions with fewer and
// with more cells are both best for a price: these two are cut and joined to one of k cells that is as good
// (Aggarwal, Schieber, Tokuyama: "Finding a minimum-weight k-link path in graphs with the concave Monge property",
// 1994).
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <numeric>

#include "core/check.h"
#include "core/parallel_for.h"
#include "knear/cluster.h"

namespace knear {
namespace {

// A sum in about 106 bits: differences of sums over all values must still tell those over a few.
struct LongSum {
  double high = 0;
  double low = 0;

  void add(double value, double error) {
    const double sum = high + value;
    const double part = sum - high;
    low += (high - (sum - part)) + (value - part) + error;
    high = sum;
  }
  LongSum operator-(const LongSum& b) const {
    LongSum difference = *this;
    difference.add(-b.high, -b.low);
    return difference;
  }
};

// The different values in ascending order, and what the cost of a run of them takes.
class Runs {
 public:
  Runs(std::span<const float> values, std::span<const float> weights) {
    std::vector<std::uint32_t> order(values.size());
    std::iota(order.begin(), order.end(), 0u);
    std::erase_if(order, [&](std::uint32_t i) { return !weights.empty() && weights[i] == 0; });
    std::sort(order.begin(), order.end(),
              [&](auto a, auto b) { return values[a] < values[b] || (values[a] == values[b] && a < b); });
    Prefix sum;
    for (std::size_t i = 0; i < order.size(); ++i) {
      const double x = static_cast<double>(values[order[i]]);
      const double weight = weights.empty() ? 1 : static_cast<double>(weights[order[i]]);
      if (i == 0 || values[order[i]] != values_.back()) {
        sums_.push_back(sum);
        values_.push_back(values[order[i]]);
      }
      const double weighted = weight * x;  // of 48 bits, so exact
      const double square = weighted * x;
      sum.weight.add(weight, 0);
      sum.first.add(weighted, 0);
      sum.second.add(square, std::fma(weighted, x, -square));
    }
    sums_.push_back(sum);
  }

  // As if so many neighbours always shared a cell. Has no mean().
  Runs(const Runs& other, std::size_t step) : step_(step) {
    for (std::size_t i = 0; i < other.count(); i += step) sums_.push_back(other.sums_[i]);
    sums_.push_back(other.sums_.back());
  }

  std::size_t count() const noexcept { return sums_.size() - 1; }
  float value(std::size_t i) const noexcept { return values_[i]; }

  // Of the values [begin, end): the weighted mean, and the weighted sum of squared distances to it.
  double mean(std::size_t begin, std::size_t end) const {
    const double mean = (sums_[end].first - sums_[begin].first).high / (sums_[end].weight - sums_[begin].weight).high;
    return std::clamp(mean, static_cast<double>(values_[begin]), static_cast<double>(values_[end - 1]));
  }
  // second - mean * first, with what rounding takes from the mean and from the products put back.
  double cost(std::size_t begin, std::size_t end) const {
    if (end - begin < 2 && step_ == 1) return 0;
    const LongSum weight = sums_[end].weight - sums_[begin].weight;
    const LongSum first = sums_[end].first - sums_[begin].first;
    const LongSum second = sums_[end].second - sums_[begin].second;
    const double mean = first.high / weight.high;
    const double rest = std::fma(-mean, weight.high, first.high) + (first.low - mean * weight.low);
    const double product = mean * first.high;
    const double error = std::fma(mean, first.high, -product) + mean * first.low + rest / weight.high * first.high;
    return std::max(0.0, (second.high - product) + (second.low - error));
  }

 private:
  struct Prefix {
    LongSum weight, first, second;  // sums of w, w x, w x^2
  };

  std::size_t step_ = 1;
  std::vector<float> values_;
  std::vector<Prefix> sums_;  // of all values before
};

// Where cells begin, and the end of the last one.
struct Partition {
  std::vector<std::uint32_t> bounds;
  double cost = 0;
  double price = 0;  // of a cell, for which it is the best partition

  std::size_t cells() const noexcept { return bounds.size() - 1; }
};

class PartitionSearch {
 public:
  PartitionSearch(const Runs& runs, const RunOptions& run)
      : runs_(runs), run_(run), meter_(run, "k-means", 0), best_(runs.count() + 1), from_(runs.count() + 1) {}

  // The best partition into exactly k cells, 1 <= k <= runs.count().
  Partition with_cells(std::size_t k) {
    const std::size_t n = runs_.count();
    Partition fewer = of({0, static_cast<std::uint32_t>(n)});
    if (k == 1) return fewer;
    std::vector<std::uint32_t> all(n + 1);
    std::iota(all.begin(), all.end(), 0u);
    Partition more = of(std::move(all));
    if (k == n) return more;
    fewer.price = std::numeric_limits<double>::infinity();
    double guess = first_guess(k, fewer.cost);
    for (std::size_t tries = 1;; ++tries) {
      // Every third time the price for which `fewer` and `more` cost the same: nothing better means that both are best.
      const bool even = tries % 3 == 0;
      if (even) guess = (fewer.cost - more.cost) / static_cast<double>(more.cells() - fewer.cells());
      Partition found = for_price(guess);
      if (found.cells() == k) return found;
      if (even && (found.cells() <= fewer.cells() || found.cells() >= more.cells())) return joined(fewer, more, k);
      // Outside only by rounding.
      const bool inside = found.cells() >= fewer.cells() && found.cells() <= more.cells();
      if (inside) (found.cells() < k ? fewer : more) = std::move(found);
      guess = price_between(fewer, more, k);
    }
  }

 private:
  // From some of the values only; or as if they lay evenly, which makes f(k) = f(1) / k^2.
  double first_guess(std::size_t k, double cost) const {
    const std::size_t step = runs_.count() / std::max<std::size_t>(32 * k, 1 << 13);
    if (step < 4) return 2 * cost / std::pow(static_cast<double>(k), 3);
    return PartitionSearch(Runs(runs_, step), run_).with_cells(k).price;
  }

  // The price falls about with the third power of the number of cells.
  static double price_between(const Partition& fewer, const Partition& more, std::size_t k) {
    const auto log_cells = [&](std::size_t cells) { return std::log(static_cast<double>(cells)); };
    if (std::isinf(fewer.price)) return more.price * std::exp(3 * (log_cells(more.cells()) - log_cells(k)));
    if (more.price <= 0) return fewer.price * std::exp(3 * (log_cells(fewer.cells()) - log_cells(k)));
    const double way = (log_cells(k) - log_cells(fewer.cells())) / (log_cells(more.cells()) - log_cells(fewer.cells()));
    return fewer.price * std::pow(more.price / fewer.price, way);
  }

  Partition of(std::vector<std::uint32_t> bounds) const {
    Partition partition{std::move(bounds), 0, 0};
    for (std::size_t c = 0; c < partition.cells(); ++c) {
      partition.cost += runs_.cost(partition.bounds[c], partition.bounds[c + 1]);
    }
    return partition;
  }

  // What the first `end` values cost when the last cell begins at `begin`.
  double cost(std::size_t begin, std::size_t end) const { return best_[begin] + runs_.cost(begin, end); }

  // A candidate to begin the last cell, best for ends from `first` up to the next one's. A later candidate that is
  // better for an end is so for all that follow.
  struct Candidate {
    std::uint32_t begin;
    std::uint32_t first;
  };

  Partition for_price(double price) {
    const auto n = static_cast<std::uint32_t>(runs_.count());
    std::vector<Candidate> queue{{0, 1}};
    std::size_t front = 0;
    std::uint32_t hint = 0;
    constexpr std::uint32_t kStep = 1 << 14;
    for (std::uint32_t end = 1; end <= n; ++end) {
      if (end % kStep == 0) meter_.advance(kStep);
      if (front + 1 < queue.size() && queue[front + 1].first == end) ++front;
      from_[end] = queue[front].begin;
      best_[end] = cost(from_[end], end) + price;
      if (end < n) offer(end, front, queue, hint);
    }
    std::vector<std::uint32_t> bounds{n};
    while (bounds.back() != 0) bounds.push_back(from_[bounds.back()]);
    std::reverse(bounds.begin(), bounds.end());
    Partition found = of(std::move(bounds));
    found.price = price;
    return found;
  }

  // Puts candidate `begin` where it is better than those before: from an end near `hint`, most often.
  void offer(std::uint32_t begin, std::size_t front, std::vector<Candidate>& queue, std::uint32_t& hint) const {
    const auto n = static_cast<std::uint32_t>(runs_.count());
    const auto better = [&](std::uint32_t end) { return cost(begin, end) < cost(queue.back().begin, end); };
    while (queue.size() > front + 1 && better(queue.back().first)) queue.pop_back();
    std::uint32_t worse = std::max(begin, queue.back().first);  // not better for this end, or it is none
    std::uint32_t at = n + 1;                                   // better for this one, or it is none
    if (worse == n) return;
    std::uint32_t probe = std::clamp(hint, worse + 1, n);
    const bool back = better(probe);
    (back ? at : worse) = probe;
    for (std::uint32_t step = 1; at - worse > 1; step *= 2) {
      probe = back ? at - std::min(step, at - worse - 1) : worse + std::min(step, at - worse - 1);
      const bool is_better = better(probe);
      (is_better ? at : worse) = probe;
      if (is_better != back) break;
    }
    while (at - worse > 1) {
      const std::uint32_t middle = worse + (at - worse) / 2;
      (better(middle) ? at : worse) = middle;
    }
    hint = at;
    if (at <= n) queue.push_back({begin, at});
  }

  // Of partitions a and b that are best for one price: the first cells of a, one across, and the last ones of b. Some
  // cell of b lies within that of a which comes so many before it that the number is k.
  Partition joined(const Partition& a, const Partition& b, std::size_t k) const {
    const std::size_t shift = b.cells() - k;
    std::size_t i = a.cells() - 1;
    while (a.bounds[i] > b.bounds[i + shift]) --i;
    std::vector<std::uint32_t> bounds(a.bounds.begin(), a.bounds.begin() + static_cast<std::ptrdiff_t>(i) + 1);
    bounds.insert(bounds.end(), b.bounds.begin() + static_cast<std::ptrdiff_t>(i + shift) + 1, b.bounds.end());
    return of(std::move(bounds));
  }

  const Runs& runs_;
  const RunOptions& run_;
  ProgressMeter meter_;
  std::vector<double> best_;  // cost of the first so many values
  std::vector<std::uint32_t> from_;
};

void check(std::span<const float> values, std::size_t k, std::span<const float> weights) {
  require(!values.empty(), "k-means of no values");
  require(values.size() <= 0xfffffffe, "k-means of ", values.size(), " values: 4294967294 is the most");
  require(k >= 1, "k-means with k = 0 centroids");
  require(weights.empty() || weights.size() == values.size(), weights.size(), " weights for ", values.size(),
          " values");
  for (std::size_t i = 0; i < values.size(); ++i) require(std::isfinite(values[i]), "value ", i, " is ", values[i]);
  double sum = 0;
  for (std::size_t i = 0; i < weights.size(); ++i) {
    require(std::isfinite(weights[i]) && weights[i] >= 0, "the weight of value ", i, " is ", weights[i],
            ": weights are finite and not negative");
    sum += static_cast<double>(weights[i]);
  }
  require(weights.empty() || sum > 0, "all ", weights.size(), " weights are 0");
}

}  // namespace

Kmeans1d kmeans_1d(std::span<const float> values, std::size_t k, std::span<const float> weights,
                   const RunOptions& options) {
  check(values, k, weights);
  const Runs runs(values, weights);
  const Partition partition = PartitionSearch(runs, options).with_cells(std::min(k, runs.count()));
  Kmeans1d result;
  result.objective = partition.cost;
  for (std::size_t c = 0; c < partition.cells(); ++c) {
    result.centroids.push_back(static_cast<float>(runs.mean(partition.bounds[c], partition.bounds[c + 1])));
    result.largest.push_back(runs.value(partition.bounds[c + 1] - 1));
  }
  return result;
}

}  // namespace knear
