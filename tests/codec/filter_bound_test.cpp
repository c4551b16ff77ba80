#include "codec/filter_bound.h"
#include "knear/codecs.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <vector>

#include "codec/batch_filter.h"
#include "codec/witness.h"
#include "support/hard_rows.h"

namespace knear {
namespace {

class FilterBoundTest : public testing::TestWithParam<std::tuple<Metric::Kind, int>> {};

// The promise of the filter, against the canonical distance: intervals hold it, and no row at or below the
// threshold is lost.
TEST_P(FilterBoundTest, LosesNoRowAndItsIntervalsHold) {
  const auto [metric, kind] = GetParam();
  for (const std::size_t dim : std::initializer_list<std::size_t>{1, 2, 8, 17, 100, 300}) {
    for (const std::size_t count : std::initializer_list<std::size_t>{1, 5, 23, 40}) {
      const auto rows = hard_rows(kind, 130, dim, 1);
      const auto queries = hard_rows(kind, count, dim, 2);
      Witness witness = witness_of(metric, MatrixView(rows, dim), MatrixView(queries, dim));
      const auto codec = make_flat_codec(dim, metric);
      BatchFilter filter(*codec, witness.queries);
      filter.run({.codes = witness.base.data(), .count = 130, .stride = witness.base.row_stride()}, witness);
      witness.expect_complete();
    }
  }
}

INSTANTIATE_TEST_SUITE_P(HardData, FilterBoundTest,
                         testing::Combine(testing::Values(Metric::l2, Metric::inner_product, Metric::cosine),
                                          testing::Range(0, kHardKinds)));

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
