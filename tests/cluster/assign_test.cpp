#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <vector>

#include "cluster_testing.h"
#include "knear/cluster.h"

namespace knear {
namespace {

TEST(AssignToNearest, FindsTheFirstOfTheNearest) {
  const std::vector<float> rows{0, 0, 3, 4, 9, 9};
  const std::vector<float> centroids{9, 8, 0, 0, 0, 0};
  std::vector<std::uint32_t> numbers(3);
  std::vector<float> distances(3);
  assign_to_nearest(MatrixView(rows, 2), MatrixView(centroids, 2), numbers, distances);
  EXPECT_EQ(numbers, (std::vector<std::uint32_t>{1, 1, 0}));
  EXPECT_EQ(distances, (std::vector<float>{0, 25, 1}));
}

TEST(AssignToNearest, TakesBytesAndRowsThatLieApart) {
  const std::vector<Byte> rows{1, 2, 99, 200, 201, 99};
  const std::vector<Byte> centroids{0, 0, 255, 255};
  std::vector<std::uint32_t> numbers(2);
  assign_to_nearest(MatrixView(rows.data(), DType::u8, 2, 2, 3), MatrixView(centroids.data(), DType::u8, 2, 2),
                    numbers);
  EXPECT_EQ(numbers, (std::vector<std::uint32_t>{0, 1}));
}

TEST(AssignToNearest, RefusesWhatDoesNotFit) {
  const std::vector<float> rows(6);
  std::vector<std::uint32_t> numbers(3);
  std::vector<float> distances(1);
  EXPECT_EQ(kind_of([&] { assign_to_nearest(MatrixView(rows, 2), MatrixView(), numbers); }), Error::invalid_argument);
  EXPECT_EQ(kind_of([&] { assign_to_nearest(MatrixView(rows, 2), MatrixView(rows, 3), numbers); }),
            Error::invalid_argument);
  EXPECT_EQ(kind_of([&] { assign_to_nearest(MatrixView(rows, 3), MatrixView(rows, 3), numbers); }),
            Error::invalid_argument);
  EXPECT_EQ(kind_of([&] { assign_to_nearest(MatrixView(rows, 2), MatrixView(rows, 2), numbers, distances); }),
            Error::invalid_argument);
}

TEST(AssignToNearest, NamesTheRowWithNan) {
  std::vector<float> rows(2 * 70000);
  rows[2 * 66000] = NAN;
  const std::vector<float> centroids(4);
  std::vector<std::uint32_t> numbers(70000);
  try {
    assign_to_nearest(MatrixView(rows, 2), MatrixView(centroids, 2), numbers);
    FAIL();
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("row 66000 "), std::string::npos) << error.what();
  }
}

// More rows than are taken at once, and enough of them for all that saves work.
TEST(AssignToNearest, IsTheSameForAnyNumberOfThreads) {
  const auto rows = clustered(70000, 48, 300);
  const auto centroids = clustered(200, 48, 300);
  std::vector<std::uint32_t> numbers[2];
  for (const std::size_t threads : {1u, 3u}) {
    RunOptions run;
    run.num_threads = threads;
    numbers[threads == 3].resize(70000);
    assign_to_nearest(MatrixView(rows, 48), MatrixView(centroids, 48), numbers[threads == 3], {}, run);
  }
  EXPECT_EQ(numbers[0], numbers[1]);
}

TEST(AssignToNearest, NoRowsAreFine) {
  const std::vector<float> centroids(4);
  assign_to_nearest(MatrixView(nullptr, DType::f32, 0, 2), MatrixView(centroids, 2), {});
}

}  // namespace
}  // namespace knear
