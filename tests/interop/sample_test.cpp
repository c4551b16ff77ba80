// Rows drawn from a file.
#include <algorithm>
#include <set>

#include "interop/temp_folder.h"
#include "knear/dataset.h"

namespace knear {
namespace {

using testing::expect_error;
using testing::floats_of;
using testing::TempFolder;

// Row i holds i, i, i.
std::unique_ptr<VectorFile> counting_file(const TempFolder& folder, std::size_t rows) {
  std::vector<float> values;
  for (std::size_t i = 0; i < rows; ++i) values.insert(values.end(), 3, static_cast<float>(i));
  const auto writer = create_vectors(folder / "a.fvecs", 3, DType::f32);
  writer->append(MatrixView(values, 3));
  writer->finish();
  return open_vectors(folder / "a.fvecs");
}

TEST(SampleRows, DrawsDifferentRowsInOrderFromTheWholeFile) {
  const TempFolder folder;
  const auto file = counting_file(folder, 1000);
  const std::vector<float> drawn = floats_of(sample_rows(*file, 70));
  ASSERT_EQ(drawn.size(), 210U);
  for (std::size_t i = 0; i < 70; ++i) {
    EXPECT_EQ(drawn[3 * i], drawn[3 * i + 2]);
    EXPECT_NEAR(drawn[3 * i], 1000.0 * static_cast<double>(i) / 70, 15);
  }
  EXPECT_TRUE(std::is_sorted(drawn.begin(), drawn.end()));
  EXPECT_EQ(std::set<float>(drawn.begin(), drawn.end()).size(), 70U);
  EXPECT_EQ(floats_of(sample_rows(*file, 70)), drawn);
  EXPECT_NE(floats_of(sample_rows(*file, 70, 5)), drawn);
}

TEST(SampleRows, GivesAllRowsWhenThereAreNoMore) {
  const TempFolder folder;
  const auto file = counting_file(folder, 10);
  EXPECT_EQ(sample_rows(*file, 10).rows(), 10U);
  const Matrix all = sample_rows(*file, 1'000'000);
  ASSERT_EQ(all.rows(), 10U);
  for (std::size_t i = 0; i < 10; ++i) EXPECT_EQ(all.floats()[3 * i], static_cast<float>(i));
  EXPECT_EQ(sample_rows(*file, 0).rows(), 0U);
}

TEST(SampleRows, CanBeStopped) {
  const TempFolder folder;
  const auto file = counting_file(folder, 10);
  std::stop_source source;
  source.request_stop();
  expect_error(Error::stopped, {}, [&] { sample_rows(*file, 5, 1, {.stop = source.get_token()}); });
}

}  // namespace
}  // namespace knear
