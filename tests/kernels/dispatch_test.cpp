#include "kernels/dispatch.h"

#include <algorithm>
#include <cstdlib>
#include <string_view>

#include "kernels_test.h"
#include "knear/parallel.h"

namespace knear::kernels {
namespace {

TEST(Dispatch, TheFirstTableRunsEverywhere) {
  ASSERT_FALSE(runnable_tables().empty());
  EXPECT_STREQ(runnable_tables().front()->name, "portable");
}

TEST(Dispatch, TheChosenTableIsRunnableAndNamed) {
  const auto tables = runnable_tables();
  EXPECT_NE(std::find(tables.begin(), tables.end(), &table()), tables.end());
  EXPECT_STREQ(cpu_level(), table().name);
}

TEST(Dispatch, FollowsTheEnvironmentOrSaysWhyNot) {
  const char* forced = std::getenv("KNEAR_ISA");
  const std::string_view error = forced_isa_error();
  if (forced == nullptr) {
    EXPECT_EQ(&table(), runnable_tables().back());
    EXPECT_EQ(error, "");
  } else if (std::string_view(forced) == "scalar") {
    EXPECT_STREQ(cpu_level(), "portable");
  } else if (error.empty()) {
    EXPECT_STREQ(cpu_level(), forced);
  } else {
    EXPECT_NE(error.find(forced), std::string_view::npos);
    EXPECT_EQ(&table(), runnable_tables().back());
  }
}

TEST(Dispatch, NoTableHasAHole) {
  for (const Table* each : runnable_tables()) {
    EXPECT_NE(each->tile, nullptr);
    EXPECT_NE(each->shadow_tile, nullptr);
    for (const ExactFn function : each->exact) EXPECT_NE(function, nullptr) << each->name;
    EXPECT_NE(each->all_finite, nullptr);
  }
}

}  // namespace
}  // namespace knear::kernels
