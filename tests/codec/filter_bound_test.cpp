#include "codec/filter_bound.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

#include "codec/batch_filter.h"
#include "core/rng.h"
#include "support/reference.h"

namespace knear {
namespace {

// Rows that strain float32: `kind` picks what is hard about them.
std::vector<float> hard_rows(int kind, std::size_t rows, std::size_t dim, std::uint64_t seed) {
  Rng rng(seed);
  std::vector<float> values(rows * dim);
  for (std::size_t i = 0; i < values.size(); ++i) {
    const double normal = rng.normal();
    switch (kind) {
      case 0:
        values[i] = static_cast<float>(normal);
        break;  // plain
      case 1:
        values[i] = static_cast<float>(1000 + normal);
        break;  // huge offset
      case 2:
        values[i] = static_cast<float>(normal * std::pow(10, rng.uniform() * 30 - 15));
        break;  // heavy tails
      case 3:
        values[i] = static_cast<float>(normal * 1e-22);
        break;  // underflow
      case 4:
        values[i] = static_cast<float>(normal * 3e18);
        break;  // overflow of squares
      case 5:
        values[i] = static_cast<float>(rng.below(3));
        break;  // ties, zero rows
      case 6:
        values[i] = i / dim % 7 ? static_cast<float>(1 + normal * 1e-7) : 1.0f;
        break;  // near duplicates
      default:
        values[i] = i / dim % 5 ? static_cast<float>(normal) : 0.0f;
        break;  // zero rows
    }
  }
  return values;
}

// Takes all that passes; checks each interval, and counts what was let through under the threshold.
struct Witness {
  Metric metric;
  MatrixView base;
  MatrixView queries;
  std::vector<double> thresholds;
  std::vector<std::vector<bool>> passed;

  double threshold(std::size_t q) const { return thresholds[q]; }
  double distance(std::size_t q, std::size_t row) const {
    const double sign = metric == Metric::l2 ? 1 : -1;
    return sign * reference_distance(metric, reinterpret_cast<const float*>(queries.row(q)),
                                     reinterpret_cast<const float*>(base.row(row)), base.dim());
  }
  void take(std::size_t q, std::size_t position, const float* row, Interval interval) {
    passed[q][position] = true;
    EXPECT_EQ(0, std::memcmp(row, base.row(position), base.dim() * sizeof(float)));
    EXPECT_LE(interval.lower, distance(q, position));
    EXPECT_GE(interval.upper, distance(q, position));
  }
};

class FilterBoundTest : public testing::TestWithParam<std::tuple<Metric::Kind, int>> {};

// The promise of the filter, against the canonical distance: intervals hold it, and no row at or below the
// threshold is lost. The thresholds are exact distances, so rows lie right on the edge.
TEST_P(FilterBoundTest, LosesNoRowAndItsIntervalsHold) {
  const auto [metric, kind] = GetParam();
  for (const std::size_t dim : std::initializer_list<std::size_t>{1, 2, 3, 8, 17, 100, 300}) {
    for (const std::size_t count : std::initializer_list<std::size_t>{1, 5, 16, 23, 40}) {
      const auto rows = hard_rows(kind, 130, dim, 1);
      const auto query_values = hard_rows(kind, count, dim, 2);
      Witness witness{metric, MatrixView(rows, dim), MatrixView(query_values, dim), {}, {}};
      for (std::size_t q = 0; q < count; ++q) witness.thresholds.push_back(witness.distance(q, q % 130));
      witness.passed.assign(count, std::vector<bool>(130));
      const auto codec = make_flat_codec(dim, metric);
      BatchFilter filter(*codec, witness.queries);
      filter.run({witness.base.data(), 130, witness.base.row_stride(), 0, nullptr, nullptr}, witness);
      for (std::size_t q = 0; q < count; ++q) {
        for (std::size_t row = 0; row < 130; ++row) {
          if (witness.distance(q, row) <= witness.thresholds[q]) {
            ASSERT_TRUE(witness.passed[q][row])
                << "dim " << dim << ", query " << q << " of " << count << ", row " << row;
          }
        }
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(HardData, FilterBoundTest,
                         testing::Combine(testing::Values(Metric::l2, Metric::inner_product, Metric::cosine),
                                          testing::Range(0, 8)));

TEST(FilterBound, LetsFewFarRowsThrough) {
  const std::size_t dim = 128;
  const auto rows = hard_rows(0, 2000, dim, 3);
  const auto queries = hard_rows(0, 32, dim, 4);
  struct Counter {
    std::vector<double> thresholds;
    std::size_t taken = 0;
    double threshold(std::size_t q) const { return thresholds[q]; }
    void take(std::size_t, std::size_t, const float*, Interval) { ++taken; }
  } counter;
  std::size_t within = 0;
  for (std::size_t q = 0; q < 32; ++q) {
    std::vector<double> all;
    for (std::size_t row = 0; row < 2000; ++row) {
      all.push_back(reference_distance(Metric::l2, queries.data() + q * dim, rows.data() + row * dim, dim));
    }
    std::nth_element(all.begin(), all.begin() + 9, all.end());
    counter.thresholds.push_back(all[9]);
    within += 10;
  }
  const auto codec = make_flat_codec(dim, Metric::l2);
  BatchFilter filter(*codec, MatrixView(queries, dim));
  filter.run(
      {reinterpret_cast<const Byte*>(rows.data()), 2000, static_cast<std::ptrdiff_t>(dim * 4), 0, nullptr, nullptr},
      counter);
  EXPECT_GE(counter.taken, within);
  EXPECT_LE(counter.taken, within + 32);
}

}  // namespace
}  // namespace knear
