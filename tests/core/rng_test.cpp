#include "core/rng.h"

#include <gtest/gtest.h>

#include <cmath>
#include <set>

namespace knear {
namespace {

// Files depend on these numbers ("same seed, same bytes"). They come from a second implementation, in Python.
TEST(Rng, GivesTheSameNumbersForEver) {
  Rng bits(42);
  EXPECT_EQ(bits.bits(), 0x5756337ab9c4f973u);
  EXPECT_EQ(bits.bits(), 0xb5bc315b143ead34u);
  EXPECT_EQ(bits.bits(), 0x5c9e3d728120a5c7u);
  EXPECT_EQ(Rng(42, 1).bits(), 0xd6e1f57fb839e791u);
  Rng below(42);
  for (const std::uint64_t expected : {411u, 596u, 295u, 807u, 680u}) EXPECT_EQ(below.below(1000), expected);
  Rng uniform(42);
  for (const float expected : {0x1.5d58ccp-2f, 0x1.6b7862p-1f, 0x1.7278f4p-2f}) EXPECT_EQ(uniform.uniform(), expected);
  Rng normal(42);
  for (const double expected :
       {-0x1.eef137d5b9e01p-1, 0x1.47064db13d6dp+0, -0x1.0a9fb685bcd15p-1, -0x1.26c685f5f4ea4p+0})
    EXPECT_EQ(normal.normal(), expected);
  EXPECT_EQ(Rng(42).permutation(10), (std::vector<std::uint64_t>{1, 0, 9, 8, 4, 2, 6, 5, 3, 7}));
}

TEST(Rng, HasStreamsWithNothingInCommon) {
  std::set<std::uint64_t> seen;
  for (std::uint64_t seed = 0; seed < 10; ++seed)
    for (std::uint64_t stream = 0; stream < 10; ++stream) {
      Rng rng(seed, stream);
      for (int i = 0; i < 100; ++i) seen.insert(rng.bits());
    }
  EXPECT_EQ(seen.size(), 10'000u);
}

TEST(Rng, DrawsEvenlyBelowABound) {
  Rng rng(1);
  EXPECT_EQ(rng.below(1), 0u);
  constexpr std::uint64_t kBound = 7;
  constexpr int kDraws = 70'000;
  int counts[kBound] = {};
  for (int i = 0; i < kDraws; ++i) ++counts[rng.below(kBound)];
  for (const int count : counts) EXPECT_NEAR(count, kDraws / 7, 500);  // 5 standard deviations
  const std::uint64_t three_quarters = std::uint64_t{3} << 62;         // a remainder alone would favour the lower third
  int low = 0;
  for (int i = 0; i < kDraws; ++i) low += rng.below(three_quarters) < three_quarters / 3;
  EXPECT_NEAR(low, kDraws / 3, 700);
}

TEST(Rng, DrawsUniformNumbersInTheHalfOpenInterval) {
  Rng rng(2);
  double sum = 0;
  for (int i = 0; i < 100'000; ++i) {
    const float x = rng.uniform();
    const double y = rng.uniform_double();
    ASSERT_TRUE(0 <= x && x < 1);
    ASSERT_TRUE(0 <= y && y < 1);
    sum += x + y;
  }
  EXPECT_NEAR(sum / 200'000, 0.5, 0.004);
}

TEST(Rng, DrawsNormalNumbersOfTheRightMoments) {
  Rng rng(3);
  constexpr int kDraws = 200'000;
  double moments[4] = {};
  int within_one = 0;
  for (int i = 0; i < kDraws; ++i) {
    const double x = rng.normal();
    double power = 1;
    for (double& moment : moments) moment += (power *= x) / kDraws;
    within_one += std::abs(x) < 1;
  }
  EXPECT_NEAR(moments[0], 0, 0.012);
  EXPECT_NEAR(moments[1], 1, 0.017);
  EXPECT_NEAR(moments[2], 0, 0.045);
  EXPECT_NEAR(moments[3], 3, 0.11);
  EXPECT_NEAR(within_one / double{kDraws}, 0.6827, 0.0055);
}

TEST(Rng, PermutesEveryNumberOnce) {
  for (const std::size_t n : {0u, 1u, 2u, 1000u}) {
    const std::vector<std::uint64_t> order = Rng(4).permutation(n);
    const std::set<std::uint64_t> different(order.begin(), order.end());
    EXPECT_EQ(order.size(), n);
    EXPECT_EQ(different.size(), n);
    EXPECT_TRUE(n == 0 || *different.rbegin() == n - 1);
  }
}

TEST(Rng, SamplesTheFirstNumbersOfThePermutation) {
  constexpr std::size_t n = 3200;
  const std::vector<std::uint64_t> order = Rng(5).permutation(n);
  for (const std::size_t count : {0u, 1u, 100u, 199u, 200u, 1000u, 3200u}) {  // remembered moves below n / 16
    const std::vector<std::uint64_t> sample = Rng(5).sample(n, count);
    EXPECT_EQ(sample, std::vector<std::uint64_t>(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(count)));
  }
}

TEST(Rng, SamplesFromFarMoreThanFitsInMemory) {
  const std::vector<std::uint64_t> sample = Rng(6).sample(std::uint64_t{1} << 60, 1000);
  EXPECT_EQ(std::set<std::uint64_t>(sample.begin(), sample.end()).size(), 1000u);
}

TEST(Rng, PermutesWithoutPreference) {
  Rng rng(7);
  int counts[4][4] = {};
  for (int i = 0; i < 40'000; ++i) {
    const std::vector<std::uint64_t> order = rng.permutation(4);
    for (std::size_t place = 0; place < 4; ++place) ++counts[place][order[place]];
  }
  for (const auto& row : counts)
    for (const int count : row) EXPECT_NEAR(count, 10'000, 450);
}

}  // namespace
}  // namespace knear
