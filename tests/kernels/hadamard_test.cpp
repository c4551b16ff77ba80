#include "kernels_test.h"

namespace knear::kernels {
namespace {

class Hadamard : public EachTable {};
INSTANTIATE_TEST_SUITE_P(Kernels, Hadamard, testing::ValuesIn(tables_under_test()), table_name);

TEST_P(Hadamard, HasTheBitsOfTheStagesOneAfterTheOther) {
  for (std::size_t n = 1; n <= 4096; n *= 2) {
    std::vector<float> values = normal_floats(n, static_cast<unsigned>(n));
    std::vector<float> expected = values;
    for (std::size_t apart = 1; apart < n; apart *= 2) {
      for (std::size_t i = 0; i < n; ++i) {
        if ((i & apart) != 0) continue;
        const float a = expected[i];
        const float b = expected[i + apart];
        expected[i] = a + b;
        expected[i + apart] = a - b;
      }
    }
    table().hadamard(values.data(), n);
    EXPECT_EQ(values, expected) << n;
  }
}

TEST_P(Hadamard, TwiceIsTimesN) {
  constexpr std::size_t n = 64;
  std::vector<float> values(n);
  for (std::size_t i = 0; i < n; ++i) values[i] = static_cast<float>(i * i % 37) - 11.0f;
  std::vector<float> twice = values;
  table().hadamard(twice.data(), n);
  table().hadamard(twice.data(), n);
  for (std::size_t i = 0; i < n; ++i) EXPECT_EQ(twice[i], static_cast<float>(n) * values[i]);
}

}  // namespace
}  // namespace knear::kernels
