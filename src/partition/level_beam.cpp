#include "partition/level_beam.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/hit_sort.h"
#include "core/top_k.h"

namespace knear {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr std::size_t kWider = 8;   // times as many sums as before, when a filter leaves too few cells
constexpr std::size_t kSpare = 16;  // more cells than are wanted, and twice as many, are ranked

double product_of(const float* a, const float* b, std::size_t dim) {
  double sum = 0;
  for (std::size_t j = 0; j < dim; ++j) sum += static_cast<double>(a[j]) * static_cast<double>(b[j]);
  return sum;
}

class BeamSearch final : public CellSearch {
 public:
  BeamSearch(const ImplicitCentroids& centroids, const LevelTables& tables, float beam_factor)
      : centroids_(centroids),
        tables_(tables),
        beam_factor_(beam_factor),
        products_(centroids, Metric::inner_product, 0),
        ranker_(centroids),
        values_(centroids.books() * centroids.entries()),
        sums_(centroids.entries()) {}

  std::vector<Hit> nearest(const float* query, std::size_t k, const Selector* selector) override {
    start(query);
    const std::size_t cells = centroids_.cells();
    std::size_t beam = cells;
    if (beam_factor_ > 0) {
      const double wanted = std::ceil(static_cast<double>(std::min(k, cells)) * static_cast<double>(beam_factor_));
      beam = static_cast<std::size_t>(std::min(wanted, static_cast<double>(cells)));
    }
    for (;; beam = std::min(cells, beam * kWider)) {
      std::vector<Hit> hits = nearest_of_beam(query, std::min(k, cells), beam, selector);
      if (hits.size() >= std::min(k, cells) || beam == cells) return hits;
    }
  }

  std::vector<Hit> within(const float* query, double radius, const Selector* selector) override {
    start(query);
    std::vector<Hit> hits;
    const double limit = radius + error_ - square_;
    last_level(states_before_last(centroids_.cells()), [&](std::uint32_t cell, double sum) {
      if (sum > limit || (selector && !selector->contains(cell))) return;
      const double distance = ranker_.distance(query, cell);
      if (distance < radius) hits.push_back({distance, cell});
    });
    return hits;
  }

 private:
  void start(const float* query) {
    const std::span<const double> products = products_.of(query);  // negated: smaller is closer
    for (std::size_t i = 0; i < values_.size(); ++i) values_[i] = tables_.norms()[i] + 2 * products[i];
    const double length = length_of(query, centroids_.dim());
    square_ = length * length;
    const double farthest = length + tables_.longest();
    const auto books = static_cast<double>(centroids_.books());
    // A centroid is the float32 sum of its entries, off by a rounding for each level.
    const double off = 0x1p-24 * 1.01 * books * (tables_.longest() + 0x1p-100);
    error_ = relative_error(centroids_.dim() + centroids_.books() * centroids_.books()) * farthest * farthest +
             2 * farthest * off + off * off + 2 * products_.error();
  }

  // Sums of entries of all levels but the last, those with the `beam` smallest distances.
  std::vector<Hit> states_before_last(std::size_t beam) {
    std::vector<Hit> states{{0, 0}};
    for (std::size_t level = 0; level + 1 < centroids_.books(); ++level) {
      TopK best(beam);
      for (const Hit& state : states) {
        continue_with(state, level);
        for (std::size_t c = 0; c < sums_.size(); ++c) {
          if (sums_[c] <= best.threshold()) best.push(sums_[c], state.id | number_at(level, c));
        }
      }
      states = best.sorted();
    }
    return states;
  }

  template <class Take>
  void last_level(const std::vector<Hit>& states, const Take& take) {
    const std::size_t level = centroids_.books() - 1;
    for (const Hit& state : states) {
      continue_with(state, level);
      for (std::size_t c = 0; c < sums_.size(); ++c) {
        take(static_cast<std::uint32_t>(state.id | number_at(level, c)), sums_[c]);
      }
    }
  }

  // sums_[c] of this state and entry c of the level.
  void continue_with(const Hit& state, std::size_t level) {
    const std::size_t entries = sums_.size();
    const double* const values = values_.data() + level * entries;
    for (std::size_t c = 0; c < entries; ++c) sums_[c] = state.distance + values[c];
    for (std::size_t early = 0; early < level; ++early) {
      const std::size_t number = centroids_.entry_of(static_cast<std::size_t>(state.id), early);
      const double* const products = tables_.products(early, number, level);
      for (std::size_t c = 0; c < entries; ++c) sums_[c] += products[c];
    }
  }

  Id number_at(std::size_t level, std::size_t number) const {
    return static_cast<Id>(number << (level * centroids_.bits()));
  }

  // By canonical distance, of all cells that the beam reaches: sums tell which need not be ranked.
  std::vector<Hit> nearest_of_beam(const float* query, std::size_t k, std::size_t beam, const Selector* selector) {
    const std::vector<Hit> states = states_before_last(beam);
    for (std::size_t most = 2 * k + kSpare;; most *= 2) {
      TopK best(most);
      last_level(states, [&](std::uint32_t cell, double sum) {
        if (sum > best.threshold()) return;
        if (!selector || selector->contains(cell)) best.push(sum, cell);
      });
      std::vector<Hit> hits = best.sorted();
      const bool all = hits.size() < most;
      const double last = hits.empty() ? kInfinity : hits.back().distance;
      for (Hit& hit : hits) hit.distance = ranker_.distance(query, static_cast<std::size_t>(hit.id));
      keep_nearest(hits, k);
      if (all || last + square_ - error_ > hits.back().distance) return hits;
    }
  }

  const ImplicitCentroids& centroids_;
  const LevelTables& tables_;
  float beam_factor_;
  EntryDistances products_;
  CellRanker ranker_;
  std::vector<double> values_;  // |entry|^2 - 2 query entry
  std::vector<double> sums_;
  double square_ = 0;  // of the query's length
  double error_ = 0;   // of a sum and square_ together
};

}  // namespace

LevelTables::LevelTables(const ImplicitCentroids& centroids) : entries_(centroids.entries()) {
  const std::size_t dim = centroids.dim();
  for (std::size_t m = 0; m < centroids.books(); ++m) {
    double most = 0;
    for (std::size_t c = 0; c < entries_; ++c) {
      norms_.push_back(product_of(centroids.entry(m, c), centroids.entry(m, c), dim));
      most = std::max(most, norms_.back());
    }
    longest_ += std::sqrt(most);
  }
  for (std::size_t late = 1; late < centroids.books(); ++late) {
    for (std::size_t early = 0; early < late; ++early) {
      for (std::size_t c = 0; c < entries_; ++c) {
        for (std::size_t other = 0; other < entries_; ++other) {
          products_.push_back(2 * product_of(centroids.entry(early, c), centroids.entry(late, other), dim));
        }
      }
    }
  }
}

std::unique_ptr<CellSearch> make_beam_search(const ImplicitCentroids& centroids, const LevelTables& tables,
                                             float beam_factor) {
  return std::make_unique<BeamSearch>(centroids, tables, beam_factor);
}

}  // namespace knear
