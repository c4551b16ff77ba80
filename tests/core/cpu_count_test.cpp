#include "core/cpu_count.h"

#include <gtest/gtest.h>
#include <sched.h>
#include <unistd.h>

#include <fstream>
#include <string>

#include "knear/parallel.h"

namespace knear {
namespace {

namespace fs = std::filesystem;

// A folder of its own that looks like /sys/fs/cgroup.
class CgroupTest : public testing::Test {
 protected:
  CgroupTest() : root_(fs::path(testing::TempDir()) / ("knear_cgroup_" + std::to_string(getpid()))) {
    fs::create_directories(root_ / "a" / "b");
  }
  ~CgroupTest() override { fs::remove_all(root_); }
  void write(const fs::path& group, const std::string& quota) { std::ofstream(root_ / group / "cpu.max") << quota; }

  fs::path root_;
};

TEST_F(CgroupTest, HasNoQuotaWithoutFiles) { EXPECT_EQ(cgroup_cpus(root_, "/a/b"), std::nullopt); }

TEST_F(CgroupTest, HasNoQuotaWhenItSaysMax) {
  write("a", "max 100000\n");
  EXPECT_EQ(cgroup_cpus(root_, "/a"), std::nullopt);
}

TEST_F(CgroupTest, TakesTheLeastQuotaOfTheAncestors) {
  write("a", "150000 100000\n");
  write("a/b", "400000 100000\n");
  EXPECT_EQ(cgroup_cpus(root_, "/a/b"), 1.5);
  write("a/b", "50000 100000\n");
  EXPECT_EQ(cgroup_cpus(root_, "/a/b"), 0.5);
}

TEST_F(CgroupTest, FindsTheQuotaOfAContainerAtItsRoot) {
  write(".", "200000 100000\n");
  EXPECT_EQ(cgroup_cpus(root_, "/"), 2.0);
  EXPECT_EQ(cgroup_cpus(root_, "/not/visible/inside"), 2.0);
}

TEST_F(CgroupTest, IgnoresNonsense) {
  write("a", "-1 100000\n");
  EXPECT_EQ(cgroup_cpus(root_, "/a"), std::nullopt);
  write("a", "100000 0\n");
  EXPECT_EQ(cgroup_cpus(root_, "/a"), std::nullopt);
  write("a", "");
  EXPECT_EQ(cgroup_cpus(root_, "/a"), std::nullopt);
}

TEST(CpuCount, FollowsTheAffinityMask) {
  cpu_set_t before;
  ASSERT_EQ(sched_getaffinity(0, sizeof before, &before), 0);
  EXPECT_GE(usable_cpus(), 1u);
  EXPECT_LE(usable_cpus(), static_cast<std::size_t>(CPU_COUNT(&before)));
  int first = 0;
  while (!CPU_ISSET(first, &before)) ++first;
  cpu_set_t one;
  CPU_ZERO(&one);
  CPU_SET(first, &one);
  ASSERT_EQ(sched_setaffinity(0, sizeof one, &one), 0);
  EXPECT_EQ(usable_cpus(), 1u);
  ASSERT_EQ(sched_setaffinity(0, sizeof before, &before), 0);
}

class NumThreads : public testing::Test {
 protected:
  ~NumThreads() override {
    unsetenv("KNEAR_THREADS");
    set_num_threads(0);
  }
};

TEST_F(NumThreads, AreTheUsableCpusByDefault) {
  unsetenv("KNEAR_THREADS");
  set_num_threads(0);
  EXPECT_EQ(num_threads(), usable_cpus());
}

TEST_F(NumThreads, FollowTheEnvironmentUnlessItIsNonsense) {
  for (const char* nonsense : {"", "0", "-3", "two", "4x"}) {
    setenv("KNEAR_THREADS", nonsense, 1);
    set_num_threads(0);
    EXPECT_EQ(num_threads(), usable_cpus()) << nonsense;
  }
  setenv("KNEAR_THREADS", "7", 1);
  set_num_threads(0);
  EXPECT_EQ(num_threads(), 7u);
}

TEST_F(NumThreads, CanBeSet) {
  setenv("KNEAR_THREADS", "7", 1);
  set_num_threads(3);
  EXPECT_EQ(num_threads(), 3u);
  set_num_threads(0);
  EXPECT_EQ(num_threads(), 7u);
}

}  // namespace
}  // namespace knear
