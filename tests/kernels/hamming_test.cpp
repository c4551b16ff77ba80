#include <bit>
#include <memory>

#include "kernels_test.h"

namespace knear::kernels {
namespace {

class Hamming : public EachTable {};
INSTANTIATE_TEST_SUITE_P(Kernels, Hamming, testing::ValuesIn(tables_under_test()), table_name);

TEST_P(Hamming, FindsTheCodesThatAreNear) {
  std::mt19937 random(1);
  for (const std::size_t code_bytes : {1u, 3u, 7u, 8u, 9u, 16u, 17u, 32u, 64u, 100u}) {
    for (const std::size_t gap : {0u, 5u}) {
      constexpr std::size_t count = 50;
      const std::size_t stride = code_bytes + gap;
      const auto codes = std::make_unique<std::uint8_t[]>(count * stride - gap);
      for (std::size_t i = 0; i < count * stride - gap; ++i) codes[i] = static_cast<std::uint8_t>(random());
      const auto query = std::make_unique<std::uint8_t[]>(code_bytes);
      for (std::size_t i = 0; i < code_bytes; ++i) query[i] = static_cast<std::uint8_t>(random());
      std::vector<std::uint32_t> differences(count);
      for (std::size_t i = 0; i < count; ++i) {
        for (std::size_t b = 0; b < code_bytes; ++b)
          differences[i] +=
              static_cast<std::uint32_t>(std::popcount(static_cast<std::uint8_t>(codes[i * stride + b] ^ query[b])));
      }
      for (const std::uint32_t limit :
           {std::uint32_t{0}, static_cast<std::uint32_t>(4 * code_bytes), ~std::uint32_t{0}}) {
        std::vector<std::uint32_t> positions(count);
        std::vector<std::uint32_t> found(count);
        const HammingJob job{
            query.get(),      codes.get(), static_cast<std::ptrdiff_t>(stride), count, code_bytes, limit,
            positions.data(), found.data()};
        const std::size_t near = table().hamming(&job);
        std::size_t expected = 0;
        for (std::size_t i = 0; i < count; ++i) {
          if (differences[i] > limit) continue;
          ASSERT_LT(expected, near);
          EXPECT_EQ(positions[expected], i);
          EXPECT_EQ(found[expected++], differences[i]);
        }
        EXPECT_EQ(near, expected);
      }
    }
  }
}

}  // namespace
}  // namespace knear::kernels
