#include <algorithm>
#include <array>

#include "kernels_test.h"

namespace knear::kernels {
namespace {

// The canonical order, in its plainest form: 16 sums, then a fixed tree.
template <class Term>
double canonical_sum(const float* x, const float* y, std::size_t dim, Term term) {
  std::array<double, 16> s{};
  for (std::size_t j = 0; j < dim; ++j) {
    const double value = term(double{x[j]}, double{y[j]});
    s[j % 16] += value;
  }
  for (std::size_t half = 8; half >= 1; half /= 2)
    for (std::size_t i = 0; i < half; ++i) s[i] += s[i + half];
  return s[0];
}

double product(double x, double y) { return x * y; }
double square(double x, double y) { return (x - y) * (x - y); }
double distance(double x, double y) { return std::fabs(x - y); }

double cosine(const float* x, const float* y, std::size_t dim) {
  const double xx = canonical_sum(x, x, dim, product);
  const double yy = canonical_sum(y, y, dim, product);
  if (xx == 0 || yy == 0) return 0;
  return std::clamp(canonical_sum(x, y, dim, product) / (std::sqrt(xx) * std::sqrt(yy)), -1.0, 1.0);
}

double expected(ExactKind kind, const float* x, const float* y, std::size_t dim, float argument) {
  double largest = 0;
  for (std::size_t j = 0; j < dim; ++j) largest = std::max(largest, distance(x[j], y[j]));
  const auto sum = [&](auto term) { return canonical_sum(x, y, dim, term); };
  switch (kind) {
    case exact_l2:
      return sum(square);
    case exact_inner_product:
      return sum(product);
    case exact_l1:
      return sum(distance);
    case exact_linf:
      return largest;
    case exact_cosine:
      return cosine(x, y, dim);
    case exact_lp:
      return sum([&](double a, double b) { return std::pow(std::fabs(a - b), double{argument}); });
    case exact_canberra:
      return sum([](double a, double b) { return std::fabs(a - b) / (std::fabs(a) + std::fabs(b)); });
    case exact_bray_curtis:
      return sum(distance) / sum([](double a, double b) { return std::fabs(a + b); });
    case exact_jensen_shannon:
      return 0.5 * sum([](double a, double b) {
               const double middle = 0.5 * (a + b);
               return a * std::log(a / middle) + b * std::log(b / middle);
             });
    case exact_jaccard:
      return sum([](double a, double b) { return std::min(a, b); }) /
             sum([](double a, double b) { return std::max(a, b); });
    case exact_nan_euclidean:
      return sum(square);
    default:
      return sum(distance) / static_cast<double>(dim);  // gower of numbers
  }
}

double one(const Table& table, ExactKind kind, const std::vector<float>& x, const std::vector<float>& y,
           float argument = 0) {
  const float* row = y.data();
  double out = 77;
  table.exact[kind](x.data(), &row, 1, x.size(), argument, &out);
  return out;
}

class Exact : public EachTable {
 protected:
  // All bits of `count` rows are those of the plain loop.
  void check(ExactKind kind, std::size_t dim, bool positive) const {
    constexpr std::size_t kRows = 9;
    std::vector<float> values = normal_floats((kRows + 1) * dim + 3, static_cast<unsigned>(dim));
    if (positive)
      for (float& value : values) value = std::fabs(value) + 0.01f;
    const float* query = values.data() + 1;
    std::vector<const float*> rows;
    for (std::size_t i = kRows; i > 0; --i) rows.push_back(values.data() + i * dim + 1);
    std::vector<double> out(kRows + 1, 77);
    table().exact[kind](query, rows.data(), kRows, dim, 2.5f, out.data());
    for (std::size_t i = 0; i < kRows; ++i) {
      const double wanted = expected(kind, query, rows[i], dim, 2.5f);
      EXPECT_EQ(std::bit_cast<std::uint64_t>(out[i]), std::bit_cast<std::uint64_t>(wanted))
          << "kind " << kind << ", dim " << dim << ", row " << i << ": " << out[i] << " is not " << wanted;
    }
    EXPECT_EQ(out[kRows], 77);
  }
};
INSTANTIATE_TEST_SUITE_P(Kernels, Exact, testing::ValuesIn(tables_under_test()), table_name);

TEST_P(Exact, CommonMetricsHaveTheBitsOfThePlainLoop) {
  for (const ExactKind kind : {exact_l2, exact_inner_product, exact_l1, exact_linf, exact_cosine})
    for (const std::size_t dim : dims_to_test()) check(kind, dim, false);
}

TEST_P(Exact, RareMetricsHaveTheBitsOfThePlainLoop) {
  for (const ExactKind kind : {exact_lp, exact_canberra, exact_bray_curtis, exact_jensen_shannon, exact_jaccard,
                               exact_nan_euclidean, exact_gower})
    for (const std::size_t dim : {1u, 5u, 16u, 33u, 100u}) check(kind, dim, true);
}

TEST_P(Exact, SurvivesTheExtremesOfFloat32) {
  const std::vector<float> large = {3e38f, -3e38f, 3e38f};
  const std::vector<float> tiny = {1e-45f, -1e-45f, 1e-45f};
  EXPECT_DOUBLE_EQ(one(table(), exact_l2, large, {-3e38f, 3e38f, -3e38f}), 3 * std::pow(2 * double{3e38f}, 2));
  EXPECT_EQ(one(table(), exact_cosine, large, tiny), 1);
  EXPECT_GT(one(table(), exact_inner_product, tiny, tiny), 0);
}

TEST_P(Exact, CosineOfAZeroVectorIsZeroAndNeverLeavesItsRange) {
  EXPECT_EQ(one(table(), exact_cosine, {0, 0, 0}, {1, 2, 3}), 0);
  EXPECT_EQ(one(table(), exact_cosine, {1, 2, 3}, {0, 0, 0}), 0);
  for (unsigned seed = 0; seed < 200; ++seed) {
    const std::vector<float> x = normal_floats(1 + seed % 50, seed);
    std::vector<float> opposite = x;
    for (float& value : opposite) value *= -3;
    EXPECT_LE(one(table(), exact_cosine, x, x), 1);
    EXPECT_GE(one(table(), exact_cosine, x, opposite), -1);
  }
}

TEST_P(Exact, NanIsNeverLost) {
  for (const std::size_t dim : {1u, 5u, 16u, 17u, 40u}) {
    for (std::size_t at = 0; at < dim; ++at) {
      const std::vector<float> x = normal_floats(dim, 3);
      std::vector<float> y = normal_floats(dim, 4);
      y[at] = kNan;
      for (const ExactKind kind : {exact_l2, exact_inner_product, exact_l1, exact_linf, exact_lp, exact_canberra,
                                   exact_bray_curtis, exact_jensen_shannon, exact_jaccard, exact_gower, exact_cosine})
        EXPECT_TRUE(std::isnan(one(table(), kind, x, y, 2))) << "kind " << kind << ", dim " << dim << ", at " << at;
    }
  }
}

TEST_P(Exact, NanEuclideanScalesUpWhatIsKnown) {
  EXPECT_EQ(one(table(), exact_nan_euclidean, {1, kNan, 3, 4}, {2, 5, kNan, 7}), (1.0 + 9.0) * 2);
  EXPECT_TRUE(std::isnan(one(table(), exact_nan_euclidean, {1, kNan}, {kNan, 1})));
}

TEST_P(Exact, EmptyComparisonsHaveAStatedValue) {
  const std::vector<float> zero(5);
  EXPECT_EQ(one(table(), exact_jaccard, zero, zero), 1);
  EXPECT_EQ(one(table(), exact_canberra, zero, zero), 0);
  EXPECT_EQ(one(table(), exact_bray_curtis, zero, zero), 0);
  EXPECT_EQ(one(table(), exact_jensen_shannon, zero, zero), 0);
  EXPECT_DOUBLE_EQ(one(table(), exact_jensen_shannon, {1, 0}, {0, 1}), std::log(2.0));
}

TEST_P(Exact, GowerTakesNegativeNumbersAsCategories) {
  EXPECT_DOUBLE_EQ(one(table(), exact_gower, {0.25f, -1, -1, 0.5f}, {0.5f, -1, -2, -1}), (0.25 + 0 + 1 + 1) / 4);
}

}  // namespace
}  // namespace knear::kernels
