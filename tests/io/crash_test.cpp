// Saving when the process is killed, the disk is full or the directory may not be written.
#include <grp.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <chrono>
#include <cstdlib>
#include <random>
#include <thread>

#include "child_process.h"
#include "io/file_lock.h"
#include "io/temp_file.h"
#include "io_testing.h"

namespace knear {
namespace {

namespace fs = std::filesystem;
using testing::copy_of;
using testing::noise;
using testing::run_in_child;
using testing::TempFolder;
using Names = std::set<std::string>;

// How many moments to kill at: KNEAR_KILLS, or few enough for every day.
int kills() {
  const char* wanted = std::getenv("KNEAR_KILLS");
  return wanted != nullptr ? std::atoi(wanted) : 40;
}

constexpr std::size_t kRowsBytes = 300'000;

// The `number`-th index that a child saves; everything in it follows from the number.
void fill_numbered(SectionWriter& writer, std::uint64_t number) {
  ByteSink sink;
  sink.u64(number);
  writer.section("number", 1, sink.bytes());
  writer.section("rows", 1, noise(kRowsBytes, number));
}

std::uint64_t number_of_intact(const fs::path& path) {
  const auto container = Container::open(path, false);
  ByteSource source(container.at("number", 1).bytes, "number");
  const auto number = source.u64();
  EXPECT_EQ(copy_of(container.at("rows", 1).bytes), noise(kRowsBytes, number));
  return number;
}

using Save = std::function<void(const fs::path&, std::uint64_t number)>;

void save_container(const fs::path& path, std::uint64_t number) {
  write_container(path, [&](SectionWriter& writer) { fill_numbered(writer, number); });
}

// The way of file systems that cannot make files without a name.
void save_named(const fs::path& path, std::uint64_t number) {
  const FileLock lock(path);
  if (lock.took_over()) TempFile::remove_abandoned(path);
  TempFile temp(path, TempFile::Naming::always_named);
  temp.file().write(write_container_bytes([&](SectionWriter& writer) { fill_numbered(writer, number); }));
  temp.publish();
}

// Kills a child that saves and saves, after each kill an intact file must be there and next to nothing beside it.
void kill_while_saving(const Save& save) {
  const TempFolder folder;
  const auto path = folder / "index.knear";
  save(path, 0);
  std::uint64_t last = 0;
  std::mt19937 random(20240601);
  for (int i = 0; i < kills(); ++i) {
    const testing::Signal started;
    const pid_t child = testing::start_child([&] {
      started.send();
      for (std::uint64_t number = last + 1;; ++number) save(path, number);
      return 0;
    });
    started.wait();
    std::this_thread::sleep_for(std::chrono::microseconds(random() % 12'000));
    ::kill(child, SIGKILL);
    ASSERT_EQ(testing::wait_for(child), 1000 + SIGKILL);
    const auto number = number_of_intact(path);
    EXPECT_GE(number, last);
    last = number;
    EXPECT_LE(folder.names().size(), 3u) << "more than the file, its lock and one temporary file";
  }
  save(path, last + 1);
  EXPECT_EQ(number_of_intact(path), last + 1);
  EXPECT_EQ(folder.names(), Names{"index.knear"});
}

TEST(KilledSave, LeavesTheOldFileOrTheNewOne) { kill_while_saving(save_container); }

TEST(KilledSave, LeavesTheOldFileOrTheNewOneAlsoWithANamedTemporaryFile) { kill_while_saving(save_named); }

// 0 when saving fails with an io_failure that has `part` in it, and leaves the old file alone in its folder.
int save_fails(const fs::path& path, std::string_view part) {
  try {
    write_container(path, [](SectionWriter& writer) { writer.section("rows", 1, noise(8 << 20, 1)); });
    return 1;
  } catch (const Error& error) {
    if (error.kind() != Error::io_failure || std::string_view(error.what()).find(part) == std::string_view::npos) throw;
    if (std::string_view(error.what()).find(path.string()) == std::string_view::npos) throw;
  }
  const auto entries = std::distance(fs::directory_iterator(path.parent_path()), fs::directory_iterator());
  return number_of_intact(path) == 1 && entries == 1 ? 0 : 2;
}

TEST(FullDisk, LeavesTheOldFile) {
  const TempFolder folder;
  save_container(folder / "index", 1);
  EXPECT_EQ(run_in_child([&] {
              const rlimit limit = {1 << 20, 1 << 20};
              if (::setrlimit(RLIMIT_FSIZE, &limit) != 0 || ::signal(SIGXFSZ, SIG_IGN) == SIG_ERR) return 3;
              return save_fails(folder / "index", "File too large");
            }),
            0);
}

TEST(FullDisk, LeavesTheOldFileOnASmallFileSystem) {
  constexpr int kCannotMount = 77;
  const TempFolder folder;
  const int result = run_in_child([&] {
    // A mount of the child's own goes away with it.
    if (::unshare(CLONE_NEWNS) != 0 || ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
        ::mount("none", folder.path().c_str(), "tmpfs", 0, "size=2m") != 0)
      return kCannotMount;
    save_container(folder / "index", 1);
    return save_fails(folder / "index", "No space left on device");
  });
  if (result == kCannotMount) GTEST_SKIP() << "only root can mount a small file system";
  EXPECT_EQ(result, 0);
}

TEST(ReadOnlyDisk, LeavesTheOldFile) {
  constexpr int kCannotMount = 77;
  const TempFolder folder;
  save_container(folder / "index", 1);
  const int result = run_in_child([&] {
    const char* path = folder.path().c_str();
    if (::unshare(CLONE_NEWNS) != 0 || ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
        ::mount(path, path, nullptr, MS_BIND, nullptr) != 0 ||
        ::mount("none", path, nullptr, MS_REMOUNT | MS_BIND | MS_RDONLY, nullptr) != 0)
      return kCannotMount;
    return save_fails(folder / "index", "Read-only file system");
  });
  if (result == kCannotMount) GTEST_SKIP() << "only root can mount a disk read-only";
  EXPECT_EQ(result, 0);
}

TEST(ReadOnlyDirectory, LeavesTheOldFile) {
  const TempFolder folder;
  save_container(folder / "index", 1);
  fs::permissions(folder.path(), fs::perms(0555));
  EXPECT_EQ(
      run_in_child([&] {
        constexpr int kNobody = 65534;
        if (::geteuid() == 0 && (::setgroups(0, nullptr) != 0 || ::setgid(kNobody) != 0 || ::setuid(kNobody) != 0))
          return 3;
        return save_fails(folder / "index", "Permission denied");
      }),
      0);
  fs::permissions(folder.path(), fs::perms(0755));
}

}  // namespace
}  // namespace knear
