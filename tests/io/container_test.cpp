#include "io/container.h"

#include <algorithm>
#include <cstring>
#include <sstream>

#include "io/format.h"
#include "io_testing.h"

namespace knear {
namespace {

using testing::copy_of;
using testing::expect_error;
using testing::fill_small;
using testing::noise;
using testing::TempFolder;

// What the sections of a container have to be.
struct Expected {
  std::string name;
  std::uint32_t version;
  std::vector<Byte> bytes;
};

void fill(SectionWriter& writer, const std::vector<Expected>& sections) {
  for (const Expected& section : sections) writer.section(section.name, section.version, section.bytes);
}

void expect_sections(const Container& container, const std::vector<Expected>& expected) {
  ASSERT_EQ(container.sections().size(), expected.size());
  for (std::size_t i = 0; i < expected.size(); ++i) {
    const Section& section = container.sections()[i];
    EXPECT_EQ(section.name, expected[i].name);
    EXPECT_EQ(section.version, expected[i].version);
    EXPECT_EQ(copy_of(section.bytes), expected[i].bytes);
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(section.bytes.data()) % 64, 0u) << section.name;
    EXPECT_EQ(container.find(section.name), &section);
    EXPECT_EQ(&container.at(section.name, section.version), &section);
  }
  EXPECT_TRUE(container.verify().empty());
}

// Through a file, mapped and read, and through bytes.
void expect_round_trip(const std::vector<Expected>& sections) {
  const TempFolder folder;
  const auto path = folder / "index.knear";
  write_container(path, [&](SectionWriter& writer) { fill(writer, sections); });
  const auto bytes = write_container_bytes([&](SectionWriter& writer) { fill(writer, sections); });
  EXPECT_EQ(testing::read_file(path), bytes);
  EXPECT_EQ(folder.names(), std::set<std::string>{"index.knear"});
  expect_sections(Container::open(path, true), sections);
  expect_sections(Container::open(path, false), sections);
  expect_sections(Container::from_bytes(bytes), sections);
}

TEST(Container, WithoutSectionsHas128Bytes) {
  expect_round_trip({});
  EXPECT_EQ(write_container_bytes([](SectionWriter&) {}).size(), 128u);
}

TEST(Container, GivesBackWhatWasWritten) {
  expect_round_trip(
      {{"a", 1, noise(1, 1)}, {"empty", 0, {}}, {"also empty", 9, {}}, {"b", 4'000'000'000, noise(200, 2)}});
}

TEST(Container, GivesBackSectionsAroundThePageThreshold) {
  std::vector<Expected> sections;
  for (const std::size_t length : {65'535u, 65'536u, 65'537u, 4096u, 300'001u, 1u, 3'000'000u})
    sections.push_back({"section of " + std::to_string(length), 1, noise(length, length)});
  expect_round_trip(sections);
}

TEST(Container, HoldsAThousandSections) {
  std::vector<Expected> sections;
  for (std::uint32_t i = 0; i < 1000; ++i) sections.push_back({"s" + std::to_string(i * 7919 % 1000), i, noise(i, i)});
  expect_round_trip(sections);
}

TEST(Container, StartsLongSectionsAtAPageAndShortOnesAtACacheLine) {
  const auto container = Container::from_bytes(write_container_bytes([](SectionWriter& writer) {
    writer.section("short", 1, noise(1, 1));
    writer.section("long", 1, noise(65'536, 2));
    writer.section("after", 1, noise(65'535, 2));
  }));
  EXPECT_EQ(container.at("short", 1).offset, 64u);
  EXPECT_EQ(container.at("long", 1).offset, 4096u);
  EXPECT_EQ(container.at("after", 1).offset, 4096u + 65'536u);
}

TEST(Container, DoesNotDependOnHowASectionIsCut) {
  const auto bytes = noise(150'000, 3);
  const auto whole = write_container_bytes([&](SectionWriter& writer) { writer.section("x", 1, bytes); });
  for (const std::size_t piece : {13u, 4096u, 65'535u, 65'536u, 100'000u}) {
    const auto pieces = write_container_bytes([&](SectionWriter& writer) {
      writer.begin("x", 1);
      for (std::size_t i = 0; i < bytes.size(); i += piece)
        writer.append(std::span(bytes).subspan(i, std::min(piece, bytes.size() - i)));
      writer.end();
    });
    EXPECT_EQ(pieces, whole) << piece;
  }
}

TEST(Container, StreamsTheBytesOfTheFile) {
  std::ostringstream stream;
  stream_container(
      [&](std::span<const Byte> bytes) {
        stream.write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
      },
      fill_small);
  EXPECT_EQ(testing::bytes_of_text(stream.str()), write_container_bytes(fill_small));
}

TEST(Container, SaysInItsFirstBytesWhatItIs) {
  const auto bytes = write_container_bytes(fill_small);
  const std::string start(bytes.begin(), bytes.begin() + 64);
  EXPECT_EQ(start.substr(1, 11), "knear index");
  EXPECT_EQ(start.substr(16, 9), "format 1\n");
}

TEST(Container, HasNoStampUnlessAsked) {
  EXPECT_EQ(Container::from_bytes(write_container_bytes(fill_small)).stamp().created_us, 0u);
  const auto stamped = Container::from_bytes(write_container_bytes(fill_small, {.generation = 5, .created_us = 77}));
  EXPECT_EQ(stamped.stamp().generation, 5u);
  EXPECT_EQ(stamped.stamp().created_us, 77u);
}

TEST(Container, FindsNothingUnderAnUnknownName) {
  const auto container = Container::from_bytes(write_container_bytes(fill_small));
  EXPECT_EQ(container.find("row"), nullptr);
  EXPECT_EQ(container.find(""), nullptr);
  EXPECT_EQ(container.find(std::string(1000, 'x')), nullptr);
  expect_error(Error::corrupt_file, "has no section 'graph'", [&] { container.at("graph", 1); });
}

TEST(Container, RefusesANewerSection) {
  const auto container = Container::from_bytes(write_container_bytes(fill_small));
  EXPECT_EQ(container.at("rows", 2).version, 2u);
  expect_error(Error::unsupported, "section 'rows' has version 2, this one knows 1", [&] { container.at("rows", 1); });
}

TEST(Container, OutlivesItsFileAndItsHandle) {
  const TempFolder folder;
  write_container(folder / "a", fill_small);
  std::span<const Byte> rows;
  std::shared_ptr<const void> owner;
  {
    const auto container = Container::open(folder / "a", true);
    rows = container.at("rows", 2).bytes;
    owner = container.owner();
  }
  std::filesystem::remove(folder / "a");
  EXPECT_EQ(copy_of(rows), noise(100, 7));
}

TEST(Container, ShowsTheOldFileAfterANewOneTookItsName) {
  const TempFolder folder;
  write_container(folder / "a", fill_small);
  const auto old = Container::open(folder / "a", true);
  write_container(folder / "a", [](SectionWriter& writer) { writer.section("rows", 2, noise(50, 8)); });
  EXPECT_EQ(copy_of(old.at("rows", 2).bytes), noise(100, 7));
  EXPECT_EQ(copy_of(Container::open(folder / "a", true).at("rows", 2).bytes), noise(50, 8));
}

TEST(SectionWriter, RefusesBadNames) {
  for (const std::string& name :
       {std::string(), std::string(64, 'x'), std::string("a\nb"), std::string("caf\xc3\xa9"), std::string("nul\0", 4)})
    expect_error(Error::invalid_argument, "name",
                 [&] { write_container_bytes([&](SectionWriter& writer) { writer.section(name, 1, {}); }); });
  const std::string longest(63, 'x');
  const auto bytes = write_container_bytes([&](SectionWriter& writer) { writer.section(longest, 1, {}); });
  EXPECT_NE(Container::from_bytes(bytes).find(longest), nullptr);
}

TEST(SectionWriter, RefusesTheSameNameTwice) {
  expect_error(Error::invalid_argument, "two sections have the name 'a'", [] {
    write_container_bytes([](SectionWriter& writer) {
      writer.section("a", 1, {});
      writer.section("a", 2, {});
    });
  });
}

TEST(SectionWriter, RefusesCallsOutOfOrder) {
  const auto write = [](void (*fill)(SectionWriter&)) { return [fill] { write_container_bytes(fill); }; };
  expect_error(Error::invalid_argument, "begins before", write([](SectionWriter& writer) {
                 writer.begin("a", 1);
                 writer.begin("b", 1);
               }));
  expect_error(Error::invalid_argument, "has not begun", write([](SectionWriter& writer) { writer.end(); }));
  expect_error(Error::invalid_argument, "outside", write([](SectionWriter& writer) { writer.append({}); }));
  expect_error(Error::invalid_argument, "has not ended", write([](SectionWriter& writer) { writer.begin("a", 1); }));
}

TEST(Container, OpensAHugeMappedFileByItsEndsOnly) {
  const TempFolder folder;
  const auto path = folder / "sparse";
  write_container(path, fill_small);
  // Blow it up to 64 GiB without using disk: the trailer is no longer at the end, which is noticed without reading it
  // all.
  std::error_code refused;
  std::filesystem::resize_file(path, std::uintmax_t{1} << 36, refused);
  if (refused) GTEST_SKIP() << "no sparse files of 64 GiB here: " << refused.message();
  expect_error(Error::corrupt_file, "no trailer at its end", [&] { Container::open(path, true); });
}

TEST(Container, ReadsTheFileOfFormatVersion1) {
  const auto container = Container::open(std::filesystem::path(KNEAR_GOLDEN_DIR) / "container-v1.knear", true);
  EXPECT_EQ(container.format_version(), 1u);
  EXPECT_EQ(container.stamp().generation, 3u);
  EXPECT_EQ(container.stamp().created_us, 1'600'000'000'000'000u);
  ASSERT_EQ(container.sections().size(), 4u);
  EXPECT_EQ(copy_of(container.at("spec", 1).bytes), testing::bytes_of_text("Flat"));
  EXPECT_EQ(container.at("empty", 3).bytes.size(), 0u);
  EXPECT_EQ(copy_of(container.at("rows", 2).bytes), noise(100, 7));
  const auto paged = container.at("paged", 1);
  EXPECT_EQ(paged.offset, 4096u);
  EXPECT_EQ(paged.bytes.size(), 65'536u);
  EXPECT_TRUE(std::all_of(paged.bytes.begin(), paged.bytes.end(), [](Byte byte) { return byte == 'k'; }));
  EXPECT_TRUE(container.verify().empty());
}

// Today's writer still writes that file, so that a change of the format cannot go unnoticed.
TEST(Container, WritesTheFileOfFormatVersion1) {
  const auto bytes = write_container_bytes(
      [](SectionWriter& writer) {
        fill_small(writer);
        writer.section("paged", 1, std::vector<Byte>(65'536, 'k'));
      },
      {.generation = 3, .created_us = 1'600'000'000'000'000});
  EXPECT_EQ(bytes, testing::read_file(std::filesystem::path(KNEAR_GOLDEN_DIR) / "container-v1.knear"));
}

}  // namespace
}  // namespace knear
