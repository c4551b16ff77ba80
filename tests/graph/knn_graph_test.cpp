#include "knear/knn.h"

#include <gtest/gtest.h>

#include <cmath>

#include "core/expect_error.h"
#include "graph/graph_rows.h"

namespace knear {
namespace {

// The share of the right rows, from all compared with all.
double share_found(const Neighbors& found, MatrixView rows, Metric metric) {
  const Neighbors truth = knn(rows, rows, found.k + 1, metric);
  std::size_t right = 0;
  std::size_t all = 0;
  for (std::size_t i = 0; i < rows.rows(); ++i) {
    const auto* const mine = found.ids.data() + i * found.k;
    for (std::size_t j = 0; j < found.k; ++j) EXPECT_NE(mine[j], static_cast<Id>(i));
    std::size_t taken = 0;
    for (std::size_t j = 0; j < found.k + 1 && taken < found.k; ++j) {
      const Id id = truth.ids[i * (found.k + 1) + j];
      if (id == static_cast<Id>(i)) continue;
      ++taken;
      ++all;
      right += std::count(mine, mine + found.k, id) ? 1U : 0U;
    }
  }
  return static_cast<double>(right) / static_cast<double>(all);
}

TEST(KnnGraph, FindsNearlyAll) {
  const Matrix rows = clusters(5000, 16, 1);
  for (const Metric metric : {Metric::l2, Metric::cosine, Metric::l1}) {
    EXPECT_GE(share_found(knn_graph(rows, 10, metric), rows, metric), 0.97) << name_of(metric);
  }
  EXPECT_EQ(share_found(knn_graph(rows, 10, Metric::inner_product), rows, Metric::inner_product), 1.0);
}

TEST(KnnGraph, IsExactOfFewRows) {
  const Matrix rows = clusters(700, 16, 1);
  for (const Metric metric : {Metric::l2, Metric::cosine, Metric::l1, Metric::inner_product}) {
    EXPECT_EQ(share_found(knn_graph(rows, 5, metric), rows, metric), 1.0) << name_of(metric);
  }
  const Neighbors found = knn_graph(rows, 5);
  const Neighbors exact = knn(rows, rows, 6);
  for (std::size_t i = 0; i < rows.rows(); ++i) EXPECT_EQ(found.distances[i * 5], exact.distances[i * 6 + 1]);
}

TEST(KnnGraph, IsTheSameForAnyNumberOfThreads) {
  const Matrix rows = clusters(4000, 16, 1);
  const Neighbors one = knn_graph(rows, 7, Metric::l2, {.num_threads = 1});
  const Neighbors many = knn_graph(rows, 7, Metric::l2, {.num_threads = 16});
  EXPECT_EQ(one.ids, many.ids);
  EXPECT_EQ(one.distances, many.distances);
}

TEST(KnnGraph, FewRowsFillFewPlaces) {
  for (std::size_t n = 0; n <= 4; ++n) {
    const Neighbors found = knn_graph(clusters(n, 8, 1), 3);
    EXPECT_EQ(found.queries, n);
    for (std::size_t i = 0; i < n; ++i) EXPECT_EQ(found.counts[i], std::min<std::size_t>(n - 1, 3));
    EXPECT_EQ(std::count(found.ids.begin(), found.ids.end(), kNoId),
              static_cast<std::ptrdiff_t>(n * (4 - n) * (n < 4)));
  }
}

TEST(KnnGraph, CopiesAreEachOthersNearest) {
  Matrix rows = clusters(3000, 8, 1);
  for (std::size_t i = 1; i < 300; ++i) std::copy_n(rows.floats(), 8, rows.floats() + i * 8);
  const Neighbors found = knn_graph(rows, 4);
  std::size_t right = 0;
  for (std::size_t i = 0; i < 300; ++i) right += found.distances[i * 4 + 3] == 0 ? 1 : 0;
  EXPECT_GE(right, 290U);
}

TEST(KnnGraph, RefusesWhatItCannotDo) {
  Matrix rows = clusters(10, 8, 1);
  expect_error(Error::invalid_argument, "k must be at least 1", [&] { knn_graph(rows, 0); });
  expect_error(Error::invalid_argument, "more than memory", [&] { knn_graph(rows, std::size_t{1} << 62); });
  rows.floats()[19] = std::nanf("");
  expect_error(Error::invalid_argument, "row 2", [&] { knn_graph(rows, 3); });
}

}  // namespace
}  // namespace knear
