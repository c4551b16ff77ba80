#include "cluster/nearest_cells.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "cluster_testing.h"
#include "kernels/dispatch.h"
#include "knear/cluster.h"
#include "support/hard_rows.h"

namespace knear {
namespace {

// The first of the nearest by the canonical distance, without any saving of work.
std::uint32_t obvious(const float* row, const Matrix& centroids, Nearness nearness) {
  const auto kind = nearness == Nearness::distance ? kernels::exact_l2 : kernels::exact_inner_product;
  std::uint32_t best = 0;
  double least = 0;
  for (std::size_t c = 0; c < centroids.rows(); ++c) {
    const float* centroid = centroids.floats() + c * centroids.dim();
    double value = 0;
    kernels::table().exact[kind](row, &centroid, 1, centroids.dim(), 0, &value);
    if (nearness == Nearness::product) value = -value;
    if (c == 0 || value < least) {
      least = value;
      best = static_cast<std::uint32_t>(c);
    }
  }
  return best;
}

// Centroids start at rows and wander: most a little, some far.
class Wandering {
 public:
  Wandering(const TrainingRows& rows, std::size_t k) : centroids_(DType::f32, k, rows.dim()) {
    for (std::size_t c = 0; c < k; ++c) {
      std::copy_n(rows.row(c * rows.count() / k), rows.dim(), centroids_.floats() + c * rows.dim());
    }
  }
  const Matrix& centroids() const { return centroids_; }
  void step() {
    for (std::size_t c = 0; c < centroids_.rows(); ++c) {
      const double length = rng_.below(8) == 0 ? 1 : rng_.below(2) == 0 ? 0.03 : 0;
      for (std::size_t j = 0; j < centroids_.dim(); ++j) {
        centroids_.floats()[c * centroids_.dim() + j] += static_cast<float>(length * rng_.normal());
      }
    }
  }

 private:
  Matrix centroids_;
  Rng rng_{99};
};

void check(std::span<const float> values, std::size_t dim, std::size_t k, Nearness nearness) {
  const TrainingRows rows(MatrixView(values, dim), values.size(), KmeansOptions{});
  NearestCells nearest(rows, nearness, 1);
  Wandering wandering(rows, k);
  std::vector<std::uint32_t> cells(rows.count());
  const RunOptions run;
  for (std::size_t iteration = 0; iteration < 8; ++iteration) {
    ProgressMeter meter(run, "test", 0);
    nearest.assign(wandering.centroids(), cells, run, meter);
    for (std::size_t i = 0; i < rows.count(); ++i) {
      ASSERT_EQ(cells[i], obvious(rows.row(i), wandering.centroids(), nearness)) << "row " << i << " at " << iteration;
    }
    wandering.step();
  }
}

TEST(NearestCells, AreThoseOfTheObviousSearch) {
  for (const std::size_t dim : {1u, 3u, 16u, 48u, 100u, 300u}) {
    for (const std::size_t k : {1u, 2u, 40u, 150u}) {
      check(clustered(700, dim, 30), dim, k, Nearness::distance);
      check(clustered(700, dim, 30), dim, k, Nearness::product);
    }
  }
}

TEST(NearestCells, AlsoFarFromTheOrigin) {
  auto rows = clustered(600, 64, 20);
  for (float& x : rows) x += 1000;
  check(rows, 64, 60, Nearness::distance);
}

TEST(NearestCells, AlsoOfRowsInASubspaceAndTheSameRows) {
  auto rows = clustered(600, 60, 20);
  for (std::size_t i = 0; i < 600; ++i) {
    for (std::size_t j = 5; j < 60; ++j) rows[i * 60 + j] = 0;
    if (i % 3 == 0) std::copy_n(rows.begin() + 60, 60, rows.begin() + static_cast<std::ptrdiff_t>(i * 60));
  }
  check(rows, 60, 64, Nearness::distance);
}

TEST(NearestCells, AlsoOfRowsThatAreHardOnFilters) {
  for (int kind = 0; kind < kHardKinds; ++kind) {
    SCOPED_TRACE(kind);
    check(hard_rows(kind, 400, 50, 1), 50, 40, Nearness::distance);
  }
}

TEST(NearestCells, TuneImagesInTheFirstIteration) {
  const auto values = clustered(9000, 64, 1000);
  const TrainingRows rows(MatrixView(values, 64), 0, RunOptions{});
  const Wandering wandering(rows, 1000);
  std::vector<std::uint32_t> cells(rows.count());
  ProgressMeter meter({}, "test", 0);
  NearestCells(rows, Nearness::distance, 1, NearestCells::Calls::one).assign(wandering.centroids(), cells, {}, meter);
  for (std::size_t i = 0; i < rows.count(); i += 7)
    ASSERT_EQ(cells[i], obvious(rows.row(i), wandering.centroids(), Nearness::distance)) << i;
}

}  // namespace
}  // namespace knear
