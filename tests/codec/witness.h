// A sink that checks what a filter lets pass against the canonical distance.
#pragma once

#include <gtest/gtest.h>

#include <cstring>
#include <vector>

#include "codec/filter_bound.h"
#include "support/reference.h"

namespace knear {

inline std::vector<double> distances_of(Metric metric, MatrixView base, MatrixView queries) {
  const double sign = metric == Metric::l2 ? 1 : -1;
  std::vector<double> distances;
  for (std::size_t q = 0; q < queries.rows(); ++q) {
    for (std::size_t row = 0; row < base.rows(); ++row) {
      distances.push_back(sign * reference_distance(metric, reinterpret_cast<const float*>(queries.row(q)),
                                                    reinterpret_cast<const float*>(base.row(row)), base.dim()));
    }
  }
  return distances;
}

// Takes all that passes; checks each interval, and counts what was let through under the threshold.
struct Witness {
  Metric metric;
  MatrixView base;
  MatrixView queries;
  std::vector<double> thresholds;
  std::vector<std::vector<bool>> passed;
  std::vector<double> distances = distances_of(metric, base, queries);

  double threshold(std::size_t q) const { return thresholds[q]; }
  std::size_t ranked() const { return 0; }
  double distance(std::size_t q, std::size_t row) const { return distances[q * base.rows() + row]; }
  void take(std::size_t q, std::size_t position, const float* row, Interval interval) {
    passed[q][position] = true;
    if (row) {
      EXPECT_EQ(0, std::memcmp(row, base.row(position), base.dim() * sizeof(float)));
    }
    EXPECT_LE(interval.lower, distance(q, position));
    EXPECT_GE(interval.upper, distance(q, position));
  }
  // Did every row within its query's threshold pass?
  void expect_complete() const {
    for (std::size_t q = 0; q < passed.size(); ++q) {
      for (std::size_t row = 0; row < base.rows(); ++row) {
        if (distance(q, row) > thresholds[q]) continue;
        ASSERT_TRUE(passed[q][row]) << "dim " << base.dim() << ", query " << q << " of " << passed.size() << ", row "
                                    << row;
      }
    }
  }
};

// With canonical distances as thresholds, so that rows lie right on the edge.
inline Witness witness_of(Metric metric, MatrixView base, MatrixView queries) {
  Witness witness{metric, base, queries, {}, {}};
  for (std::size_t q = 0; q < queries.rows(); ++q) witness.thresholds.push_back(witness.distance(q, q % base.rows()));
  witness.passed.assign(queries.rows(), std::vector<bool>(base.rows()));
  return witness;
}

}  // namespace knear
