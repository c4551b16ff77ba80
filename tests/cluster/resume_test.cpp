#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "cluster_testing.h"
#include "knear/cluster.h"

namespace knear {
namespace {

// Where a run was when it was cut.
struct Cut {
  std::vector<KmeansIteration> done;
  std::vector<float> centroids;
};

// Stops after `iterations`.
KmeansIterationFn stop_after(std::size_t iterations, Cut& cut) {
  return [iterations, &cut](std::span<const KmeansIteration> done, MatrixView centroids) {
    cut.done.assign(done.begin(), done.end());
    cut.centroids.resize(centroids.rows() * centroids.dim());
    for (std::size_t c = 0; c < centroids.rows(); ++c) {
      centroids.copy_row(c, cut.centroids.data() + c * centroids.dim());
    }
    return done.size() < iterations;
  };
}

TEST(ResumedKmeans, EndsWithTheBitsOfARunThatWasNotCut) {
  auto rows = clustered(3000, 12, 30);
  rows.resize(4000 * 12, 1.0f);  // many equal rows: cells are split
  const std::vector<float> weights = [] {
    std::vector<float> values(4000);
    Rng rng(3);
    for (float& value : values) value = rng.uniform();
    return values;
  }();
  for (const char* kind : {"plain", "spherical", "balanced", "weighted", "sample", "early stop"}) {
    KmeansOptions options;
    options.resumable = true;
    options.max_points_per_centroid = std::string(kind) == "sample" ? 30 : 0;
    options.spherical = std::string(kind) == "spherical";
    if (std::string(kind) == "balanced") options.balance = 1.3;
    if (std::string(kind) == "weighted") options.weights = weights;
    if (std::string(kind) == "early stop") options.early_stop = 1e-3;
    const Kmeans whole = kmeans(MatrixView(rows, 12), 100, options);
    for (const std::size_t after : {1u, 7u}) {
      Cut cut;
      options.on_iteration = stop_after(after, cut);
      const Kmeans part = kmeans(MatrixView(rows, 12), 100, options);
      ASSERT_EQ(part.iterations.size(), after) << kind;
      ASSERT_EQ(values_of(part.centroids), cut.centroids) << kind;
      KmeansOptions rest = options;
      rest.on_iteration = {};
      rest.initial = MatrixView(cut.centroids, 12);
      rest.done = cut.done;
      const Kmeans resumed = kmeans(MatrixView(rows, 12), 100, rest);
      EXPECT_EQ(values_of(resumed.centroids), values_of(whole.centroids)) << kind;
      EXPECT_EQ(resumed.objective, whole.objective) << kind;
      EXPECT_EQ(resumed.iterations.size(), whole.iterations.size()) << kind;
    }
  }
}

TEST(ResumedKmeans, NothingIsLeftToDo) {
  const auto rows = clustered(300, 2, 3);
  const std::vector<KmeansIteration> done(25, KmeansIteration{.objective = 5});
  KmeansOptions options;
  options.done = done;
  options.initial = MatrixView(std::span(rows).first(8), 2);
  const Kmeans result = kmeans(MatrixView(rows, 2), 4, options);
  EXPECT_EQ(values_of(result.centroids), std::vector<float>(rows.begin(), rows.begin() + 8));
  EXPECT_EQ(result.objective, 5);
}

TEST(ResumedKmeans, NeedsAllCentroids) {
  const auto rows = clustered(300, 2, 3);
  const std::vector<KmeansIteration> done(3);
  KmeansOptions options;
  options.done = done;
  EXPECT_EQ(kind_of([&] { kmeans(MatrixView(rows, 2), 4, options); }), Error::invalid_argument);
}

}  // namespace
}  // namespace knear
