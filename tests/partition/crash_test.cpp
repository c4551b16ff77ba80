// Saving a partition over another while the process is killed.
#include <chrono>
#include <cstdlib>
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

// KNEAR_KILLS: how often.
TEST(KilledMerge, LeavesItsPartsAndTheOldFileOrTheNewOne) {
  const char* const asked = std::getenv("KNEAR_KILLS");
  const int rounds = asked ? std::atoi(asked) : 30;
  const testing::TempFolder folder;
  std::vector<std::filesystem::path> shards;
  std::vector<std::vector<Byte>> bytes_of_shards;
  const auto trained = partition(1000, 1);
  trained->clear();
  save(*trained, folder / "trained");
  for (int s = 0; s < 4; ++s) {
    const auto shard = load(folder / "trained");
    const std::vector<float> values = normals(2000 * kDim, static_cast<std::uint64_t>(s) + 2);
    shard->add(MatrixView(values, kDim));
    shards.push_back(folder / ("shard" + std::to_string(s)));
    save(*shard, shards.back());
    bytes_of_shards.push_back(testing::read_file(shards.back()));
  }
  const auto path = folder / "all";
  const MergeOptions shifted{.ids = MergeIds::shift};
  const auto before = std::chrono::steady_clock::now();
  merge_files(shards, path, shifted);
  const auto of_a_merge =
      std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now() - before);
  const auto merged = testing::read_file(path);
  const auto old = testing::read_file(folder / "trained");
  std::mt19937 random(11);
  int finished = 0;
  for (int round = 0; round < rounds; ++round) {
    std::filesystem::copy_file(folder / "trained", path, std::filesystem::copy_options::overwrite_existing);
    const testing::Signal started;
    const pid_t child = testing::start_child([&] {
      started.send();
      merge_files(shards, path, shifted);
      return 0;
    });
    started.wait();
    std::this_thread::sleep_for(of_a_merge * (random() % 150) / 100);
    ::kill(child, SIGKILL);
    testing::wait_for(child);
    const auto bytes = testing::read_file(path);
    ASSERT_TRUE(bytes == old || bytes == merged) << "round " << round;
    finished += bytes == merged ? 1 : 0;
    for (std::size_t s = 0; s < shards.size(); ++s) ASSERT_EQ(testing::read_file(shards[s]), bytes_of_shards[s]);
    EXPECT_LE(folder.names().size(), 8u) << "more than the files, a lock and one temporary file";
  }
  EXPECT_LT(finished, rounds) << "no merge was killed";
  RecordProperty("finished", finished);
  std::filesystem::remove(path);
  merge_files(shards, path, shifted);
  EXPECT_EQ(folder.names().size(), 6u);
  EXPECT_EQ(testing::read_file(path), merged);
}

}  // namespace
}  // namespace knear
