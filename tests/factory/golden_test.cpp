#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>

#include "knear/knear.h"

namespace knear {
namespace {

// Rows of whole numbers that every element type holds: element j of row i is (7 i + 5 j) mod 11.
constexpr std::size_t kRows = 12;
constexpr std::size_t kDim = 3;

float element(std::size_t row, std::size_t j) { return static_cast<float>((7 * row + 5 * j) % 11); }

struct Golden {
  DType dtype;
  Metric metric;
};

class GoldenIndex : public testing::TestWithParam<Golden> {
 protected:
  const std::filesystem::path path_ =
      std::filesystem::path(KNEAR_GOLDEN_DIR) / ("flat-" + std::string(name_of(GetParam().dtype)) + "-v1.knear");
};

INSTANTIATE_TEST_SUITE_P(V1, GoldenIndex,
                         testing::Values(Golden{DType::f32, Metric::l2}, Golden{DType::f16, Metric::l2},
                                         Golden{DType::bf16, Metric::l2}, Golden{DType::i8, Metric::cosine},
                                         Golden{DType::u8, Metric::inner_product}),
                         [](const auto& instance) { return std::string(name_of(instance.param.dtype)); });

// Row 3 was removed. The float32 file has the ids 0, 1, 2, …, the others 1000 i^2 + 5.
TEST_P(GoldenIndex, HoldsWhatWasPutIn) {
  const auto [dtype, metric] = GetParam();
  for (const bool mmap : {true, false}) {
    const auto index = load(path_, {.mmap = mmap, .verify = true});
    EXPECT_EQ(index->dtype(), dtype);
    EXPECT_EQ(index->metric(), metric);
    EXPECT_EQ(index->metadata().at("made by"), "0.1");
    EXPECT_TRUE(index->verify().ok);
    std::vector<Id> ids;
    std::vector<float> rows;
    for (std::size_t i = 0; i < kRows; ++i) {
      if (i == 3) continue;
      ids.push_back(static_cast<Id>(dtype == DType::f32 ? i : 1000 * i * i + 5));
      for (std::size_t j = 0; j < kDim; ++j) rows.push_back(element(i, j));
    }
    ASSERT_EQ(index->ids(), ids);
    const Matrix stored = index->get(ids);
    EXPECT_TRUE(std::equal(rows.begin(), rows.end(), stored.floats()));
    const Neighbors found = index->search({rows, kDim}, 3);
    IndexFlat fresh(kDim, metric, dtype);
    fresh.add({rows, kDim}, {.ids = ids});
    EXPECT_EQ(found.ids, fresh.search({rows, kDim}, 3).ids);
  }
}

// Writing is as stable as reading: what is saved again has the same bytes.
TEST_P(GoldenIndex, IsWrittenAgainByteForByte) {
  const auto bytes = to_bytes(*load(path_));
  EXPECT_EQ(bytes.size(), std::filesystem::file_size(path_));
  EXPECT_EQ(to_bytes(*from_bytes(bytes)), bytes);
}

}  // namespace
}  // namespace knear
