// Saving a partition over another while the process is killed.
#include <chrono>
#include <filesystem>
#include <random>
#include <thread>

#include "io/child_process.h"
#include "io/io_testing.h"
#include "partition/testing.h"

namespace knear {
namespace {

constexpr std::size_t kDim = 16;

std::unique_ptr<IvfIndex> partition(std::size_t rows, std::uint64_t seed) {
  return testing::filled_ivf("IVF16,Flat", MatrixView(normals(rows * kDim, seed), kDim));
}

TEST(KilledSave, LeavesOneOfTheTwoPartitions) {
  const testing::TempFolder folder;
  const auto path = folder / "index.knear";
  const auto one = partition(3000, 1);
  const auto other = partition(4000, 2);
  const auto bytes_of_one = to_bytes(*one);
  const auto bytes_of_other = to_bytes(*other);
  save(*one, path);
  const auto before = std::chrono::steady_clock::now();
  save(*other, path);
  const auto of_a_save =
      std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now() - before);
  std::mt19937 random(7);
  for (int round = 0; round < 30; ++round) {
    const testing::Signal started;
    const pid_t child = testing::start_child([&] {
      started.send();
      for (bool first = round % 2;; first = !first) save(first ? *one : *other, path);
      return 0;
    });
    started.wait();
    std::this_thread::sleep_for(of_a_save * (random() % 400) / 100);
    ::kill(child, SIGKILL);
    ASSERT_EQ(testing::wait_for(child), 1000 + SIGKILL);
    const auto bytes = testing::read_file(path);
    ASSERT_TRUE(bytes == bytes_of_one || bytes == bytes_of_other) << "round " << round;
    const auto loaded = load(path, {.verify = true});
    EXPECT_TRUE(loaded->verify().ok);
    EXPECT_EQ(to_bytes(*loaded), bytes);
    EXPECT_LE(folder.names().size(), 3u) << "more than the file, its lock and one temporary file";
  }
  save(*one, path);
  EXPECT_EQ(folder.names(), std::set<std::string>{"index.knear"});
}

}  // namespace
}  // namespace knear
