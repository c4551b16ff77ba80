#include "core/id_map.h"

#include <gtest/gtest.h>

#include <limits>
#include <unordered_map>

#include "core/rng.h"

namespace knear {
namespace {

TEST(IdMap, IsEmptyAtFirst) {
  IdMap map;
  EXPECT_EQ(map.size(), 0u);
  EXPECT_EQ(map.find(0), IdMap::kNoSlot);
  EXPECT_FALSE(map.erase(0));
  EXPECT_EQ(map.memory_bytes(), 0u);
}

TEST(IdMap, TakesAnyId) {
  IdMap map;
  const Id ids[] = {0, -1, 1, std::numeric_limits<Id>::min(), std::numeric_limits<Id>::max(), Id{1} << 53};
  std::uint64_t slot = 10;
  for (const Id id : ids) EXPECT_TRUE(map.insert(id, slot++));
  slot = 10;
  for (const Id id : ids) EXPECT_EQ(map.find(id), slot++);
  EXPECT_FALSE(map.contains(2));
}

TEST(IdMap, InsertKeepsAndAssignReplacesWhatIsThere) {
  IdMap map;
  EXPECT_TRUE(map.insert(5, 1));
  EXPECT_FALSE(map.insert(5, 2));
  EXPECT_EQ(map.find(5), 1u);
  map.assign(5, 3);
  map.assign(6, 4);
  EXPECT_EQ(map.find(5), 3u);
  EXPECT_EQ(map.find(6), 4u);
  EXPECT_EQ(map.size(), 2u);
}

TEST(IdMap, DoesWhatAnUnorderedMapDoes) {
  Rng rng(1);
  IdMap map;
  std::unordered_map<Id, std::uint64_t> truth;
  for (int step = 0; step < 200'000; ++step) {
    const Id id = static_cast<Id>(rng.below(2000)) - 1000;  // crowded, so that erasing meets long runs
    const std::uint64_t slot = rng.below(1000);
    switch (rng.below(4)) {
      case 0:
        ASSERT_EQ(map.insert(id, slot), truth.try_emplace(id, slot).second);
        break;
      case 1:
        map.assign(id, slot);
        truth[id] = slot;
        break;
      default:
        ASSERT_EQ(map.erase(id), truth.erase(id) == 1);
    }
    ASSERT_EQ(map.size(), truth.size());
  }
  for (Id id = -1000; id < 1000; ++id) {
    const auto found = truth.find(id);
    ASSERT_EQ(map.find(id), found == truth.end() ? IdMap::kNoSlot : found->second);
  }
}

TEST(IdMap, DoesNotGrowWhileIdsComeAndGo) {
  IdMap map;
  for (Id id = 0; id < 100; ++id) map.insert(id, 0);
  const std::size_t before = map.memory_bytes();
  for (Id id = 0; id < 100'000; ++id) {
    map.insert(id + 100, 0);
    map.erase(id);
  }
  EXPECT_EQ(map.size(), 100u);
  EXPECT_EQ(map.memory_bytes(), before);
}

TEST(IdMap, DoesNotGrowAfterReserve) {
  IdMap map;
  for (const std::size_t count : {1u, 12u, 13u, 10'000u}) {
    map.reserve(count);
    const std::size_t before = map.memory_bytes();
    for (Id id = 0; id < static_cast<Id>(count); ++id) map.assign(id, 1);
    EXPECT_EQ(map.memory_bytes(), before) << count;
  }
}

TEST(IdMap, CopiesAndClears) {
  IdMap map;
  for (Id id = 0; id < 1000; ++id) map.insert(id * 4096, static_cast<std::uint64_t>(id));
  const IdMap copy = map;
  map.clear();
  EXPECT_EQ(map.size(), 0u);
  EXPECT_EQ(map.memory_bytes(), 0u);
  EXPECT_FALSE(map.contains(0));
  EXPECT_TRUE(map.insert(0, 1));
  for (Id id = 0; id < 1000; ++id) EXPECT_EQ(copy.find(id * 4096), static_cast<std::uint64_t>(id));
}

}  // namespace
}  // namespace knear
