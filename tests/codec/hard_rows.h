// Rows that are hard on filters, and a sink that checks what a filter lets pass against the canonical distance.
#pragma once

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <vector>

#include "codec/filter_bound.h"
#include "core/rng.h"
#include "support/reference.h"

namespace knear {

inline constexpr int kHardKinds = 14;

// Rows that strain float32: `kind` picks what is hard about them.
inline std::vector<float> hard_rows(int kind, std::size_t rows, std::size_t dim, std::uint64_t seed) {
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
      case 7:
        values[i] = i / dim % 5 ? static_cast<float>(normal) : 0.0f;
        break;  // zero rows
      case 8:
        values[i] = static_cast<float>(rng.below(256));
        break;  // bytes
      case 9:
        values[i] = static_cast<float>(i % dim == 0 ? normal * 100 : normal);
        break;  // one dimension above all
      case 10:
        values[i] = static_cast<float>(i / dim % 11 ? normal : normal * 1e12);
        break;  // some huge rows
      case 11:
        values[i] = 3.25f;
        break;  // all the same
      case 12:
        values[i] = static_cast<float>(i / dim % 4 * 10) + static_cast<float>(normal * 1e-4);
        break;  // tight clusters
      default:
        values[i] = static_cast<float>(normal * 1e-39);
        break;  // denormal
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
  std::size_t ranked() const { return 0; }
  double distance(std::size_t q, std::size_t row) const {
    const double sign = metric == Metric::l2 ? 1 : -1;
    return sign * reference_distance(metric, reinterpret_cast<const float*>(queries.row(q)),
                                     reinterpret_cast<const float*>(base.row(row)), base.dim());
  }
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
