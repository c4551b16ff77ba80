// The quick choice of cells is that of the coarse index, whatever the numbers.
#include "partition/nearest_centroids.h"

#include "partition/cell_finder.h"
#include "partition/testing.h"
#include "support/hard_rows.h"

namespace knear {
namespace {

constexpr std::size_t kDim = 20;
constexpr std::size_t kCells = 150;
constexpr std::size_t kQueries = 9;

std::vector<std::set<Id>> sets_of(const std::vector<Id>& cells, std::size_t count) {
  std::vector<std::set<Id>> sets;
  for (std::size_t first = 0; first < cells.size(); first += count) {
    const auto begin = cells.begin() + static_cast<std::ptrdiff_t>(first);
    sets.emplace_back(begin, begin + static_cast<std::ptrdiff_t>(count));
  }
  return sets;
}

void expect_same_cells(const std::vector<float>& centroids, const std::vector<float>& queries, Metric metric) {
  const CellFinder finder(testing::flat_of(MatrixView(centroids, kDim), metric));
  const MatrixView some(queries, kDim);
  for (const std::size_t count : std::initializer_list<std::size_t>{1, 18, finder.nlist() - 1}) {
    const auto quick = finder.nearest(some, count, CellFinder::Order::loose, {});
    const auto strict = finder.nearest(some, count, CellFinder::Order::strict, {});
    ASSERT_EQ(sets_of(quick, count), sets_of(strict, count)) << name_of(metric) << ", count " << count;
  }
}

class NearestCentroidsTest : public ::testing::TestWithParam<std::tuple<int, int>> {};

TEST_P(NearestCentroidsTest, AreThoseOfTheCoarseIndex) {
  const auto [of_centroids, of_queries] = GetParam();
  for (const Metric metric : {Metric::l2, Metric::inner_product}) {
    expect_same_cells(hard_rows(of_centroids, kCells, kDim, 1), hard_rows(of_queries, kQueries, kDim, 2), metric);
  }
}

INSTANTIATE_TEST_SUITE_P(HardData, NearestCentroidsTest,
                         ::testing::Combine(::testing::Range(0, kHardKinds), ::testing::Range(0, kHardKinds)));

// Sums of float32 overflow, and the float64 distance to far queries forgets what tells centroids apart.
TEST(NearestCentroids, OfQueriesOfAnyLength) {
  for (const float length : {1e-3f, 1.0f, 1e12f, 1e14f}) {
    std::vector<float> centroids = normals(kCells * kDim, 1);
    for (float& value : centroids) value *= length;
    for (const float scale : {1e-38f, 1e-20f, 1e4f, 1e8f, 1e12f, 1e15f, 1e18f, 1e25f, 1e30f, 1e37f}) {
      std::vector<float> queries = normals(kQueries * kDim, 2);
      for (float& value : queries) value *= scale;
      for (const Metric metric : {Metric::l2, Metric::inner_product}) {
        SCOPED_TRACE(::testing::Message() << "centroids of " << length << ", queries of " << scale);
        expect_same_cells(centroids, queries, metric);
      }
    }
  }
}

TEST(NearestCentroids, OfEqualOnesAreTheFirst) {
  std::vector<float> centroids = normals(40 * kDim, 1);
  centroids.reserve(160 * kDim);
  for (int copy = 0; copy < 3; ++copy) {
    centroids.insert(centroids.end(), centroids.begin(), centroids.begin() + 40 * kDim);
  }
  for (const Metric metric : {Metric::l2, Metric::inner_product}) {
    expect_same_cells(centroids, normals(50 * kDim, 2), metric);
  }
}

TEST(CellFinder, BadRowsGoToTheFirstCellAndFindNone) {
  const std::vector<float> centroids = normals(10 * kDim, 1);
  for (const Metric metric : {Metric::l2, Metric::inner_product, Metric::cosine}) {
    const CellFinder finder(testing::flat_of(MatrixView(centroids, kDim), metric));
    std::vector<float> rows(centroids);
    const auto good = finder.assign(MatrixView(rows, kDim), {});
    rows[3 * kDim + 7] = std::numeric_limits<float>::quiet_NaN();
    rows[8 * kDim] = std::numeric_limits<float>::infinity();
    const auto some = finder.assign(MatrixView(rows, kDim), {});
    const auto found = finder.nearest(MatrixView(rows, kDim), 2, CellFinder::Order::loose, {});
    for (std::size_t i = 0; i < 10; ++i) {
      const bool bad = i == 3 || i == 8;
      EXPECT_EQ(some[i], bad ? 0 : good[i]);
      EXPECT_EQ(found[2 * i] == kNoId, bad);
      if (!bad) {
        EXPECT_TRUE(found[2 * i] == good[i] || found[2 * i + 1] == good[i]);
      }
    }
  }
}

}  // namespace
}  // namespace knear
