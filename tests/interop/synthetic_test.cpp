// Made-up vectors: the same everywhere, block by block, and shaped as asked for.
#include <algorithm>
#include <cmath>

#include "interop/temp_folder.h"
#include "knear/dataset.h"

namespace knear {
namespace {

using testing::expect_error;
using testing::floats_of;

std::vector<float> rows_of(const SyntheticOptions& options) { return floats_of(synthetic_vectors(options)); }

// Rows in clusters with neither spread nor noise, until a test adds it.
SyntheticOptions bare_clusters(std::size_t rows, std::size_t dim, std::size_t clusters) {
  SyntheticOptions options;
  options.rows = rows;
  options.dim = dim;
  options.clusters = clusters;
  options.intrinsic_dim = 0;
  options.noise = 0;
  return options;
}

TEST(SyntheticVectors, AreTheSameWithAnyThreadsAndBlocks) {
  SyntheticOptions options;
  options.rows = 3000;
  options.dim = 24;
  options.run.num_threads = 1;
  const std::vector<float> whole = rows_of(options);
  options.run.num_threads = 4;
  EXPECT_EQ(rows_of(options), whole);
  std::vector<float> blocks;
  for (const std::size_t rows : {1U, 1500U, 0U, 1499U}) {
    options.rows = rows;
    const std::vector<float> block = rows_of(options);
    blocks.insert(blocks.end(), block.begin(), block.end());
    options.first_row += rows;
  }
  EXPECT_EQ(blocks, whole);
}

TEST(SyntheticVectors, AreTheSameOnEveryMachine) {
  SyntheticOptions options;
  options.rows = 1000;
  options.dim = 24;
  const Matrix rows = synthetic_vectors(options);
  std::uint64_t hash = 0xcbf29ce484222325;  // FNV-1a
  for (std::size_t i = 0; i < 1000 * 24 * sizeof(float); ++i) hash = (hash ^ rows.data()[i]) * 0x100000001b3;
  EXPECT_EQ(hash, 0x49b21cb0fdb455e0);
}

TEST(SyntheticVectors, ChangeWithTheSeed) {
  SyntheticOptions options;
  options.rows = 5;
  const std::vector<float> before = rows_of(options);
  ++options.seed;
  EXPECT_NE(rows_of(options), before);
}

// |determinant| of the Gram matrix of four rows' differences from the first: 0 when they span a plane.
double volume_of_four(const std::vector<float>& rows, std::size_t dim) {
  double gram[3][3] = {};
  for (std::size_t a = 0; a < 3; ++a)
    for (std::size_t b = 0; b < 3; ++b)
      for (std::size_t j = 0; j < dim; ++j)
        gram[a][b] += (double{rows[(a + 1) * dim + j]} - rows[j]) * (double{rows[(b + 1) * dim + j]} - rows[j]);
  return std::abs(gram[0][0] * (gram[1][1] * gram[2][2] - gram[1][2] * gram[2][1]) -
                  gram[0][1] * (gram[1][0] * gram[2][2] - gram[1][2] * gram[2][0]) +
                  gram[0][2] * (gram[1][0] * gram[2][1] - gram[1][1] * gram[2][0]));
}

TEST(SyntheticVectors, SpreadInAsManyDirectionsAsAsked) {
  SyntheticOptions options = bare_clusters(4, 30, 1);
  options.intrinsic_dim = 2;
  EXPECT_LT(volume_of_four(rows_of(options), 30), 1e-6);
  options.intrinsic_dim = 3;
  EXPECT_GT(volume_of_four(rows_of(options), 30), 1e-3);
}

TEST(SyntheticVectors, WithoutSpreadAreTheirClusters) {
  const std::vector<float> rows = rows_of(bare_clusters(200, 4, 3));
  std::vector<std::vector<float>> centres;
  for (auto row = rows.begin(); row != rows.end(); row += 4) centres.emplace_back(row, row + 4);
  std::sort(centres.begin(), centres.end());
  centres.erase(std::unique(centres.begin(), centres.end()), centres.end());
  EXPECT_EQ(centres.size(), 3U);
}

double deviation_of(const std::vector<float>& values) {
  double sum = 0;
  double squares = 0;
  for (const float value : values) {
    sum += value;
    squares += double{value} * value;
  }
  const auto count = static_cast<double>(values.size());
  return std::sqrt(squares / count - sum / count * (sum / count));
}

TEST(SyntheticVectors, HaveTheDeviationsAskedFor) {
  const SyntheticOptions centres = bare_clusters(3000, 50, 1000);
  EXPECT_NEAR(deviation_of(rows_of(centres)), 1, 0.05);
  SyntheticOptions noisy = centres;
  noisy.noise = 2;
  EXPECT_NEAR(deviation_of(rows_of(noisy)), std::sqrt(1 + 4), 0.05);
  SyntheticOptions wide = centres;
  wide.intrinsic_dim = 20;
  wide.spread = 3;
  EXPECT_NEAR(deviation_of(rows_of(wide)), std::sqrt(1 + 9), 0.2);
}

TEST(SyntheticVectors, RefuseWhatMakesNoSense) {
  const auto expect_refusal = [](const std::vector<std::string>& words, void (*change)(SyntheticOptions&)) {
    SyntheticOptions options;
    change(options);
    expect_error(Error::invalid_argument, words, [&] { synthetic_vectors(options); });
  };
  expect_refusal({"dim = 0"}, [](SyntheticOptions& o) { o.dim = 0; });
  expect_refusal({"dim = 65537"}, [](SyntheticOptions& o) { o.dim = 65537; });
  expect_refusal({"clusters = 0"}, [](SyntheticOptions& o) { o.clusters = 0; });
  expect_refusal({"intrinsic_dim = 16", "dim = 8"}, [](SyntheticOptions& o) { o.dim = 8; });
  expect_refusal({"noise = nan"}, [](SyntheticOptions& o) { o.noise = NAN; });
  expect_refusal({"spread = -1"}, [](SyntheticOptions& o) { o.spread = -1; });
  expect_refusal({"2^62"}, [](SyntheticOptions& o) { o.first_row = std::uint64_t{1} << 62; });
  expect_refusal({"memory"}, [](SyntheticOptions& o) { o.rows = std::size_t{1} << 60; });
}

}  // namespace
}  // namespace knear
