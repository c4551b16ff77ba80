// Made-up vectors: the same everywhere, block by block, and shaped as asked for.
#include <algorithm>
#include <cmath>

#include "interop/temp_folder.h"
#include "knear/dataset.h"

namespace knear {
namespace {

using testing::expect_error;
using testing::floats_of;

TEST(SyntheticVectors, AreTheSameWithAnyThreadsAndBlocks) {
  SyntheticOptions options{.rows = 3000, .dim = 10, .clusters = 7, .intrinsic_dim = 3};
  const std::vector<float> whole = floats_of(synthetic_vectors(options, {.num_threads = 1}));
  EXPECT_EQ(floats_of(synthetic_vectors(options, {.num_threads = 4})), whole);
  std::vector<float> blocks;
  for (const std::size_t rows : {1U, 1500U, 0U, 1499U}) {
    options.rows = rows;
    const std::vector<float> block = floats_of(synthetic_vectors(options));
    blocks.insert(blocks.end(), block.begin(), block.end());
    options.first_row += rows;
  }
  EXPECT_EQ(blocks, whole);
}

TEST(SyntheticVectors, ChangeWithTheSeed) {
  EXPECT_NE(floats_of(synthetic_vectors({.rows = 5, .dim = 20, .seed = 1})),
            floats_of(synthetic_vectors({.rows = 5, .dim = 20, .seed = 2})));
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
  SyntheticOptions options{.rows = 4, .dim = 30, .clusters = 1, .intrinsic_dim = 2, .noise = 0};
  EXPECT_LT(volume_of_four(floats_of(synthetic_vectors(options)), 30), 1e-6);
  options.intrinsic_dim = 3;
  EXPECT_GT(volume_of_four(floats_of(synthetic_vectors(options)), 30), 1e-3);
}

TEST(SyntheticVectors, WithoutSpreadAreTheirClusters) {
  const std::vector<float> rows =
      floats_of(synthetic_vectors({.rows = 200, .dim = 4, .clusters = 3, .intrinsic_dim = 0, .noise = 0}));
  std::vector<std::vector<float>> centres;
  for (auto row = rows.begin(); row != rows.end(); row += 4) centres.emplace_back(row, row + 4);
  std::sort(centres.begin(), centres.end());
  centres.erase(std::unique(centres.begin(), centres.end()), centres.end());
  EXPECT_EQ(centres.size(), 3U);
}

TEST(SyntheticVectors, HaveTheDeviationsAskedFor) {
  const auto deviation_of = [](const SyntheticOptions& options) {
    double sum = 0;
    double square = 0;
    const std::vector<float> values = floats_of(synthetic_vectors(options));
    for (const float value : values) sum += value, square += double{value} * value;
    const double mean = sum / static_cast<double>(values.size());
    return std::sqrt(square / static_cast<double>(values.size()) - mean * mean);
  };
  const SyntheticOptions centres{.rows = 3000, .dim = 50, .clusters = 1000, .intrinsic_dim = 0, .noise = 0};
  EXPECT_NEAR(deviation_of(centres), 1, 0.05);
  SyntheticOptions wide = centres;
  wide.noise = 2;
  EXPECT_NEAR(deviation_of(wide), std::sqrt(1 + 4), 0.05);
  wide = centres;
  wide.intrinsic_dim = 20;
  wide.spread = 3;
  EXPECT_NEAR(deviation_of(wide), std::sqrt(1 + 9), 0.2);
}

TEST(SyntheticVectors, RefuseWhatMakesNoSense) {
  const auto make = [](SyntheticOptions options) { return [options] { synthetic_vectors(options); }; };
  expect_error(Error::invalid_argument, {"dim = 0"}, make({.dim = 0}));
  expect_error(Error::invalid_argument, {"dim = 65537"}, make({.dim = 65537}));
  expect_error(Error::invalid_argument, {"clusters = 0"}, make({.clusters = 0}));
  expect_error(Error::invalid_argument, {"intrinsic_dim = 9", "dim = 8"}, make({.dim = 8, .intrinsic_dim = 9}));
  expect_error(Error::invalid_argument, {"noise = nan"}, make({.noise = NAN}));
  expect_error(Error::invalid_argument, {"spread = -1"}, make({.spread = -1}));
  expect_error(Error::invalid_argument, {"2^62"}, make({.first_row = std::uint64_t{1} << 62}));
  expect_error(Error::invalid_argument, {"memory"}, make({.rows = std::size_t{1} << 60}));
}

}  // namespace
}  // namespace knear
