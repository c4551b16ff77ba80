// Exact search that looks at shadows first, as an index: whatever happened to the rows, what is found is what a float64
// loop finds.
#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cstdint>
#include <filesystem>
#include <limits>
#include <memory>
#include <vector>

#include "knear/io.h"
#include "knear/knn.h"
#include "knear/spec.h"
#include "support/hard_rows.h"
#include "support/reference.h"

namespace knear {
namespace {

constexpr std::size_t kDim = 24;

std::unique_ptr<Index> index_of(std::string_view spec, MatrixView rows, Metric metric = Metric::l2) {
  auto index = index_factory(rows.dim(), spec, metric);
  index->add(rows);
  return index;
}

void expect_same(const Neighbors& found, const Neighbors& truth) {
  EXPECT_EQ(found.ids, truth.ids);
  ASSERT_EQ(found.distances.size(), truth.distances.size());
  constexpr float kMost = std::numeric_limits<float>::max();
  for (std::size_t i = 0; i < truth.distances.size(); ++i) {
    // What float32 cannot hold is shown as its largest number, so that it stays apart from what is missing.
    const float expected = truth.ids[i] == kNoId ? truth.distances[i] : std::clamp(truth.distances[i], -kMost, kMost);
    ASSERT_EQ(std::bit_cast<std::uint32_t>(found.distances[i]), std::bit_cast<std::uint32_t>(expected))
        << "place " << i << ": " << found.distances[i] << ", not " << expected;
  }
}

void expect_exact(const Index& index, MatrixView queries, std::size_t k) {
  expect_same(index.search(queries, k), reference_knn(index, queries, k));
}

class CertifiedTest : public testing::TestWithParam<std::tuple<Metric::Kind, int>> {};

TEST_P(CertifiedTest, FindsWhatAFloat64LoopFinds) {
  const auto [metric, kind] = GetParam();
  for (const std::size_t dim : std::initializer_list<std::size_t>{1, 5, 40}) {
    const auto rows = hard_rows(kind, 700, dim, 1);
    const auto index = index_of("Flat,exact=int8", MatrixView(rows, dim), metric);
    ASSERT_GT(index->stats().shadow_bytes, 0u);
    for (const std::size_t count : std::initializer_list<std::size_t>{1, 17, 40}) {
      auto queries = hard_rows(kind, count, dim, 2);
      std::copy_n(rows.data() + 3 * dim, dim, queries.data());  // one of them a row
      for (const std::size_t k : std::initializer_list<std::size_t>{1, 10, 800})
        expect_exact(*index, MatrixView(queries, dim), k);
    }
  }
}

TEST_P(CertifiedTest, FindsTheSameWithinARadius) {
  const auto [metric, kind] = GetParam();
  const auto rows = hard_rows(kind, 500, kDim, 1);
  const auto queries = hard_rows(kind, 20, kDim, 2);
  const auto certified = index_of("Flat,exact=int8", MatrixView(rows, kDim), metric);
  const auto plain = index_of("Flat,exact=fp32", MatrixView(rows, kDim), metric);
  const Neighbors near = plain->search(MatrixView(queries, kDim), 40);
  for (const std::size_t place : std::initializer_list<std::size_t>{0, 20, 39}) {
    const RangeNeighbors found = certified->range_search(MatrixView(queries, kDim), near.distances[place]);
    const RangeNeighbors truth = plain->range_search(MatrixView(queries, kDim), near.distances[place]);
    EXPECT_EQ(found.limits, truth.limits);
    EXPECT_EQ(found.ids, truth.ids);
    EXPECT_EQ(found.distances, truth.distances);
  }
}

INSTANTIATE_TEST_SUITE_P(HardData, CertifiedTest,
                         testing::Combine(testing::Values(Metric::l2, Metric::inner_product, Metric::cosine),
                                          testing::Range(0, kHardKinds)));

// Shadows come when rows are many enough, and stay with the rows from then on.
TEST(Certified, FollowsTheRows) {
  const auto rows = hard_rows(0, 5200, kDim, 1);
  const auto queries = hard_rows(0, 30, kDim, 2);
  const MatrixView all(rows, kDim);
  const MatrixView some(queries, kDim);
  const auto index = index_factory(kDim, "Flat");
  index->add(all.slice(0, 3000));
  EXPECT_EQ(index->stats().shadow_bytes, 0u);
  expect_exact(*index, some, 7);
  index->add(all.slice(3000, 1300));
  const std::size_t expected = index_of("Flat,exact=int8", all)->stats().shadow_bytes;
  if (index->stats().shadow_bytes == 0) GTEST_SKIP() << "shadows do not pay with these kernels";
  EXPECT_EQ(index->stats().shadow_bytes, expected);
  expect_exact(*index, some, 7);
  for (std::size_t i = 4300; i < 4400; ++i) index->add(all.slice(i, 1));
  index->add(all.slice(4400, 800));
  expect_exact(*index, some, 7);
  index->remove(*select_range(100, 900));
  expect_exact(*index, some, 7);
  index->remove(*select_range(900, 3100));  // chunks are rewritten
  expect_exact(*index, some, 7);
  std::vector<Id> changed;
  for (Id id = 3200; id < 3300; ++id) changed.push_back(id);
  index->update(changed, all.slice(0, 100));
  expect_exact(*index, some, 7);
  const auto other = index_of("Flat", all);
  index->merge(*other, {.ids = MergeIds::shift});
  expect_exact(*index, some, 7);
  EXPECT_TRUE(index->verify().ok);
}

TEST(Certified, TakesFilters) {
  const auto rows = hard_rows(0, 3000, kDim, 1);
  const auto queries = hard_rows(0, 25, kDim, 2);
  const auto index = index_of("Flat,exact=int8", MatrixView(rows, kDim));
  for (const SelectorPtr& filter : {select_range(10, 2900), select_range(50, 60), select_not(select_range(5, 2995))}) {
    const Neighbors truth = reference_knn(*index, MatrixView(queries, kDim), 9, filter.get());
    expect_same(index->search(MatrixView(queries, kDim), 9, {.filter = filter}), truth);
  }
}

TEST(Certified, KeepsShadowsInFiles) {
  const auto rows = hard_rows(9, 1500, kDim, 1);
  const auto queries = hard_rows(9, 25, kDim, 2);
  const auto index = index_of("Flat,exact=int8", MatrixView(rows, kDim));
  index->remove(*select_range(20, 30));
  const auto path = std::filesystem::path(testing::TempDir()) / "certified.knear";
  save(*index, path);
  for (const bool mapped : {false, true}) {
    const auto loaded = load(path, {.mmap = mapped});
    EXPECT_EQ(loaded->spec(), "Flat,exact=int8");
    EXPECT_EQ(loaded->stats().shadow_bytes, index->stats().shadow_bytes);
    expect_exact(*loaded, MatrixView(queries, kDim), 6);
    loaded->add(MatrixView(queries, kDim));
    expect_exact(*loaded, MatrixView(queries, kDim), 6);
    EXPECT_EQ(to_bytes(*load(path, {.mmap = mapped})), to_bytes(*index));
  }
  std::filesystem::remove(path);
}

TEST(Certified, IsTheSameForAnyBatchAndThreads) {
  const auto rows = hard_rows(0, 6000, kDim, 1);
  const auto queries = hard_rows(0, 300, kDim, 2);
  const auto index = index_of("Flat,exact=int8", MatrixView(rows, kDim));
  const Neighbors truth = index->search(MatrixView(queries, kDim), 12);
  for (const unsigned threads : {1u, 2u, 5u}) {
    SearchOptions options;
    options.run.num_threads = threads;
    expect_same(index->search(MatrixView(queries, kDim), 12, options), truth);
    for (std::size_t q : {0u, 150u, 299u}) {
      const Neighbors one = index->search(MatrixView(queries, kDim).slice(q, 1), 12, options);
      EXPECT_TRUE(std::equal(one.ids.begin(), one.ids.end(), truth.ids.begin() + static_cast<std::ptrdiff_t>(12 * q)));
    }
  }
}

TEST(Certified, SearchesWithoutAnIndex) {
  const auto rows = hard_rows(0, 4500, kDim, 1);
  const auto queries = hard_rows(0, 200, kDim, 2);
  const auto index = index_of("Flat,exact=fp32", MatrixView(rows, kDim));
  expect_same(knn(MatrixView(queries, kDim), MatrixView(rows, kDim), 5),
              reference_knn(*index, MatrixView(queries, kDim), 5));
}

TEST(Certified, IsNamedInTheSpec) {
  for (const char* spec : {"Flat", "Flat,exact=int8", "Flat,exact=fp32", "Flat,dtype=float16,exact=int8"})
    EXPECT_EQ(index_factory(8, spec)->spec(), spec);
  EXPECT_EQ(index_factory(8, "Flat,exact=auto")->spec(), "Flat");
  EXPECT_THROW(index_factory(8, "Flat,exact=int4"), Error);
}

}  // namespace
}  // namespace knear
