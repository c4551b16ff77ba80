#include <gtest/gtest.h>

#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <limits>
#include <stop_token>

#include "core/rng.h"
#include "io/container.h"
#include "knear/knear.h"

namespace knear {
namespace {

class SaveLoad : public testing::Test {
 protected:
  SaveLoad() : folder_(std::filesystem::temp_directory_path() / ("knear_save_load_" + std::to_string(::getpid()))) {
    std::filesystem::create_directories(folder_);
    Rng rng(1);
    rows_.resize(500 * 6);
    for (float& value : rows_) value = rng.uniform();
    index_.add(MatrixView(rows_, 6));
  }
  ~SaveLoad() override { std::filesystem::remove_all(folder_); }

  std::filesystem::path folder_;
  std::vector<float> rows_;
  IndexFlatL2 index_{6};
};

TEST_F(SaveLoad, MappedAndReadIndexesAnswerAlike) {
  const auto path = folder_ / "näme with space.knear";
  save(index_, path);
  const Neighbors expected = index_.search(MatrixView(rows_, 6), 5);
  for (const bool mmap : {true, false}) {
    const auto loaded = load(path, {.mmap = mmap, .verify = true});
    EXPECT_EQ(loaded->search(MatrixView(rows_, 6), 5).ids, expected.ids);
    EXPECT_EQ(loaded->stats().mapped_bytes > 0, mmap);
  }
  EXPECT_TRUE(verify_file(path).ok);
  EXPECT_EQ(inspect(path).ntotal, 500u);
}

TEST_F(SaveLoad, AMappedIndexCanChangeAndBeSavedOverItself) {
  const auto path = folder_ / "index.knear";
  save(index_, path);
  auto loaded = load(path);
  const std::vector<Id> gone{1, 2, 3};
  loaded->remove(gone);
  loaded->add(MatrixView(rows_, 6).slice(0, 10));
  save(*loaded, path);
  const auto again = load(path);
  EXPECT_EQ(again->ids(), loaded->ids());
  EXPECT_EQ(again->size(), 507u);
}

TEST_F(SaveLoad, DamageIsFoundByVerifyAndByReadingIntoMemory) {
  const auto path = folder_ / "index.knear";
  Rng rng(2);
  std::vector<float> many(100000 * 6);
  for (float& value : many) value = rng.uniform();
  index_.add(MatrixView(many, 6));
  save(index_, path);
  const auto sections = inspect(path).sections;
  for (const auto& section : sections) {
    if (section.name != "codes") continue;
    std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(static_cast<std::streamoff>(section.offset + section.length / 2));
    file.put(0x55);
  }
  EXPECT_FALSE(verify_file(path).ok);
  EXPECT_THROW(load(path, {.mmap = false}), Error);
  EXPECT_THROW(load(path, {.mmap = true, .verify = true}), Error);
}

TEST_F(SaveLoad, MissingFilesAndFoldersAreErrorsOfTheSystem) {
  try {
    load(folder_ / "nothing");
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), Error::io_failure);
  }
  EXPECT_THROW(load(folder_), Error);
  EXPECT_THROW(save(index_, folder_ / "no" / "such" / "folder"), Error);
}

TEST_F(SaveLoad, KeepsTheSmallestAndTheLargestId) {
  const std::vector<Id> ids{std::numeric_limits<Id>::max(), std::numeric_limits<Id>::min(), 0};
  IndexFlatL2 index(6);
  index.add(MatrixView(rows_, 6).slice(0, 3), {.ids = ids});
  const auto again = from_bytes(to_bytes(index));
  EXPECT_EQ(again->ids(), ids);
  EXPECT_EQ(again->search(MatrixView(rows_, 6).slice(1, 1), 1).ids[0], ids[1]);
  EXPECT_EQ(to_bytes(*again), to_bytes(index));
}

TEST_F(SaveLoad, AMetricThatCannotBeIsACorruptFile) {
  const IndexFlat index(6, Metric{Metric::lp, 3.0F});
  for (const Metric metric :
       {Metric{Metric::lp, 0.0F}, Metric{Metric::lp, -1.0F}, Metric{static_cast<Metric::Kind>(77), 0.0F}}) {
    const std::vector<Byte> bytes = write_container_bytes([&](SectionWriter& writer) {
      const Container original = Container::from_bytes(to_bytes(index));
      for (const Section& section : original.sections()) {
        std::vector<Byte> content(section.bytes.begin(), section.bytes.end());
        if (section.name == "index") {  // ends with the number of the metric and its argument
          const auto kind = static_cast<std::uint32_t>(metric.kind);
          std::memcpy(content.data() + content.size() - 8, &kind, 4);
          std::memcpy(content.data() + content.size() - 4, &metric.argument, 4);
        }
        writer.section(section.name, section.version, content);
      }
    });
    try {
      from_bytes(bytes);
      FAIL();
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), Error::corrupt_file) << error.what();
    }
  }
}

TEST_F(SaveLoad, TheStreamAndTheFileHaveTheSameBytes) {
  std::vector<Byte> streamed;
  save(index_, [&](std::span<const Byte> bytes) { streamed.insert(streamed.end(), bytes.begin(), bytes.end()); });
  EXPECT_EQ(streamed, to_bytes(index_));
  const auto path = folder_ / "index.knear";
  save(index_, path);
  EXPECT_EQ(std::filesystem::file_size(path), streamed.size());
}

TEST_F(SaveLoad, ASaveThatIsStoppedLeavesTheOldFile) {
  const auto path = folder_ / "index.knear";
  save(index_, path);
  const std::vector<Id> before = index_.ids();
  index_.add(MatrixView(rows_, 6));
  std::stop_source source;
  source.request_stop();
  const RunOptions stopped{.stop = source.get_token()};
  const auto stops = [&](const auto& call) {
    try {
      call();
    } catch (const Error& error) {
      return error.kind() == Error::stopped;
    }
    return false;
  };
  EXPECT_TRUE(stops([&] { save(index_, path, stopped); }));
  EXPECT_EQ(load(path)->ids(), before);
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder_), {}), 1) << "something stayed behind";
  EXPECT_TRUE(stops([&] { load(path, {.mmap = false, .run = stopped}); }));
  EXPECT_TRUE(stops([&] { load(path, {.verify = true, .run = stopped}); }));
  EXPECT_TRUE(stops([&] { verify_file(path, stopped); }));
}

TEST_F(SaveLoad, ProgressOfASaveEndsWithAllDone) {
  Progress last;
  std::string phase;
  const RunOptions options{.progress = [&](const Progress& progress) {
    last = progress;
    phase = progress.phase;
    return true;
  }};
  to_bytes(index_, options);
  EXPECT_EQ(phase, "save");
  EXPECT_EQ(last.done, last.total);
  EXPECT_GE(last.total, 500u * 6 * sizeof(float));
}

TEST_F(SaveLoad, EveryPrefixOfAFileIsAnError) {
  const std::vector<Byte> bytes = to_bytes(index_);
  for (std::size_t length = 0; length < bytes.size(); length += length < 2000 ? 1 : 97) {
    EXPECT_THROW(from_bytes(std::span(bytes).first(length)), Error) << length;
  }
}

}  // namespace
}  // namespace knear
