#include <algorithm>

#include "kernels_test.h"

namespace knear::kernels {
namespace {

struct RowsCase {
  std::size_t count;
  std::size_t dim;
  std::size_t stride;
  std::vector<float> query;
  std::vector<float> rows;  // ends with the last row's last element

  RowsCase(std::size_t n, std::size_t d, std::size_t padding)
      : count(n),
        dim(d),
        stride(d + padding),
        query(normal_floats(d, 1)),
        rows(normal_floats((n - 1) * stride + d, 2)) {}

  // Checks out[i] against the sum of term(q, x).
  template <class Term>
  void check(const std::vector<float>& out, Term term) const {
    for (std::size_t i = 0; i < count; ++i) {
      double sum = 0;
      double magnitudes = 0;
      for (std::size_t j = 0; j < dim; ++j) {
        const double value = term(double{query[j]}, double{rows[i * stride + j]});
        sum += value;
        magnitudes += std::fabs(value);
      }
      EXPECT_NEAR(out[i], sum, rounding_bound(dim, magnitudes)) << "row " << i << " of " << count << ", dim " << dim;
    }
    EXPECT_EQ(out[count], 77) << "wrote behind the last row";
  }
};

class Rows : public EachTable {
 protected:
  template <class Check>
  void for_cases(Check check) const {
    for (const std::size_t dim : dims_to_test())
      for (const std::size_t padding : {0u, 3u})
        for (const std::size_t count : {1u, 4u, 37u}) check(RowsCase(count, dim, padding));
    for (std::size_t count = 1; count <= 70; ++count) check(RowsCase(count, 3, 0));
  }
};
INSTANTIATE_TEST_SUITE_P(Kernels, Rows, testing::ValuesIn(tables_under_test()), table_name);

TEST_P(Rows, SquaredDistancesStayWithinTheBound) {
  for_cases([&](const RowsCase& each) {
    std::vector<float> out(each.count + 1, 77);
    table().l2_rows(each.query.data(), each.rows.data(), each.stride, each.count, each.dim, out.data());
    each.check(out, [](double q, double x) { return (q - x) * (q - x); });
  });
}

TEST_P(Rows, SquaredDistancesOfPickedRowsStayWithinTheBound) {
  for_cases([&](const RowsCase& each) {
    std::vector<const float*> picked;
    for (std::size_t i = 0; i < each.count; ++i) picked.push_back(each.rows.data() + i * each.stride);
    for (const std::size_t count : {each.count, each.count / 2, each.count - 1}) {
      std::vector<float> out(each.count + 1, 77);
      table().l2_picked(each.query.data(), picked.data(), count, each.dim, out.data());
      if (count < each.count) {
        EXPECT_EQ(out[count], 77);
      } else {
        each.check(out, [](double q, double x) { return (q - x) * (q - x); });
      }
    }
  });
}

TEST_P(Rows, InnerProductsStayWithinTheBound) {
  for_cases([&](const RowsCase& each) {
    std::vector<float> out(each.count + 1, 77);
    const float largest =
        table().ip_rows(each.query.data(), each.rows.data(), each.stride, each.count, each.dim, out.data());
    each.check(out, [](double q, double x) { return q * x; });
    float expected = 0;
    for (std::size_t i = 0; i < each.count; ++i) {
      for (std::size_t j = 0; j < each.dim; ++j) {
        expected = std::max(expected, std::abs(each.rows[i * each.stride + j]));
      }
    }
    EXPECT_EQ(largest, expected);
  });
}

TEST_P(Rows, SquaredLengthsStayWithinTheBound) {
  for_cases([&](const RowsCase& each) {
    std::vector<float> out(each.count + 1, 77);
    table().norm_rows(each.rows.data(), each.stride, each.count, each.dim, out.data());
    each.check(out, [](double, double x) { return x * x; });
  });
}

TEST_P(Rows, ARowsNanStaysInItsRow) {
  for (const std::size_t dim : {1u, 3u, 8u, 100u}) {
    RowsCase each(40, dim, 0);
    each.rows[17 * dim] = kNan;
    std::vector<float> out(41, 77);
    table().l2_rows(each.query.data(), each.rows.data(), dim, 40, dim, out.data());
    for (std::size_t i = 0; i < 40; ++i) EXPECT_EQ(std::isnan(out[i]), i == 17) << dim;
    each.rows[16 * dim] = -1000;
    EXPECT_EQ(table().ip_rows(each.query.data(), each.rows.data(), dim, 40, dim, out.data()), 1000) << dim;
    for (std::size_t i = 0; i < 40; ++i) EXPECT_EQ(std::isnan(out[i]), i == 17) << dim;
  }
}

TEST_P(Rows, SubTablesAreExcessesOverTheLeastWithinTheBound) {
  std::mt19937 random(5);
  std::uniform_real_distribution<float> uniform(-0.5f, 0.5f);
  for (const std::size_t depth : {1u, 2u, 5u, 8u, 40u, 272u}) {
    for (const std::size_t count : {16u, 32u, 48u, 64u, 80u, 256u}) {
      constexpr std::size_t subs = 3;
      std::vector<float> query(subs * depth), centroids(subs * depth * count);
      for (float& x : query) x = uniform(random);
      for (float& x : centroids) x = uniform(random);
      for (const bool l2 : {true, false}) {
        std::vector<float> out(subs * count + 1, 77), least(subs), most(subs);
        const SubTablesJob job{query.data(), centroids.data(), subs,         depth,      count,
                               l2,           out.data(),       least.data(), most.data()};
        table().sub_tables(&job);
        EXPECT_EQ(out.back(), 77);
        for (std::size_t m = 0; m < subs; ++m) {
          float largest = 0;
          EXPECT_EQ(*std::min_element(&out[m * count], &out[(m + 1) * count]), 0);
          for (std::size_t c = 0; c < count; ++c) {
            double expected = 0, magnitude = 0;
            for (std::size_t j = 0; j < depth; ++j) {
              const double q = query[m * depth + j], x = centroids[(m * depth + j) * count + c];
              expected += l2 ? (q - x) * (q - x) : -q * x;
              magnitude += l2 ? (q - x) * (q - x) : std::abs(q * x);
            }
            const double found = double{out[m * count + c]} + least[m];
            const double rounding = static_cast<double>(depth + 6) * magnitude + double{out[m * count + c]};
            EXPECT_NEAR(found, expected, 0x1p-24 * rounding);
            largest = std::max(largest, out[m * count + c]);
          }
          EXPECT_NEAR(most[m], largest + least[m], 1e-4);
        }
      }
    }
  }
}

TEST_P(Rows, NoRowsTouchNothing) {
  float out = 77;
  const float query = 1;
  table().l2_rows(&query, nullptr, 1, 0, 1, &out);
  table().ip_rows(&query, nullptr, 1, 0, 1, &out);
  table().norm_rows(nullptr, 1, 0, 1, &out);
  EXPECT_EQ(out, 77);
}

}  // namespace
}  // namespace knear::kernels
