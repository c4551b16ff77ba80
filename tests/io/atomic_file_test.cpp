#include "io/atomic_file.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <atomic>
#include <cerrno>
#include <thread>

#include "child_process.h"
#include "io/container.h"
#include "io/helper_names.h"
#include "io_testing.h"

namespace knear {
namespace {

namespace fs = std::filesystem;
using testing::bytes_of_text;
using testing::expect_error;
using testing::noise;
using testing::read_file;
using testing::TempFolder;
using Names = std::set<std::string>;

void save_text(const fs::path& path, std::string_view text) {
  AtomicFile file(path);
  file.write(bytes_of_text(text));
  file.commit();
}

std::string text_of(const fs::path& path) {
  const auto bytes = read_file(path);
  return {bytes.begin(), bytes.end()};
}

unsigned mode_of(const fs::path& path) {
  struct stat status = {};
  EXPECT_EQ(::stat(path.c_str(), &status), 0);
  return status.st_mode & 07777;
}

TEST(AtomicFile, AppearsAtCommitAndAlone) {
  const TempFolder folder;
  AtomicFile file(folder / "a");
  file.write(bytes_of_text("new"));
  EXPECT_FALSE(fs::exists(folder / "a"));
  file.commit();
  EXPECT_EQ(text_of(folder / "a"), "new");
  EXPECT_EQ(folder.names(), Names{"a"});
}

TEST(AtomicFile, ReplacesTheOldFileAtCommit) {
  const TempFolder folder;
  save_text(folder / "a", "old");
  AtomicFile file(folder / "a");
  file.write(bytes_of_text("new"));
  EXPECT_EQ(text_of(folder / "a"), "old");
  file.commit();
  EXPECT_EQ(text_of(folder / "a"), "new");
}

TEST(AtomicFile, LeavesNothingWithoutCommit) {
  const TempFolder folder;
  save_text(folder / "a", "old");
  AtomicFile(folder / "a").write(noise(1'000'000, 1));
  EXPECT_EQ(text_of(folder / "a"), "old");
  EXPECT_EQ(folder.names(), Names{"a"});
}

TEST(AtomicFile, JoinsPiecesOfAnyLength) {
  const TempFolder folder;
  std::vector<Byte> all;
  AtomicFile file(folder / "a");
  for (const std::size_t length : {1u, 100u, 300'000u, 0u, 5u, 262'144u, 262'143u, 1u, 700'000u}) {
    const auto piece = noise(length, length);
    all.insert(all.end(), piece.begin(), piece.end());
    file.write(piece);
  }
  file.write_at(50, bytes_of_text("patched"));
  std::copy_n("patched", 7, all.begin() + 50);
  file.write(bytes_of_text("end"));
  all.insert(all.end(), {'e', 'n', 'd'});
  file.commit();
  EXPECT_EQ(read_file(folder / "a"), all);
}

TEST(AtomicFile, KeepsThePermissionsOfTheOldFile) {
  const TempFolder folder;
  save_text(folder / "a", "old");
  fs::permissions(folder / "a", fs::perms::owner_read | fs::perms::owner_write);
  save_text(folder / "a", "new");
  EXPECT_EQ(mode_of(folder / "a"), 0600u);
}

TEST(AtomicFile, FollowsTheUmaskForANewFile) {
  const TempFolder folder;
  const mode_t before = ::umask(0027);
  save_text(folder / "a", "new");
  ::umask(before);
  EXPECT_EQ(mode_of(folder / "a"), 0640u);
}

TEST(AtomicFile, FollowsSymbolicLinks) {
  const TempFolder folder;
  fs::create_directory(folder / "there");
  fs::create_symlink("there/real", folder / "link");
  fs::create_symlink("link", folder / "link to link");
  save_text(folder / "link to link", "first");
  save_text(folder / "link", "second");
  EXPECT_TRUE(fs::is_symlink(folder / "link"));
  EXPECT_EQ(text_of(folder / "there/real"), "second");
  EXPECT_EQ(folder.names(), (Names{"link", "link to link", "there"}));
  fs::create_symlink("round", folder / "round");
  expect_error(Error::io_failure, "symbolic links", [&] { save_text(folder / "round", "x"); });
}

TEST(AtomicFile, TakesAnyNameThatTheSystemTakes) {
  const TempFolder folder;
  for (const std::string& name : {std::string("with space"), std::string("Grüße 你好"), std::string("-rf"),
                                  std::string("a\nb"), std::string(255, 'x'), std::string("\xff\xfe not UTF-8")}) {
    save_text(folder / name, "old");
    save_text(folder / name, "new");
    EXPECT_EQ(text_of(folder / name), "new");
    EXPECT_EQ(folder.names(), Names{name});
    fs::remove(folder / name);
  }
}

TEST(AtomicFile, WorksInTheCurrentDirectory) {
  const TempFolder folder;
  EXPECT_EQ(testing::run_in_child([&] {
              fs::current_path(folder.path());
              save_text("a", "new");
              save_text("./a", "newer");
              return text_of("a") == "newer" ? 0 : 1;
            }),
            0);
  EXPECT_EQ(folder.names(), Names{"a"});
}

TEST(AtomicFile, NamesThePathAndTheReasonWhenItCannotBeWritten) {
  const TempFolder folder;
  const auto missing = folder / "no such directory" / "a";
  expect_error(Error::io_failure, "No such file or directory", [&] { AtomicFile{missing}; });
  expect_error(Error::io_failure, missing.string(), [&] { AtomicFile{missing}; });
  expect_error(Error::io_failure, "is a directory", [&] { AtomicFile{folder.path()}; });
  expect_error(Error::io_failure, "is a directory", [&] { AtomicFile{folder.path() / ""}; });
  expect_error(Error::io_failure, "too long", [&] { AtomicFile{folder / std::string(256, 'x')}.commit(); });
  expect_error(Error::invalid_argument, "empty", [] { AtomicFile{""}; });
}

TEST(AtomicFile, WritesDevicesAndPipesDirectly) {
  if (!fs::exists("/dev/full")) GTEST_SKIP() << "there is no /dev/full";
  expect_error(Error::io_failure, "'/dev/full': No space left on device", [] { save_text("/dev/full", "x"); });
  EXPECT_TRUE(fs::is_character_file("/dev/full"));
  save_text("/dev/null", "x");
  EXPECT_TRUE(fs::is_character_file("/dev/null"));
}

TEST(AtomicFile, RefusesASecondWriterOfTheSamePath) {
  const TempFolder folder;
  {
    AtomicFile first(folder / "a");
    expect_error(Error::conflict, "is being written by another process or thread", [&] { AtomicFile{folder / "a"}; });
    fs::create_symlink("a", folder / "other name");
    expect_error(Error::conflict, "a'", [&] { AtomicFile{folder / "other name"}; });
    AtomicFile other(folder / "b");
    first.write(bytes_of_text("first"));
    first.commit();
    save_text(folder / "a", "after commit");
  }
  save_text(folder / "a", "second");
  EXPECT_EQ(text_of(folder / "a"), "second");
}

TEST(AtomicFile, RefusesASecondProcess) {
  const TempFolder folder;
  const testing::Signal locked, finish;
  const pid_t child = testing::start_child([&] {
    AtomicFile file(folder / "a");
    locked.send();
    finish.wait();
    file.write(bytes_of_text("child"));
    file.commit();
    return 0;
  });
  ASSERT_TRUE(locked.wait());
  expect_error(Error::conflict, "another process", [&] { AtomicFile{folder / "a"}; });
  finish.send();
  EXPECT_EQ(testing::wait_for(child), 0);
  EXPECT_EQ(text_of(folder / "a"), "child");
  EXPECT_EQ(folder.names(), Names{"a"});
}

TEST(AtomicFile, IsNotBlockedByAKilledWriter) {
  const TempFolder folder;
  const testing::Signal locked, never;
  const pid_t child = testing::start_child([&] {
    AtomicFile file(folder / "a");
    locked.send();
    never.wait();
    return 0;
  });
  ASSERT_TRUE(locked.wait());
  ::kill(child, SIGKILL);
  EXPECT_EQ(testing::wait_for(child), 1000 + SIGKILL);
  EXPECT_TRUE(folder.names().contains(".a.knear-lock"));
  save_text(folder / "a", "next");
  EXPECT_EQ(folder.names(), Names{"a"});
}

// The lock would stay with the child's copy of the open file if nothing were done about it.
TEST(AtomicFile, IsNotBlockedByTheChildOfAKilledWriter) {
  const TempFolder folder;
  const testing::Signal forked, never, done;
  const pid_t writer = testing::start_child([&] {
    AtomicFile file(folder / "a");
    testing::start_child([&] {
      forked.send();
      done.wait();
      return 0;
    });
    never.wait();
    return 0;
  });
  ASSERT_TRUE(forked.wait());
  expect_error(Error::conflict, "another process", [&] { AtomicFile{folder / "a"}; });
  ::kill(writer, SIGKILL);
  EXPECT_EQ(testing::wait_for(writer), 1000 + SIGKILL);
  save_text(folder / "a", "next");
  EXPECT_EQ(text_of(folder / "a"), "next");
  done.send();
}

TEST(AtomicFile, LetsOneOfManyThreadsWin) {
  const TempFolder folder;
  std::atomic<int> saved = 0;
  std::atomic<int> refused = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i)
    threads.emplace_back([&, i] {
      for (int round = 0; round < 20; ++round) try {
          save_text(folder / "a", std::string(10'000, static_cast<char>('a' + i)));
          ++saved;
        } catch (const Error& error) {
          if (error.kind() == Error::conflict) ++refused;
        }
    });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(saved + refused, 80);
  EXPECT_GT(saved, 0);
  const std::string text = text_of(folder / "a");
  EXPECT_EQ(text, std::string(10'000, text.at(0)));
  EXPECT_EQ(folder.names(), Names{"a"});
}

TEST(AtomicFile, RemovesWhatAKilledWriterOfTheSameFileLeft) {
  const TempFolder folder;
  const Names strangers = {".a.0123456789abcdef.knear-tmpx", ".b.0123456789abcdef.knear-tmp", ".a.0123.knear-tmp",
                           ".a.0123456789abcdeg.knear-tmp"};
  for (const auto& name : strangers) testing::write_file(folder / name, {});
  testing::write_file(folder / ".a.0123456789abcdef.knear-tmp", noise(100, 1));
  testing::write_file(folder / ".a.knear-lock", {});
  save_text(folder / "a", "new");
  Names expected = strangers;
  expected.insert("a");
  EXPECT_EQ(folder.names(), expected);
}

TEST(TempFile, WithANameIsPublishedAndRemovedLikeOneWithout) {
  const TempFolder folder;
  save_text(folder / "a", "old");
  {
    TempFile temp(folder / "a", TempFile::Naming::always_named);
    temp.file().write(bytes_of_text("dropped"));
    EXPECT_EQ(folder.names().size(), 2u);
  }
  EXPECT_EQ(folder.names(), Names{"a"});
  TempFile temp(folder / "a", TempFile::Naming::always_named);
  temp.file().write(bytes_of_text("new"));
  temp.publish();
  EXPECT_EQ(text_of(folder / "a"), "new");
  EXPECT_EQ(folder.names(), Names{"a"});
}

TEST(HelperNames, AreRecognisedForTheirTargetOnly) {
  for (const fs::path& target : {fs::path("dir/a"), fs::path("dir") / std::string(255, 'y')}) {
    const auto temp = make_temp_path(target);
    EXPECT_EQ(temp.parent_path(), "dir");
    EXPECT_LE(temp.filename().string().size(), 255u);
    EXPECT_LE(lock_path_of(target).filename().string().size(), 255u);
    EXPECT_NE(temp, make_temp_path(target));
    EXPECT_TRUE(is_temp_name_of(target, temp.filename().string()));
    EXPECT_FALSE(is_temp_name_of("dir/b", temp.filename().string()));
    EXPECT_FALSE(is_temp_name_of(target, lock_path_of(target).filename().string()));
  }
}

}  // namespace
}  // namespace knear
