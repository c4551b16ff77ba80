#include "support/reference.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>
#include <vector>

namespace knear {
namespace {

// The order of addition that the canonical distance promises: element j into sum j % 16, then a tree.
template <class Term>
double sum16(std::size_t dim, const Term& term) {
  std::array<double, 16> sums{};
  for (std::size_t j = 0; j < dim; ++j) sums[j % 16] += term(j);
  for (std::size_t half = 8; half >= 1; half /= 2) {
    for (std::size_t i = 0; i < half; ++i) sums[i] += sums[i + half];
  }
  return sums[0];
}

double max_of(std::size_t dim, const std::function<double(std::size_t)>& term) {
  double most = 0;
  for (std::size_t j = 0; j < dim; ++j) most = std::max(most, term(j));
  return most;
}

double nan_euclidean(const float* x, const float* y, std::size_t dim) {
  const auto both = [&](std::size_t j) { return !std::isnan(x[j]) && !std::isnan(y[j]); };
  const double known = sum16(dim, [&](std::size_t j) { return both(j) ? 1.0 : 0.0; });
  const double sum = sum16(dim, [&](std::size_t j) {
    const double difference = double{x[j]} - y[j];
    return both(j) ? difference * difference : 0.0;
  });
  return static_cast<double>(dim) / known * sum;
}

double cosine(const float* x, const float* y, std::size_t dim) {
  const double xy = sum16(dim, [&](std::size_t j) { return double{x[j]} * y[j]; });
  const double xx = sum16(dim, [&](std::size_t j) { return double{x[j]} * x[j]; });
  const double yy = sum16(dim, [&](std::size_t j) { return double{y[j]} * y[j]; });
  if (xx == 0 || yy == 0) return 0;
  return std::clamp(xy / (std::sqrt(xx) * std::sqrt(yy)), -1.0, 1.0);
}

double jensen_shannon_term(double a, double b) {
  const double middle = (a + b) / 2;
  const double left = a > 0 ? a * std::log(a / middle) : 0;
  const double right = b > 0 ? b * std::log(b / middle) : 0;
  return (left + right) / 2;
}

}  // namespace

double reference_distance(Metric metric, const float* x, const float* y, std::size_t dim) {
  const auto gap = [&](std::size_t j) { return std::abs(double{x[j]} - y[j]); };
  const auto low = [&](std::size_t j) { return double{std::min(x[j], y[j])}; };
  const auto high = [&](std::size_t j) { return double{std::max(x[j], y[j])}; };
  const auto size = [&](std::size_t j) { return std::abs(double{x[j]}) + std::abs(double{y[j]}); };
  switch (metric.kind) {
    case Metric::l2:
      return sum16(dim, [&](std::size_t j) { return gap(j) * gap(j); });
    case Metric::inner_product:
      return sum16(dim, [&](std::size_t j) { return double{x[j]} * y[j]; });
    case Metric::cosine:
      return cosine(x, y, dim);
    case Metric::l1:
      return sum16(dim, gap);
    case Metric::linf:
      return max_of(dim, gap);
    case Metric::lp:
      return sum16(dim, [&](std::size_t j) { return std::pow(gap(j), double{metric.argument}); });
    case Metric::canberra:
      return sum16(dim, [&](std::size_t j) { return size(j) > 0 ? gap(j) / size(j) : 0.0; });
    case Metric::bray_curtis:
      return sum16(dim, gap) / sum16(dim, [&](std::size_t j) { return std::abs(double{x[j]} + y[j]); });
    case Metric::jensen_shannon:
      return sum16(dim, [&](std::size_t j) { return jensen_shannon_term(x[j], y[j]); });
    case Metric::jaccard:
      return sum16(dim, low) / sum16(dim, high);
    case Metric::nan_euclidean:
      return nan_euclidean(x, y, dim);
    case Metric::gower:
      return sum16(dim, [&](std::size_t j) { return x[j] < 0 || y[j] < 0 ? (x[j] == y[j] ? 0.0 : 1.0) : gap(j); }) /
             static_cast<double>(dim);
  }
  return 0;
}

Neighbors reference_knn(const Index& index, MatrixView queries, std::size_t k, const Selector* selector) {
  const std::vector<Id> ids = index.ids();
  const Matrix rows = index.get(ids);
  const double sign = larger_is_closer(index.metric()) ? -1 : 1;
  Neighbors result{queries.rows(), k, {}, {}, {}};
  std::vector<float> query(queries.dim());
  for (std::size_t q = 0; q < queries.rows(); ++q) {
    queries.copy_row(q, query.data());
    std::vector<std::pair<double, Id>> all;
    for (std::size_t i = 0; i < ids.size(); ++i) {
      if (selector && !selector->contains(ids[i])) continue;
      const float* row = rows.floats() + i * queries.dim();
      all.emplace_back(sign * reference_distance(index.metric(), query.data(), row, queries.dim()), ids[i]);
    }
    std::sort(all.begin(), all.end());
    result.counts.push_back(std::min(k, all.size()));
    for (std::size_t i = 0; i < k; ++i) {
      const bool real = i < all.size();
      result.distances.push_back(real ? static_cast<float>(sign * all[i].first) : worst_value(index.metric()));
      result.ids.push_back(real ? all[i].second : kNoId);
    }
  }
  return result;
}

Neighbors reference_knn_of_codes(const Index& index, MatrixView queries, std::size_t k, const Selector* selector) {
  Neighbors result{queries.rows(), k, {}, {}, {}};
  SearchOptions options;
  options.run.num_threads = 1;
  const std::size_t everything = std::max<std::size_t>(1, index.size());
  for (std::size_t q = 0; q < queries.rows(); ++q) {
    const Neighbors all = index.search(queries.slice(q, 1), everything, options);
    std::size_t found = 0;
    for (std::size_t i = 0; i < all.counts[0] && found < k; ++i) {
      if (selector && !selector->contains(all.ids[i])) continue;
      result.distances.push_back(all.distances[i]);
      result.ids.push_back(all.ids[i]);
      ++found;
    }
    result.counts.push_back(found);
    result.distances.resize((q + 1) * k, worst_value(index.metric()));
    result.ids.resize((q + 1) * k, kNoId);
  }
  return result;
}

}  // namespace knear
