#include <gtest/gtest.h>

#include <atomic>
#include <set>
#include <thread>

#include "../core/expect_error.h"
#include "support/reference.h"
#include "testing.h"

namespace knear {
namespace {

constexpr std::size_t kDim = 16;

class RefineTest : public testing::Test {
 protected:
  std::unique_ptr<Index> filled(const std::string& spec) const {
    auto index = index_factory(kDim, spec);
    index->train(rows);
    index->add(rows);
    return index;
  }
  double recall_of(const Neighbors& found) const {
    const Neighbors truth = knn(queries, rows, found.k);
    return recall(found.ids, found.k, truth.ids, truth.k, found.k);
  }

  std::vector<float> values = gaussian(3000, kDim, 1);
  std::vector<float> query_values = gaussian(50, kDim, 2);
  MatrixView rows{values, kDim};
  MatrixView queries{query_values, kDim};
};

TEST_F(RefineTest, FindsMoreWithMoreCandidates) {
  const auto base = filled("PCA8,Flat");
  const auto index = filled("PCA8,Flat,RFlat");
  double before = recall_of(base->search(queries, 10));
  for (const float k_factor : {1.0f, 2.0f, 4.0f, 16.0f, 300.0f}) {
    const Neighbors found = index->search(queries, 10, {.k_factor = k_factor});
    EXPECT_GE(recall_of(found), before) << k_factor;
    before = recall_of(found);
  }
  EXPECT_EQ(before, 1);
  const Neighbors by_default = index->search(queries, 10);
  EXPECT_EQ(by_default.ids, index->search(queries, 10, {.k_factor = 4}).ids);
}

TEST_F(RefineTest, SmallCodesFindTheNeighboursWithTheirRows) {
  const auto index = filled("OPQ8_16,bits=4,PQ8x4fs,RFlat");
  EXPECT_GE(recall_of(index->search(queries, 10, {.k_factor = 20})), 0.97);
  const auto codes = index->encode(queries);
  EXPECT_EQ(codes.size(), 50 * index->code_bytes());
  const Matrix decoded = index->decode(codes);
  EXPECT_TRUE(std::equal(query_values.begin(), query_values.end(), decoded.floats()));
}

TEST_F(RefineTest, DistancesAreTheFinerOnes) {
  const auto index = filled("PCA8,Flat,RFlat");
  const Neighbors found = index->search(queries, 10);
  for (std::size_t i = 0; i < found.ids.size(); ++i) {
    const auto id = static_cast<std::size_t>(found.ids[i]);
    const double expected = reference_distance(Metric::l2, &query_values[i / 10 * kDim], &values[id * kDim], kDim);
    EXPECT_EQ(found.distances[i], static_cast<float>(expected));
  }
  SearchStats stats;
  index->search(queries, 10, {.stats = &stats});
  EXPECT_EQ(stats.queries, 50u);
  EXPECT_EQ(stats.rows_scored, 150000u);
  EXPECT_GE(stats.rows_reranked, 2000u);
}

// Only its ranks are wanted of the finer index: what its searches would need takes no memory.
TEST_F(RefineTest, TheFinerIndexCastsNoShadows) {
  const auto many = gaussian(5000, kDim, 3);
  const auto fine = std::shared_ptr<Index>(index_factory(kDim, "Flat"));
  RefineIndex index(index_factory(kDim, "SQ4"), fine, 2);
  index.train({many, kDim});
  index.add({many, kDim});
  EXPECT_EQ(fine->size(), 5000u);
  EXPECT_EQ(fine->stats().shadow_bytes, 0u);
}

TEST_F(RefineTest, KFactorHasLimits) {
  const auto index = filled("Flat,RFlat");
  for (const float k_factor : {0.5f, -1.0f, 1e6f, std::numeric_limits<float>::quiet_NaN()}) {
    expect_error(Error::invalid_argument, "k_factor", [&] { index->search(queries, 3, {.k_factor = k_factor}); });
  }
  expect_error(Error::invalid_argument, "k_factor", [] { index_factory(4, "Flat,RFlat,k_factor=0"); });
  EXPECT_EQ(filled("Flat,RFlat,k_factor=2.5")->spec(), "Flat,RFlat,k_factor=2.5");
  EXPECT_EQ(filled("Flat,RFlat,k_factor=4")->spec(), "Flat,RFlat");
}

TEST_F(RefineTest, AFilterHoldsForTheCandidates) {
  const auto index = filled("PCA8,Flat,RFlat");
  const Neighbors found = index->search(queries, 10, {.filter = select_range(100, 120)});
  for (const Id id : found.ids) EXPECT_TRUE(id >= 100 && id < 120);
}

TEST_F(RefineTest, RanksAnyRowsByTheFinerDistance) {
  const auto index = filled("PCA8,Flat,RFlat");
  const std::vector<std::vector<Id>> candidates{{7, 5, 5, 99999, 6}, {}, {-1}};
  const RangeNeighbors ranked = index->rank(queries.slice(0, 3), candidates, 2);
  EXPECT_EQ(ranked.limits, (std::vector<std::size_t>{0, 2, 2, 2}));
  const Neighbors expected = index->search(queries.slice(0, 1), 2, {.filter = select_range(5, 8)});
  EXPECT_EQ(ranked.ids, expected.ids);
  EXPECT_EQ(ranked.distances, expected.distances);
  expect_error(Error::invalid_argument, "1 lists of candidates for 3",
               [&] { index->rank(queries.slice(0, 3), std::span(candidates).first(1), 2); });
  expect_error(Error::invalid_argument, "at least 1", [&] { index->rank(queries.slice(0, 3), candidates, 0); });
}

TEST_F(RefineTest, AnAddThatFailsInTheSecondHalfChangesNothing) {
  const auto index = filled("PCA8,Flat,RFlat");
  const auto before = to_bytes(*index);
  AddOptions failing;
  failing.on_commit = [] { throw Error(Error::io_failure, "no"); };
  for (const OnDuplicate policy : {OnDuplicate::error, OnDuplicate::replace, OnDuplicate::allow}) {
    std::vector<Id> ids{1, 2, 9000};
    if (policy == OnDuplicate::error) ids = {9000, 9001, 9002};
    failing.on_duplicate = policy;
    failing.ids = ids;
    expect_error(Error::io_failure, "no", [&] { index->add(queries.slice(0, 3), failing); });
    EXPECT_EQ(to_bytes(*index), before);
  }
  failing.ids = {};
  failing.on_duplicate = OnDuplicate::error;
  const std::vector<Id> two{5, 6};
  expect_error(Error::io_failure, "no", [&] { index->update(two, queries.slice(0, 2), failing); });
  const std::vector<Id> unknown{5, 99999};
  expect_error(Error::not_found, "99999", [&] { index->update(unknown, queries.slice(0, 2)); });
  const std::vector<Id> taken{3};
  expect_error(Error::duplicate_id, "3", [&] { index->add(queries.slice(0, 1), {.ids = taken}); });
  const auto other = filled("PCA8,Flat,RFlat");
  MergeOptions merge;
  merge.ids = MergeIds::shift;
  merge.on_commit = failing.on_commit;
  expect_error(Error::io_failure, "no", [&] { index->merge(*other, merge); });
  expect_error(Error::duplicate_id, "", [&] { index->merge(*other); });
  EXPECT_EQ(to_bytes(*index), before);
  EXPECT_TRUE(index->verify().ok);
}

TEST_F(RefineTest, OnCommitComesOnceWhenNothingElseCanFail) {
  const auto index = filled("PCA8,Flat,RFlat");
  int calls = 0;
  AddOptions options;
  options.on_commit = [&] {
    ++calls;
    EXPECT_EQ(index->size(), 3000u) << "not yet to be seen";
  };
  index->add(queries, options);
  EXPECT_EQ(calls, 1);
  EXPECT_EQ(index->size(), 3050u);
}

TEST_F(RefineTest, BothHalvesFollowEveryChange) {
  const auto index = filled("PCA8,Flat,RFlat");
  std::vector<float> some = query_values;
  some[3] = std::numeric_limits<float>::quiet_NaN();
  EXPECT_EQ(index->add(MatrixView(some, kDim), {.nan_policy = NanPolicy::skip}), 49u);
  expect_error(Error::invalid_argument, "row 0", [&] { index->add(MatrixView(some, kDim)); });
  EXPECT_EQ(index->remove(*select_if([](Id id) { return id % 3 == 0; })), 1017u);
  const std::vector<Id> ids{1, 2, 4, 100000};
  index->add(queries.slice(0, 4), {.ids = ids, .on_duplicate = OnDuplicate::replace});
  EXPECT_TRUE(index->verify().ok) << index->verify().problems.front();
  EXPECT_EQ(index->next_id(), 100001);
  EXPECT_EQ(index->search(queries.slice(2, 1), 1).ids.front(), 4);
  index->clear();
  EXPECT_EQ(index->size(), 0u);
  EXPECT_TRUE(index->verify().ok);
}

TEST_F(RefineTest, PartsThatDoNotFitAreRefused) {
  expect_error(Error::invalid_argument, "16 dimensions",
               [] { IndexRefine(index_factory(16, "Flat"), index_factory(15, "Flat")); });
  expect_error(Error::invalid_argument, "metric",
               [] { IndexRefine(index_factory(16, "Flat"), index_factory(16, "Flat", Metric::cosine)); });
  expect_error(Error::invalid_argument, "ranks again already",
               [] { IndexRefine(index_factory(16, "Flat,RFlat"), index_factory(16, "Flat")); });
  expect_error(Error::invalid_argument, "3000 rows", [&] { IndexRefineFlat(filled("Flat")); });
  EXPECT_EQ(IndexRefineFlat(index_factory(16, "PCA4,Flat")).spec(), "PCA4,Flat,RFlat");
}

TEST_F(RefineTest, AFileWhosePartsDisagreeIsReported) {
  auto base = index_factory(kDim, "Flat");
  auto fine = index_factory(kDim, "Flat");
  base->add(rows);
  fine->add(rows);
  IndexRefine index(std::move(base), std::move(fine));
  const std::vector<Id> some{1, 2};
  const_cast<Index&>(index.base()).remove(some);
  EXPECT_FALSE(index.verify().ok);
  EXPECT_EQ(index.search(queries, 5).counts.front(), 5u);
}

TEST_F(RefineTest, NestsAndComesBackFromBytes) {
  for (const char* spec : {"PCA4,Flat,Refine(PCA8,Flat,RFlat)", "Flat,Refine(RR,Flat),k_factor=1.5"}) {
    const auto index = filled(spec);
    EXPECT_EQ(index->spec(), spec);
    const auto bytes = to_bytes(*index);
    const auto again = from_bytes(bytes);
    EXPECT_EQ(again->spec(), spec);
    EXPECT_EQ(again->search(queries, 5).ids, index->search(queries, 5).ids);
    EXPECT_EQ(to_bytes(*again), bytes);
    EXPECT_TRUE(again->verify().ok);
  }
}

TEST_F(RefineTest, SearchesAreFullWhileAllRowsAreReplacedAgainAndAgain) {
  const auto index = filled("PCA8,Flat,RFlat");
  std::atomic<bool> stop = false;
  std::atomic<int> searches = 0;
  std::vector<std::jthread> readers;
  for (int t = 0; t < 2; ++t) {
    readers.emplace_back([&] {
      while (!stop) {
        const Neighbors found = index->search(queries, 10);
        for (std::size_t q = 0; q < 50; ++q) ASSERT_EQ(found.counts[q], 10u);
        ++searches;
      }
    });
  }
  for (int round = 0; round < 30 || searches < 6; ++round) {
    const std::vector<Id> old = index->ids();
    index->add(rows.slice(0, 1000));
    index->remove(std::span(old).first(1000));
  }
  stop = true;
}

TEST(RefineIndex, SharesItsPartsAndItsKFactorChanges) {
  const auto rows = gaussian(300, 16, 3);
  const std::shared_ptr<Index> base = index_factory(16, "SQ4");
  base->train({rows, 16});
  auto index = std::make_unique<IndexRefineFlat>(base);
  index->add({rows, 16});
  EXPECT_EQ(base->size(), 300u);
  EXPECT_EQ(index->share_base(), base);
  index->set_k_factor(7);
  EXPECT_EQ(index->spec(), "SQ4,RFlat,k_factor=7");
  expect_error(Error::invalid_argument, "k_factor", [&] { index->set_k_factor(0); });
  index.reset();
  EXPECT_EQ(base->search({rows, 16}, 1).counts.size(), 300u);
  expect_error(Error::invalid_argument, "same object", [&] { IndexRefine(base, base); });
}

TEST(RefineIndex, OnlyItTakesAKFactor) {
  const auto rows = gaussian(9, 16, 3);
  for (const char* spec : {"Flat", "HR,Flat"}) {
    const auto index = index_factory(16, spec);
    index->add({rows, 16});
    expect_error(Error::invalid_argument, "not for Flat", [&] { index->search({rows, 16}, 1, {.k_factor = 4}); });
    expect_error(Error::invalid_argument, "not for Flat", [&] { index->range_search({rows, 16}, 1, {.k_factor = 4}); });
  }
  const auto index = index_factory(16, "Flat,RFlat");
  index->add({rows, 16});
  EXPECT_EQ(index->range_search({rows, 16}, 1e-3f, {.k_factor = 4}).ids.size(), 9u);
}

}  // namespace
}  // namespace knear
