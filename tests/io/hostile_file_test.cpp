// Damaged and hostile files: an error that says what is wrong, never a crash.
#include <sys/stat.h>

#include <algorithm>
#include <cstring>
#include <limits>

#include "io/container.h"
#include "io/format.h"
#include "io_testing.h"

namespace knear {
namespace {

using format::Header;
using format::TableEntry;
using format::Trailer;
using testing::bytes_of_text;
using testing::expect_error;
using testing::fill_small;
using testing::noise;
using testing::TempFolder;

// Can the bytes be loaded with nothing to complain about?
bool is_accepted(std::span<const Byte> bytes) {
  try {
    return Container::from_bytes(bytes).verify().empty();
  } catch (const Error& error) {
    EXPECT_TRUE(error.kind() == Error::corrupt_file || error.kind() == Error::unsupported) << error.what();
    return false;
  }
}

void expect_refused(std::span<const Byte> bytes, std::string_view part, Error::Kind kind = Error::corrupt_file) {
  expect_error(kind, part, [&] { Container::from_bytes(bytes); });
}

// Changes one fixed part at `offset` with `change` and makes its checksum right again.
template <class Part, class Change>
void forge(std::vector<Byte>& file, std::size_t offset, const Change& change) {
  auto part = format::read_part<Part>(file.data() + offset);
  change(part);
  if constexpr (!std::is_same_v<Part, TableEntry>) part.checksum = format::checksum_of_part(part);
  std::memcpy(file.data() + offset, &part, sizeof(part));
}

template <class Change>
std::vector<Byte> with_header(const Change& change) {
  auto file = write_container_bytes(fill_small);
  forge<Header>(file, 0, change);
  return file;
}

template <class Change>
std::vector<Byte> with_trailer(const Change& change) {
  auto file = write_container_bytes(fill_small);
  forge<Trailer>(file, file.size() - sizeof(Trailer), change);
  return file;
}

template <class Change>
std::vector<Byte> with_entry(std::size_t i, const Change& change) {
  auto file = write_container_bytes(fill_small);
  const auto table = format::read_part<Trailer>(file.data() + file.size() - sizeof(Trailer)).table_offset;
  forge<TableEntry>(file, table + i * sizeof(TableEntry), change);
  const auto bytes = std::span(file).subspan(table, file.size() - sizeof(Trailer) - table);
  forge<Trailer>(file, file.size() - sizeof(Trailer),
                 [&](Trailer& trailer) { trailer.table_checksum = checksum_of(bytes); });
  return file;
}

TEST(HostileFile, TheForgersLeaveAGoodFileGood) {
  EXPECT_TRUE(is_accepted(with_header([](Header&) {})));
  EXPECT_TRUE(is_accepted(with_trailer([](Trailer&) {})));
  EXPECT_TRUE(is_accepted(with_entry(1, [](TableEntry&) {})));
}

TEST(HostileFile, IsNoticedWhenCutAnywhere) {
  const auto file = write_container_bytes(fill_small);
  for (std::size_t length = 0; length < file.size(); ++length) EXPECT_FALSE(is_accepted(std::span(file).first(length)));
}

TEST(HostileFile, IsNoticedWhenSomethingIsAppended) {
  auto file = write_container_bytes(fill_small);
  file.push_back('\n');
  expect_refused(file, "no trailer at its end");
  const auto other = write_container_bytes(fill_small);
  file.pop_back();
  file.insert(file.end(), other.begin(), other.end());
  expect_refused(file, "should have");
}

TEST(HostileFile, IsNoticedWhenAnySingleBitFlips) {
  auto file = write_container_bytes(fill_small);
  for (std::size_t i = 0; i < file.size(); ++i)
    for (int bit = 0; bit < 8; ++bit) {
      file[i] = static_cast<Byte>(file[i] ^ 1u << bit);
      EXPECT_FALSE(is_accepted(file)) << "byte " << i << ", bit " << bit;
      file[i] = static_cast<Byte>(file[i] ^ 1u << bit);
    }
  EXPECT_TRUE(is_accepted(file));
}

TEST(HostileFile, IsNoticedWhenAnyByteBecomesZeroOrSpace) {
  const auto good = write_container_bytes(fill_small);
  for (std::size_t i = 0; i < good.size(); ++i)
    for (const Byte value : {Byte{0}, Byte{' '}, Byte{255}}) {
      auto file = good;
      file[i] = value;
      EXPECT_EQ(is_accepted(file), value == good[i]) << i;
    }
}

TEST(HostileFile, MayBeRandomBytes) {
  const auto good = write_container_bytes(fill_small);
  for (std::uint64_t seed = 0; seed < 2000; ++seed) {
    auto garbage = noise(seed, seed);
    EXPECT_FALSE(is_accepted(garbage));
    std::copy_n(good.begin(), std::min<std::size_t>(garbage.size(), 64), garbage.begin());
    EXPECT_FALSE(is_accepted(garbage));
  }
}

TEST(HostileFile, IsNoticedWhenAMappedLongSectionIsDamaged) {
  const TempFolder folder;
  auto file = write_container_bytes([](SectionWriter& writer) {
    writer.section("small", 1, noise(10, 1));
    writer.section("rows", 1, noise(3 << 20, 2));
  });
  file[2 << 20] ^= 1;
  testing::write_file(folder / "bad", file);
  const auto container = Container::open(folder / "bad", true);
  EXPECT_EQ(container.verify(), std::vector<std::string>{"rows"});
  expect_error(Error::corrupt_file, "the checksum of section 'rows' is wrong",
               [&] { Container::open(folder / "bad", false); });
}

TEST(HostileFile, IsNoticedWhenTheSpaceBeforeALongSectionIsNotZero) {
  const TempFolder folder;
  auto file = write_container_bytes([](SectionWriter& writer) { writer.section("rows", 1, noise(3 << 20, 2)); });
  file[1000] = 1;
  testing::write_file(folder / "bad", file);
  EXPECT_EQ(Container::open(folder / "bad", true).verify(), std::vector<std::string>{"rows"});
}

TEST(HostileFile, CannotAskForMoreThanItHas) {
  const auto huge = std::numeric_limits<std::uint64_t>::max();
  for (const std::uint64_t number :
       {huge, huge - 63, huge / 96, huge / 2 + 1, std::uint64_t{1} << 40, std::uint64_t{500}}) {
    expect_refused(with_trailer([&](Trailer& trailer) { trailer.section_count = number; }), "does not fit");
    expect_refused(with_trailer([&](Trailer& trailer) { trailer.table_offset = number; }), "does not fit");
    expect_refused(with_trailer([&](Trailer& trailer) { trailer.file_bytes = number; }), "should have");
    expect_refused(with_entry(2, [&](TableEntry& entry) { entry.length = number; }), "'rows'");
    expect_refused(with_entry(2, [&](TableEntry& entry) { entry.offset = number; }), "'rows'");
    expect_refused(with_entry(2,
                              [&](TableEntry& entry) {
                                entry.offset = number & ~std::uint64_t{63};
                                entry.length = huge - entry.offset + 1;
                              }),
                   "'rows'");
  }
}

TEST(HostileFile, CannotLayOneSectionOverAnother) {
  expect_refused(with_entry(2, [](TableEntry& entry) { entry.offset = 64; }), "does not fit between");
  expect_refused(with_entry(0, [](TableEntry& entry) { entry.offset = 0; }), "does not fit between");
  expect_refused(with_entry(2, [](TableEntry& entry) { entry.length += 64; }), "does not fit between");
  expect_refused(with_entry(2, [](TableEntry& entry) { entry.offset += 1; }), "does not fit between");
}

TEST(HostileFile, CannotHaveStrangeNames) {
  const auto named = [](std::string_view name) {
    return with_entry(1, [&](TableEntry& entry) {
      std::memset(entry.name, 0, sizeof(entry.name));
      std::copy(name.begin(), name.end(), entry.name);
    });
  };
  EXPECT_TRUE(is_accepted(named("fine")));
  expect_refused(named("spec"), "two sections 'spec'");
  expect_refused(named(""), "no proper name");
  expect_refused(named("a\nb"), "no proper name");
  expect_refused(named(std::string_view("a\0b", 3)), "no proper name");
  expect_refused(named("caf\xc3\xa9"), "no proper name");
  expect_refused(named(std::string(64, 'x')), "no proper name");
}

TEST(HostileFile, MayComeFromALaterVersion) {
  const auto newer = Error::unsupported;
  expect_refused(with_header([](Header& header) { header.version = 2; }), "format version is 2, this one knows 1",
                 newer);
  expect_refused(with_header([](Header& header) { header.features = 4; }), "features 4", newer);
  expect_refused(with_entry(1, [](TableEntry& entry) { entry.flags = 1; }), "flags 1", newer);
}

TEST(HostileFile, MayHaveTheOtherByteOrder) {
  auto file = write_container_bytes(fill_small);
  std::reverse(file.begin() + 36, file.begin() + 40);
  expect_refused(file, "big-endian", Error::unsupported);
}

TEST(HostileFile, MayBeDamagedByATransferAsText) {
  const auto good = write_container_bytes(fill_small);
  const auto damaged = [&](std::size_t from, std::size_t count, std::string_view text) {
    auto file = good;
    file.erase(file.begin() + static_cast<std::ptrdiff_t>(from),
               file.begin() + static_cast<std::ptrdiff_t>(from + count));
    file.insert(file.begin() + static_cast<std::ptrdiff_t>(from), text.begin(), text.end());
    return file;
  };
  for (const auto& file : {damaged(12, 2, "\n"), damaged(15, 1, "\r\n"), damaged(0, 1, "\x09"), damaged(0, 1, "?"),
                           damaged(0, 1, "\xef\xbf\xbd"), damaged(0, 1, "\xc2\x89")})
    expect_refused(file, "a transfer as text");
}

TEST(HostileFile, IsCalledByItsNameWhenItIsSomethingElse) {
  const auto refused = [](std::string_view text, std::string_view part) {
    expect_refused(bytes_of_text(text), "is not a knear index file");
    expect_refused(bytes_of_text(text), part);
  };
  refused("version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n", "Git LFS pointer");
  refused("\n<!DOCTYPE html>\n<html><body>404</body></html>", "HTML");
  refused("<HTML><HEAD>", "HTML");
  refused("\xef\xbb\xbf<?xml version=\"1.0\"?><Error><Code>AccessDenied</Code></Error>", "XML");
  refused("\x1f\x8b\x08\x04", "gzip");
  refused("PK\x03\x04...", "ZIP");
  refused(std::string_view("IxF2\x80\0\0\0\x10\x27\0\0\0\0\0\0", 16), "Faiss index file ('IxF2')");
  refused(std::string_view("IHNf\x10\x03\0\0", 8), "Faiss");
  refused("\x93NUMPY\x01", "NumPy");
  refused("\x89HDF\r\n\x1a\n", "HDF5");
  refused("\x89", "is not a knear index file");
  refused("In the beginning", "is not a knear index file");
}

TEST(HostileFile, IsDescribedAlsoWhenItIsRead) {
  const TempFolder folder;
  const auto refused = [&](const std::string& name, std::string_view part, Error::Kind kind) {
    for (const bool mmap : {true, false}) {
      expect_error(kind, part, [&] { Container::open(folder / name, mmap); });
      expect_error(kind, name, [&] { Container::open(folder / name, mmap); });
    }
  };
  testing::write_file(folder / "empty", {});
  refused("empty", "is empty (0 bytes)", Error::corrupt_file);
  testing::write_file(folder / "zip", bytes_of_text("\x1f\x8b\x08\x04"));
  refused("zip", "gzip", Error::corrupt_file);
  const auto whole = write_container_bytes(fill_small);
  testing::write_file(folder / "short", std::span(whole).first(100));
  refused("short", "cut short", Error::corrupt_file);
  std::filesystem::create_directory(folder / "directory");
  refused("directory", "is a directory", Error::io_failure);
  refused("missing", "No such file or directory", Error::io_failure);
  ASSERT_EQ(::mkfifo((folder / "pipe").c_str(), 0600), 0);
  refused("pipe", "a device or a pipe", Error::io_failure);
  expect_error(Error::invalid_argument, "empty", [] { Container::open("", true); });
}

}  // namespace
}  // namespace knear
