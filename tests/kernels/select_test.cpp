#include "kernels_test.h"

namespace knear::kernels {
namespace {

class Select : public EachTable {
 protected:
  // The kernel's answer, checked against the obvious one.
  std::vector<std::uint32_t> select(const std::vector<float>& values, float limit) const {
    std::vector<std::uint32_t> expected;
    for (std::uint32_t i = 0; i < values.size(); ++i)
      if (!(values[i] > limit)) expected.push_back(i);
    std::vector<std::uint32_t> positions(values.size() + 1, 77);
    const std::size_t found = table().select(values.data(), values.size(), limit, positions.data());
    EXPECT_EQ(positions[values.size()], 77u) << "wrote behind the room for positions";
    positions.resize(found);
    EXPECT_EQ(positions, expected);
    return positions;
  }
};
INSTANTIATE_TEST_SUITE_P(Kernels, Select, testing::ValuesIn(tables_under_test()), table_name);

TEST_P(Select, FindsWhatALoopFindsAtAnyLength) {
  for (std::size_t n = 0; n <= 200; ++n)
    for (const float limit : {-3.0f, 0.0f, 3.0f}) select(normal_floats(n, static_cast<unsigned>(n)), limit);
}

TEST_P(Select, TakesNanAndEqualValues) {
  std::vector<float> values(100, 2.0f);
  values[3] = kNan;
  values[64] = 1.0f;
  values[99] = std::nextafter(1.0f, 2.0f);
  EXPECT_EQ(select(values, 1.0f), (std::vector<std::uint32_t>{3, 64}));
}

TEST_P(Select, AnInfiniteLimitTakesEverything) { EXPECT_EQ(select(normal_floats(133, 1), kInf).size(), 133u); }

TEST_P(Select, ANanLimitTakesEverything) { EXPECT_EQ(select(normal_floats(133, 1), kNan).size(), 133u); }

}  // namespace
}  // namespace knear::kernels
