#include "kernels/rare.h"

#include <cmath>
#include <limits>

namespace knear::kernels {
namespace {

// 16 partial sums, summed as table.h says.
struct Sum {
  double s[16] = {};

  double total() {
    for (size_t half = 8; half != 0; half /= 2)
      for (size_t i = 0; i < half; ++i) s[i] += s[i + half];
    return s[0];
  }
};

// The sum of term(x, y) over the dimensions.
template <class Term>
double sum_of(const float* x, const float* y, size_t dim, Term term) {
  Sum sum;
  for (size_t j = 0; j < dim; ++j) sum.s[j % 16] += term(double{x[j]}, double{y[j]});
  return sum.total();
}

// out[i] = distance(row i).
template <class Distance>
void for_rows(const float* const* rows, size_t count, double* out, Distance distance) {
  for (size_t i = 0; i < count; ++i) out[i] = distance(rows[i]);
}

double absolute_difference(double x, double y) { return std::fabs(x - y); }

// x ln(x / middle), 0 at x = 0.
double divergence_term(double x, double middle) { return x == 0 ? 0 : x * std::log(x / middle); }

double gower_term(double x, double y) {
  if (!std::isfinite(x) || !std::isfinite(y)) return std::numeric_limits<double>::quiet_NaN();
  if (x < 0 || y < 0) return x == y ? 0 : 1;
  return std::fabs(x - y);
}

// max and min that keep a NaN.
double smaller(double x, double y) { return x < y || x != x ? x : y; }
double larger(double x, double y) { return x > y || x != x ? x : y; }

}  // namespace

void lp_rows(const float* query, const float* const* rows, size_t count, size_t dim, float argument, double* out) {
  const auto power = [p = double{argument}](double x, double y) { return std::pow(std::fabs(x - y), p); };
  for_rows(rows, count, out, [&](const float* row) { return sum_of(query, row, dim, power); });
}

void canberra_rows(const float* query, const float* const* rows, size_t count, size_t dim, float, double* out) {
  const auto share = [](double x, double y) {
    const double both = std::fabs(x) + std::fabs(y);
    return both == 0 ? 0 : std::fabs(x - y) / both;
  };
  for_rows(rows, count, out, [&](const float* row) { return sum_of(query, row, dim, share); });
}

void bray_curtis_rows(const float* query, const float* const* rows, size_t count, size_t dim, float, double* out) {
  const auto absolute_sum = [](double x, double y) { return std::fabs(x + y); };
  for_rows(rows, count, out, [&](const float* row) {
    const double apart = sum_of(query, row, dim, absolute_difference);
    const double both = sum_of(query, row, dim, absolute_sum);
    return both == 0 && apart == 0 ? 0 : apart / both;
  });
}

void jensen_shannon_rows(const float* query, const float* const* rows, size_t count, size_t dim, float, double* out) {
  const auto divergence = [](double x, double y) {
    const double middle = 0.5 * (x + y);
    return divergence_term(x, middle) + divergence_term(y, middle);
  };
  for_rows(rows, count, out, [&](const float* row) { return 0.5 * sum_of(query, row, dim, divergence); });
}

void jaccard_rows(const float* query, const float* const* rows, size_t count, size_t dim, float, double* out) {
  for_rows(rows, count, out, [&](const float* row) {
    const double common = sum_of(query, row, dim, smaller);
    const double all = sum_of(query, row, dim, larger);
    if (std::isinf(all)) return std::numeric_limits<double>::quiet_NaN();
    return common == 0 && all == 0 ? 1 : common / all;
  });
}

void nan_euclidean_rows(const float* query, const float* const* rows, size_t count, size_t dim, float, double* out) {
  const auto square = [](double x, double y) { return x != x || y != y ? 0 : (x - y) * (x - y); };
  for_rows(rows, count, out, [&](const float* row) {
    size_t known = 0;
    for (size_t j = 0; j < dim; ++j) known += query[j] == query[j] && row[j] == row[j];
    if (known == 0) return std::numeric_limits<double>::quiet_NaN();
    return sum_of(query, row, dim, square) * (static_cast<double>(dim) / static_cast<double>(known));
  });
}

void gower_rows(const float* query, const float* const* rows, size_t count, size_t dim, float, double* out) {
  for_rows(rows, count, out,
           [&](const float* row) { return sum_of(query, row, dim, gower_term) / static_cast<double>(dim); });
}

}  // namespace knear::kernels
