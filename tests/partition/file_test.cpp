// Partitions in files, good ones and damaged ones.
#include <cstring>
#include <filesystem>
#include <limits>

#include "core/expect_error.h"
#include "io/container.h"
#include "io/io_testing.h"
#include "partition/testing.h"

namespace knear {
namespace {

using testing::filled_ivf;
using testing::same;

constexpr std::size_t kDim = 8;
constexpr std::size_t kRows = 150;

MatrixView view(const std::vector<float>& values) { return {values, kDim}; }

class IvfFile : public ::testing::TestWithParam<std::tuple<const char*, Metric::Kind>> {
 protected:
  IvfFile() : index_(filled_ivf(std::get<0>(GetParam()), view(normals(kRows * kDim, 1)), std::get<1>(GetParam()))) {
    index_->remove(std::vector<Id>{3, 17, 80, 81, 82});
  }

  std::unique_ptr<IvfIndex> index_;
  const std::vector<float> queries_ = normals(30 * kDim, 2);
};

INSTANTIATE_TEST_SUITE_P(Codes, IvfFile,
                         ::testing::Combine(::testing::Values("IVF5,Flat", "IVF5,Flat,exact=int8", "IVF5,SQ8",
                                                              "IVF5(Flat,dtype=float16),PQ4x4", "IVF5,PQ4x4fs",
                                                              "IVF5,RaBitQ", "IVF3(IVF2,nprobe=2,Flat),Flat"),
                                            ::testing::Values(Metric::l2, Metric::cosine)));

TEST_P(IvfFile, MappedOrReadItAnswersAsBefore) {
  const testing::TempFolder folder;
  const auto path = folder / "index";
  save(*index_, path);
  EXPECT_TRUE(verify_file(path).ok);
  EXPECT_EQ(inspect(path).ntotal, kRows - 5);
  EXPECT_EQ(inspect(path).spec, index_->spec());
  for (const bool mmap : {false, true}) {
    const auto loaded = load(path, {.mmap = mmap});
    EXPECT_TRUE(same(loaded->search(view(queries_), 6), index_->search(view(queries_), 6)));
    EXPECT_TRUE(same(loaded->search(view(queries_).slice(0, 1), 200), index_->search(view(queries_).slice(0, 1), 200)));
    EXPECT_EQ(loaded->ids(), index_->ids());
    EXPECT_EQ(loaded->next_id(), index_->next_id());
    EXPECT_EQ(loaded->stats().mapped_bytes > 0, mmap);
    EXPECT_EQ(to_bytes(*loaded), to_bytes(*index_));
    EXPECT_TRUE(loaded->verify().ok);
  }
}

TEST_P(IvfFile, MayBeChangedAfterItWasLoaded) {
  const testing::TempFolder folder;
  const auto path = folder / "index";
  save(*index_, path);
  const auto bytes = testing::read_file(path);
  const auto more = normals(90 * kDim, 3);
  const auto change = [&](Index& index) {
    index.add(view(more).slice(0, 40));
    index.remove(*select_range(20, 60));
    index.update(std::vector<Id>{0, 100, 160}, view(more).slice(40, 3));
    for (std::size_t i = 43; i < 90; ++i) index.add(view(more).slice(i, 1));
  };
  change(*index_);
  for (const bool mmap : {false, true}) {
    const auto loaded = load(path, {.mmap = mmap});
    change(*loaded);
    EXPECT_EQ(loaded->size(), index_->size());
    EXPECT_TRUE(same(loaded->search(view(queries_), 6), index_->search(view(queries_), 6)));
    EXPECT_EQ(testing::read_file(path), bytes);
    EXPECT_TRUE(loaded->verify().ok);
    EXPECT_TRUE(same(from_bytes(to_bytes(*loaded))->search(view(queries_), 6), loaded->search(view(queries_), 6)));
  }
}

struct Part {
  std::string name;
  std::uint32_t version;
  std::vector<Byte> bytes;
};

std::vector<Part> take_apart(std::span<const Byte> file) {
  const auto container = Container::from_bytes(file);
  std::vector<Part> parts;
  for (const Section& section : container.sections()) {
    parts.push_back({section.name, section.version, testing::copy_of(section.bytes)});
  }
  return parts;
}

std::vector<Byte> put_together(const std::vector<Part>& parts) {
  return write_container_bytes([&](SectionWriter& writer) {
    for (const Part& part : parts) writer.section(part.name, part.version, part.bytes);
  });
}

void put_u64(std::vector<Byte>& bytes, std::size_t at, std::uint64_t value) {
  std::memcpy(bytes.data() + at, &value, sizeof(value));
}

std::uint64_t u64_at(const std::vector<Byte>& bytes, std::size_t at) {
  std::uint64_t value = 0;
  std::memcpy(&value, bytes.data() + at, sizeof(value));
  return value;
}

// Whatever a file says, an index that was made of it can be used, or refuses with an error of its own.
void use(Index& index) try {
  const std::vector<float> query(kDim, 0.5f);
  index.verify();
  index.search(MatrixView(query, kDim), 3);
  index.range_search(MatrixView(query, kDim), 1);
  const std::vector<Id> ids = index.ids();
  index.get(std::span(ids).first(std::min<std::size_t>(2, ids.size())));
  to_bytes(index);
  index.remove(std::span(ids).first(ids.size() / 2));
  index.add(MatrixView(query, kDim));
  index.search(MatrixView(query, kDim), 300);
} catch (const Error& error) {
  EXPECT_NE(error.kind(), Error::io_failure) << error.what();
}

void expect_corrupt(const std::vector<Part>& parts, const std::string& what) {
  try {
    from_bytes(put_together(parts));
    ADD_FAILURE() << what << " is accepted";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), Error::corrupt_file) << what << ": " << error.what();
  }
}

void expect_no_crash(const std::vector<Part>& parts) {
  try {
    const auto index = from_bytes(put_together(parts));
    use(*index);
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), Error::corrupt_file) << error.what();
  }
}

TEST_P(IvfFile, IsRefusedWithoutAnySectionOrWithOneOfOtherLength) {
  const auto good = take_apart(to_bytes(*index_));
  EXPECT_GE(good.size(), 6u);
  EXPECT_EQ(put_together(good), to_bytes(*index_));
  for (std::size_t i = 0; i < good.size(); ++i) {
    auto parts = good;
    parts.erase(parts.begin() + static_cast<std::ptrdiff_t>(i));
    const bool optional = good[i].name.ends_with("shadow");  // shadows without what casts them are left aside
    optional ? expect_no_crash(parts) : expect_corrupt(parts, "without " + good[i].name);
    const std::size_t length = good[i].bytes.size();
    for (const std::size_t other : {std::size_t{0}, length / 2, length - 1, length + 1, length + 64, 2 * length}) {
      if (other == length) continue;
      parts = good;
      parts[i].bytes.resize(other);
      expect_corrupt(parts, good[i].name + " of " + std::to_string(other) + " bytes");
    }
    parts = good;
    parts[i].version += 1;
    expect_error(Error::unsupported, "", [&] { from_bytes(put_together(parts)); });
  }
}

TEST_P(IvfFile, IsRefusedWhenCountsDisagree) {
  const auto good = take_apart(to_bytes(*index_));
  constexpr std::uint64_t kMost = std::numeric_limits<std::uint64_t>::max();
  for (std::size_t i = 0; i < good.size(); ++i) {
    const bool rows = good[i].name == "rows" || good[i].name.ends_with(".rows");
    const bool cells = good[i].name == "cells" || good[i].name.ends_with(".cells");
    if (!rows && !cells) continue;
    const std::size_t numbers = rows ? 4 : good[i].bytes.size() / 8;
    for (std::size_t field = 0; field < numbers; ++field) {
      const std::uint64_t now = u64_at(good[i].bytes, 8 * field);
      for (const std::uint64_t other :
           {std::uint64_t{0}, now - 1, now + 1, 2 * now + 32, now + (std::uint64_t{1} << 61), std::uint64_t{1} << 63,
            kMost / 8 + 2, kMost - 31, kMost}) {
        if (other == now) continue;
        auto parts = good;
        put_u64(parts[i].bytes, 8 * field, other);
        const std::string what = good[i].name + ", number " + std::to_string(field) + " " + std::to_string(other);
        if (cells || field < 2) {
          expect_corrupt(parts, what);
        } else {
          expect_no_crash(parts);  // of ids, the file is believed
        }
      }
    }
    if (!cells) continue;
    for (std::size_t cell = 1; cell < numbers; ++cell) {  // the same sum
      auto parts = good;
      const std::uint64_t first = u64_at(good[i].bytes, 0);
      put_u64(parts[i].bytes, 0, first + 1);
      put_u64(parts[i].bytes, 8 * cell, u64_at(good[i].bytes, 8 * cell) - 1);
      expect_no_crash(parts);
      put_u64(parts[i].bytes, 0, first + (std::uint64_t{1} << 63));
      put_u64(parts[i].bytes, 8 * cell, u64_at(good[i].bytes, 8 * cell) + (std::uint64_t{1} << 63));
      expect_corrupt(parts, "cells whose sum wraps around");
    }
  }
}

TEST_P(IvfFile, MayHoldAnyBytesWithoutACrash) {
  const auto good = take_apart(to_bytes(*index_));
  for (std::size_t i = 0; i < good.size(); ++i) {
    for (std::uint64_t seed = 0; seed < 12; ++seed) {
      auto parts = good;
      const auto noise = testing::noise(good[i].bytes.size(), seed);
      const std::size_t first = seed < 4 ? 0 : noise[0] * noise.size() / 256;
      const std::size_t count = seed < 2 ? noise.size() : std::min<std::size_t>(noise.size() - first, 1 + seed);
      std::copy_n(noise.begin() + static_cast<std::ptrdiff_t>(first), count,
                  parts[i].bytes.begin() + static_cast<std::ptrdiff_t>(first));
      try {
        const auto index = from_bytes(put_together(parts));
        if (index->dim() == kDim) use(*index);
      } catch (const Error& error) {
        EXPECT_TRUE(error.kind() == Error::corrupt_file || error.kind() == Error::unsupported) << error.what();
      }
    }
  }
}

TEST(IvfFileCoarse, IsOfAsManyRowsAsCells) {
  const auto rows = normals(kRows * kDim, 1);
  const auto five = take_apart(to_bytes(*filled_ivf("IVF5,Flat", view(rows))));
  const auto four = take_apart(to_bytes(*filled_ivf("IVF4,Flat", view(rows))));
  auto parts = five;
  for (Part& part : parts) {
    for (const Part& other : four) {
      if (part.name == other.name && part.name.starts_with("coarse.")) part.bytes = other.bytes;
    }
  }
  expect_corrupt(parts, "a coarse index of 4 rows for 5 cells");
}

TEST(IvfFileUntrained, ComesBackUntrained) {
  for (const char* spec : {"IVF5,Flat", "IVF5,PQ4x4", "IVF5(IVF2,Flat),metric=ip,nprobe=2,RaBitQ"}) {
    const auto index = testing::make_ivf(kDim, spec);
    const auto again = from_bytes(to_bytes(*index));
    EXPECT_EQ(again->spec(), spec);
    EXPECT_FALSE(again->is_trained());
    again->train(view(normals(300 * kDim, 1)));
    again->add(view(normals(30 * kDim, 1)));
    EXPECT_EQ(again->size(), 30u);
  }
}

}  // namespace
}  // namespace knear
