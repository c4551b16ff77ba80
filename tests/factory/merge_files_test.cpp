// Files into one file; indexes that share rows; files built part by part.
#include <gtest/gtest.h>

#include <filesystem>

#include "io/io_testing.h"
#include "knear/knear.h"
#include "support/normals.h"

namespace knear {
namespace {

constexpr std::size_t kDim = 16;
constexpr std::size_t kRows = 4000;

std::shared_ptr<Index> trained(std::string_view spec, MatrixView rows, Metric metric = Metric::l2) {
  std::shared_ptr<Index> index = index_factory(rows.dim(), spec, metric);
  if (!index->is_trained()) index->train(rows);
  return index;
}

std::vector<Id> ids_from(Id first, std::size_t count) {
  std::vector<Id> ids(count);
  for (std::size_t i = 0; i < count; ++i) ids[i] = first + static_cast<Id>(i);
  return ids;
}

// Searches agree bit for bit.
void expect_same(const Index& index, const Index& expected, MatrixView queries) {
  SearchOptions options;
  if (expected.spec().find("IVF") != std::string::npos) options.nprobe = 4;
  const Neighbors found = index.search(queries, 10, options);
  const Neighbors wanted = expected.search(queries, 10, options);
  EXPECT_EQ(found.ids, wanted.ids);
  EXPECT_EQ(found.distances, wanted.distances);
}

class MergedFiles : public ::testing::TestWithParam<const char*> {
 protected:
  const std::vector<float> values_ = normals(kRows * kDim, 1);
  const MatrixView rows_{values_, kDim};
  const testing::TempFolder folder_;
};

// Four shards of one training, searched as one, equal one big index.
TEST_P(MergedFiles, FourShardsAreOneBigIndex) {
  const auto big = trained(GetParam(), rows_);
  save(*big, folder_ / "trained");
  std::vector<std::filesystem::path> shards;
  std::vector<std::vector<Byte>> before;
  for (std::size_t s = 0; s < 4; ++s) {
    const auto shard = load(folder_ / "trained");
    shard->add(rows_.slice(s * 1000, 1000), {.ids = ids_from(static_cast<Id>(s) * 1000, 1000)});
    shards.push_back(folder_ / ("shard" + std::to_string(s)));
    save(*shard, shards.back());
    before.push_back(testing::read_file(shards.back()));
  }
  big->add(rows_);
  merge_files(shards, folder_ / "all");
  EXPECT_TRUE(verify_file(folder_ / "all").ok);
  const auto merged = load(folder_ / "all");
  EXPECT_EQ(merged->size(), kRows);
  EXPECT_EQ(merged->next_id(), static_cast<Id>(kRows));
  EXPECT_EQ(merged->spec(), big->spec());
  expect_same(*merged, *big, rows_.slice(0, 300));
  EXPECT_EQ(inspect(folder_ / "all").ntotal, kRows);
  for (std::size_t s = 0; s < 4; ++s) EXPECT_EQ(testing::read_file(shards[s]), before[s]) << "the source changed";
  EXPECT_EQ(folder_.names().size(), 6u);
}

TEST_P(MergedFiles, IdsShiftOrClashOrGiveWay) {
  const auto one = trained(GetParam(), rows_);
  save(*one, folder_ / "trained");
  one->add(rows_.slice(0, 500), {.ids = ids_from(100, 500)});
  save(*one, folder_ / "one");
  const auto other = load(folder_ / "trained");
  other->add(rows_.slice(500, 500), {.ids = ids_from(300, 500)});
  const std::vector<Id> gone = ids_from(300, 7);
  other->remove(gone);
  save(*other, folder_ / "other");
  const std::vector<std::filesystem::path> files = {folder_ / "one", folder_ / "other"};
  try {
    merge_files(files, folder_ / "clash");
    FAIL() << "ids 307 to 599 stand in both";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), Error::duplicate_id) << error.what();
  }
  EXPECT_FALSE(std::filesystem::exists(folder_ / "clash"));

  const MergeOptions choices[] = {
      {.ids = MergeIds::shift}, {.on_duplicate = OnDuplicate::replace}, {.on_duplicate = OnDuplicate::allow}};
  for (const MergeOptions& options : choices) {
    merge_files(files, folder_ / "all", options);
    const auto merged = load(folder_ / "all");
    EXPECT_TRUE(verify_file(folder_ / "all").ok);
    const auto expected = load(folder_ / "one");
    expected->merge(*other, options);
    std::vector<Id> ids = merged->ids();
    std::vector<Id> expected_ids = expected->ids();
    std::sort(ids.begin(), ids.end());
    std::sort(expected_ids.begin(), expected_ids.end());
    EXPECT_EQ(ids, expected_ids);
    EXPECT_EQ(merged->next_id(), expected->next_id());
    expect_same(*merged, *expected, rows_.slice(0, 100));
  }
}

TEST_P(MergedFiles, AnEmptyIndexSharesRowsUntilItChanges) {
  const auto other = trained(GetParam(), rows_);
  save(*other, folder_ / "trained");
  other->add(rows_.slice(0, 999));
  save(*other, folder_ / "other");
  const auto mapped = load(folder_ / "other");
  const auto index = load(folder_ / "trained");
  index->merge(*mapped);
  expect_same(*index, *other, rows_.slice(0, 50));
  const auto also = load(folder_ / "trained");
  also->merge(*other);
  const std::vector<Id> gone = ids_from(5, 100);
  for (Index* each : {index.get(), also.get()}) {
    each->remove(gone);
    each->add(rows_.slice(1000, 77));
    each->update(ids_from(3, 1), rows_.slice(2000, 1));
  }
  expect_same(*index, *also, rows_.slice(0, 50));
  EXPECT_EQ(index->size(), 999u - 100 + 77);
  EXPECT_EQ(other->size(), 999u);
  other->add(rows_.slice(3000, 40));
  expect_same(*index, *also, rows_.slice(0, 50));
  EXPECT_TRUE(index->verify().ok);
  EXPECT_TRUE(also->verify().ok);
  EXPECT_TRUE(other->verify().ok);
}

TEST_P(MergedFiles, AFileBuiltInPartsIsTheIndex) {
  const auto index = trained(GetParam(), rows_);
  save(*index, folder_ / "trained");
  {
    FileBuilder builder(index, folder_ / "built", {.memory_bytes = 20'000});
    for (std::size_t first = 0; first < kRows; first += 400) builder.add(rows_.slice(first, 400));
    EXPECT_GT(builder.parts(), 0u);
    FileBuilder other(load(folder_ / "trained"), folder_ / "built", {.memory_bytes = 20'000});
    EXPECT_THROW(other.add(rows_), Error) << "two builders of one file";
    builder.finish();
    EXPECT_THROW(builder.add(rows_), Error);
    EXPECT_THROW(builder.finish(), Error);
  }
  EXPECT_EQ(folder_.names(), (std::set<std::string>{"built", "trained"}));
  const auto whole = load(folder_ / "trained");
  whole->add(rows_);
  const auto built = load(folder_ / "built");
  EXPECT_EQ(built->size(), kRows);
  EXPECT_TRUE(verify_file(folder_ / "built").ok);
  expect_same(*built, *whole, rows_.slice(0, 200));
}

INSTANTIATE_TEST_SUITE_P(Specs, MergedFiles,
                         ::testing::Values("Flat", "Flat,dtype=float16", "SQ8", "PQ8x4fs", "RaBitQ", "IVF16,Flat",
                                           "IVF16,SQ8", "IVF16,PQ4", "IVF16,PQ8x4fs", "IVF16,RaBitQ2",
                                           "PCA8,IVF16,Flat", "IVF16,PQ8x4fs,RFlat", "PQ4,Refine(SQ8)"),
                         [](const auto& param) {
                           std::string name = param.param;
                           for (char& c : name) c = std::isalnum(static_cast<unsigned char>(c)) ? c : '_';
                           return name;
                         });

class Refused : public ::testing::Test {
 protected:
  std::filesystem::path file(const char* name, std::string_view spec, std::size_t first, std::size_t dim = kDim,
                             Metric metric = Metric::l2) {
    const MatrixView rows(values_, dim);
    const auto index = trained(spec, rows.slice(first, 500), metric);
    index->add(rows.slice(first, 500), {.ids = ids_from(static_cast<Id>(first), 500)});
    save(*index, folder_ / name);
    return folder_ / name;
  }
  void expect_refused(const std::vector<std::filesystem::path>& files, Error::Kind kind) {
    try {
      merge_files(files, folder_ / "all");
      FAIL() << "merged what does not go together";
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), kind) << error.what();
    }
    EXPECT_FALSE(std::filesystem::exists(folder_ / "all"));
  }

  const std::vector<float> values_ = normals(kRows * kDim, 1);
  const MatrixView rows_{values_, kDim};
  const testing::TempFolder folder_;
};

TEST_F(Refused, WhatDoesNotGoTogether) {
  const auto ivf = file("ivf", "IVF16,Flat", 0);
  expect_refused({}, Error::invalid_argument);
  expect_refused({ivf, file("retrained", "IVF16,Flat", 500)}, Error::invalid_argument);
  expect_refused({ivf, file("lists", "IVF8,Flat", 500)}, Error::invalid_argument);
  expect_refused({ivf, file("codec", "IVF16,SQ8", 500)}, Error::invalid_argument);
  expect_refused({ivf, file("shape", "Flat", 500)}, Error::invalid_argument);
  expect_refused({file("pq", "PQ4", 0), file("pq2", "PQ4", 500)}, Error::invalid_argument);
  expect_refused({ivf, file("dim", "IVF16,Flat", 500, 8)}, Error::invalid_argument);
  expect_refused({ivf, file("ip", "IVF16,Flat", 500, kDim, Metric::inner_product)}, Error::invalid_argument);
  expect_refused({ivf, folder_ / "nowhere"}, Error::io_failure);
  std::filesystem::resize_file(folder_ / "lists", 5000);
  expect_refused({ivf, folder_ / "lists"}, Error::corrupt_file);
}

TEST_F(Refused, OneFileAndEmptyFilesMerge) {
  const auto ivf = file("ivf", "IVF16,Flat", 0);
  merge_files(std::vector{ivf}, folder_ / "all");
  EXPECT_EQ(testing::read_file(folder_ / "all"), testing::read_file(ivf));
  const auto empty = load(ivf);
  empty->clear();
  save(*empty, folder_ / "empty");
  merge_files(std::vector{folder_ / "empty", ivf, folder_ / "empty"}, folder_ / "all");
  EXPECT_EQ(load(folder_ / "all")->size(), 500u);
  merge_files(std::vector{folder_ / "empty", folder_ / "empty"}, folder_ / "all");
  EXPECT_EQ(load(folder_ / "all")->size(), 0u);
  merge_files(std::vector{folder_ / "all", ivf}, folder_ / "all");
  EXPECT_EQ(load(folder_ / "all")->size(), 500u) << "a part may be the target";
}

// Each shard has shadows of its own; those of the first serve all.
TEST_F(Refused, ShadowsOfOneShardServeAll) {
  constexpr std::size_t kWide = 64;
  const std::vector<float> values = normals(24'000 * kWide, 3);
  const MatrixView rows(values, kWide);
  for (const char* spec : {"Flat,exact=int8", "IVF8,Flat,exact=int8"}) {
    const auto big = trained(spec, rows.slice(0, 2000));
    save(*big, folder_ / "trained");
    big->add(rows);
    std::vector<std::filesystem::path> shards;
    for (std::size_t s = 0; s < 2; ++s) {
      const auto shard = load(folder_ / "trained");
      shard->add(rows.slice(s * 12'000, 12'000), {.ids = ids_from(static_cast<Id>(s) * 12'000, 12'000)});
      EXPECT_GT(shard->stats().shadow_bytes, 0u);
      shards.push_back(folder_ / std::to_string(s));
      save(*shard, shards.back());
    }
    merge_files(shards, folder_ / "all");
    const auto merged = load(folder_ / "all");
    EXPECT_GT(merged->stats().shadow_bytes, 0u);
    EXPECT_TRUE(merged->verify().ok);
    expect_same(*merged, *big, rows.slice(0, 100));
  }
}

TEST_F(Refused, BuildersWantATrainedAndEmptyIndex) {
  EXPECT_THROW(FileBuilder(index_factory(kDim, "IVF16,Flat"), folder_ / "x"), Error);
  const auto full = trained("Flat", rows_);
  full->add(rows_);
  EXPECT_THROW(FileBuilder(full, folder_ / "x"), Error);
  EXPECT_THROW(FileBuilder(nullptr, folder_ / "x"), Error);
  const auto index = trained("Flat", rows_);
  FileBuilder builder(index, folder_ / "x");
  builder.finish();
  EXPECT_EQ(load(folder_ / "x")->size(), 0u);
}

TEST_F(Refused, AnIdInTwoPartsIsFoundAtTheEnd) {
  const auto index = trained("Flat", rows_);
  FileBuilder builder(index, folder_ / "x", {.memory_bytes = 50'000});
  builder.add(rows_.slice(0, 2000));
  builder.add(rows_.slice(2000, 10), {.ids = ids_from(7, 10)});
  EXPECT_THROW(builder.finish(), Error);
  EXPECT_FALSE(std::filesystem::exists(folder_ / "x"));
}

}  // namespace
}  // namespace knear
