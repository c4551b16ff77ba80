// The checks that every index shares, by an index that only remembers what reached it.
#include "knear/index.h"

#include <gtest/gtest.h>

#include <cfenv>
#include <functional>
#include <limits>
#include <new>
#include <stdexcept>

#include "expect_error.h"

namespace knear {
namespace {

class FakeIndex : public Index {
 public:
  explicit FakeIndex(std::size_t dim = 3, Metric metric = Metric::l2) : Index(dim, metric) {}

  DType dtype() const noexcept override { return DType::f32; }
  std::size_t size() const noexcept override { return 0; }
  bool is_trained() const noexcept override { return trained; }
  Id next_id() const override { return 0; }
  std::string spec() const override { return "Fake"; }
  Capabilities capabilities() const override { return {}; }
  IndexStats stats() const override { return {}; }
  Report verify() const override { return {}; }
  void write(SectionWriter&) const override {}
  void read(const Container&) override {}
  void encode_rows(MatrixView, Byte*, const RunOptions&) const override {}
  void decode_codes(const Byte*, std::size_t, float*, const RunOptions&) const override {}

  bool trained = true;
  mutable int calls = 0;
  std::function<void()> inside = [] {};  // runs where a shape would work

 protected:
  void train_rows(MatrixView, const TrainOptions&) override { enter(); }
  std::size_t add_rows(MatrixView rows, const AddOptions&) override { return enter(), rows.rows(); }
  void search_rows(MatrixView, std::size_t k, float* distances, Id* ids, std::size_t* counts,
                   const SearchOptions& options) const override {
    enter();
    std::fill_n(distances, k, 1.0f);
    std::fill_n(ids, k, Id{4});
    if (counts) counts[0] = 1;
    if (options.stats) options.stats->rows_scored += 5;
  }
  RangeNeighbors range_rows(MatrixView, float, const SearchOptions&) const override {
    return enter(), RangeNeighbors{};
  }
  RangeNeighbors rank_rows(MatrixView, std::span<const std::vector<Id>>, std::size_t,
                           const RunOptions&) const override {
    return enter(), RangeNeighbors{};
  }
  bool has_id(Id) const override { return true; }
  std::vector<Id> list_ids() const override { return enter(), std::vector<Id>{}; }
  void get_rows(std::span<const Id> ids, float* rows) const override {
    enter(), std::fill_n(rows, ids.size() * dim(), 2.0f);
  }
  std::size_t remove_selected(const Selector&) override { return enter(), 2; }
  std::size_t remove_ids(std::span<const Id> ids) override { return enter(), ids.size(); }
  void update_rows(std::span<const Id>, MatrixView, const AddOptions&) override { enter(); }
  void merge_rows(const Index&, const MergeOptions&) override { enter(); }
  void remove_all() override { enter(); }

 private:
  void enter() const {
    ++calls;
    inside();
  }
};

AddOptions with_ids(std::span<const Id> ids) {
  AddOptions options;
  options.ids = ids;
  return options;
}

SearchOptions with_filters(std::span<const SelectorPtr> filters) {
  SearchOptions options;
  options.filters = filters;
  return options;
}

SearchOptions with_stats(SearchStats& stats) {
  SearchOptions options;
  options.stats = &stats;
  return options;
}

class IndexTest : public testing::Test {
 protected:
  void expect_refused(Error::Kind kind, const std::string& words, const std::function<void()>& call) {
    const int before = index.calls;
    expect_error(kind, words, call);
    EXPECT_EQ(index.calls, before) << "the shape was reached";
  }

  FakeIndex index;
  std::vector<float> values = std::vector<float>(24);
  MatrixView good{values, 3};  // 8 x 3
  MatrixView bad{values, 4};   // 6 x 4
  MatrixView null{nullptr, DType::f32, 2, 3};
};

TEST_F(IndexTest, HasASensibleNumberOfDimensions) {
  expect_error(Error::invalid_argument, "not 0", [] { FakeIndex(0); });
  expect_error(Error::invalid_argument, "1 to 65536", [] { FakeIndex(kMaxDim + 1); });
  EXPECT_EQ(FakeIndex(kMaxDim).dim(), kMaxDim);
}

TEST_F(IndexTest, HasAValidMetric) {
  expect_error(Error::invalid_argument, "power", [] { FakeIndex(3, Metric(Metric::lp, 0)); });
  expect_error(Error::invalid_argument, "12345", [] { FakeIndex(3, static_cast<Metric::Kind>(12345)); });
  EXPECT_EQ(FakeIndex(3, Metric::cosine).metric(), Metric(Metric::cosine));
}

TEST_F(IndexTest, RefusesRowsOfAnotherDimension) {
  expect_refused(Error::invalid_argument, "rows have 4 dimensions, the index has 3", [&] { index.add(bad); });
  expect_refused(Error::invalid_argument, "rows have 4 dimensions, the index has 3", [&] { index.train(bad); });
  expect_refused(Error::invalid_argument, "queries have 4 dimensions, the index has 3", [&] { index.search(bad, 1); });
  expect_refused(Error::invalid_argument, "queries have 4", [&] { index.range_search(bad, 1); });
  expect_refused(Error::invalid_argument, "rows have 4", [&] { index.update(std::vector<Id>(6), bad); });
  expect_refused(Error::invalid_argument, "null pointer", [&] { index.add(null); });
  expect_refused(Error::invalid_argument, "null pointer", [&] { index.search(null, 1); });
}

TEST_F(IndexTest, DoesNothingWithNoRows) {
  for (const MatrixView none : {MatrixView(), MatrixView(nullptr, DType::f32, 0, 3)}) {
    EXPECT_EQ(index.add(none), 0u);
    const Neighbors found = index.search(none, 5);
    EXPECT_EQ(found.queries, 0u);
    EXPECT_EQ(found.k, 5u);
    EXPECT_EQ(index.range_search(none, 1).limits, std::vector<std::size_t>{0});
    index.update({}, none);
  }
  EXPECT_EQ(index.remove(std::span<const Id>()), 0u);
  EXPECT_EQ(index.get({}).rows(), 0u);
  EXPECT_EQ(index.calls, 0);
  expect_refused(Error::invalid_argument, "4 dimensions", [&] { index.add(MatrixView(nullptr, DType::f32, 0, 4)); });
}

TEST_F(IndexTest, WantsAnIdForEachRow) {
  std::vector<Id> ids = {1, 2, 3};
  expect_refused(Error::invalid_argument, "3 ids for 8 rows", [&] { index.add(good, with_ids(ids)); });
  expect_refused(Error::invalid_argument, "3 ids for 8 rows", [&] { index.update(ids, good); });
  ids.resize(8);
  EXPECT_EQ(index.add(good, with_ids(ids)), 8u);
  ids[5] = kNoId;
  expect_refused(Error::invalid_argument, "position 5", [&] { index.add(good, with_ids(ids)); });
  expect_refused(Error::invalid_argument, "position 5", [&] { index.update(ids, good); });
  ids[5] = -2;
  index.update(ids, good);
  expect_refused(Error::invalid_argument, "options", [&] { index.update(ids, good, with_ids(ids)); });
}

TEST_F(IndexTest, RefusesAKThatCannotBe) {
  constexpr std::size_t most = std::numeric_limits<std::size_t>::max();
  expect_refused(Error::invalid_argument, "k is 0", [&] { index.search(good, 0); });
  expect_refused(Error::invalid_argument, "8 queries x k", [&] { index.search(good, most); });
  expect_refused(Error::invalid_argument, "8 queries x k", [&] { index.search(good, most / 16); });
  expect_refused(Error::out_of_memory, "bytes", [&] { index.search(good, std::size_t{1} << 50); });
}

TEST_F(IndexTest, TakesOneKindOfFilter) {
  const std::vector<SelectorPtr> three(3);
  const std::vector<SelectorPtr> eight(8, select_all());
  expect_refused(Error::invalid_argument, "3 filters for 8 queries",
                 [&] { index.search(good, 1, with_filters(three)); });
  SearchOptions both = with_filters(eight);
  both.filter = select_all();
  expect_refused(Error::invalid_argument, "not both", [&] { index.search(good, 1, both); });
  expect_refused(Error::invalid_argument, "3 filters", [&] { index.range_search(good, 1, with_filters(three)); });
  index.search(good, 1, with_filters(eight));
}

TEST_F(IndexTest, WritesIntoTheCallersMemoryWhenItHasTheSize) {
  std::vector<float> distances(16);
  std::vector<Id> ids(16);
  std::vector<std::size_t> counts(8);
  index.search(good, 2, distances, ids, counts);
  EXPECT_EQ(distances[1], 1.0f);
  EXPECT_EQ(ids[1], 4);
  EXPECT_EQ(counts[0], 1u);
  index.search(good, 2, distances, ids, {});
  expect_refused(Error::invalid_argument, "give 24 results, there is room for 16",
                 [&] { index.search(good, 3, distances, ids, counts); });
  counts.pop_back();
  expect_refused(Error::invalid_argument, "room for 7 counts of 8 queries",
                 [&] { index.search(good, 2, distances, ids, counts); });
}

TEST_F(IndexTest, GivesNeighborsOfTheRightShape) {
  const Neighbors found = index.search(good, 2);
  EXPECT_EQ(found.queries, 8u);
  EXPECT_EQ(found.k, 2u);
  EXPECT_EQ(found.distances.size(), 16u);
  EXPECT_EQ(found.ids.size(), 16u);
  EXPECT_EQ(found.counts.size(), 8u);
}

TEST_F(IndexTest, FillsTheStats) {
  SearchStats stats{.queries = 99, .rows_scored = 99, .rows_reranked = 99, .seconds = -1};
  index.search(good, 2, with_stats(stats));
  EXPECT_EQ(stats.queries, 8u);
  EXPECT_EQ(stats.rows_scored, 5u);
  EXPECT_EQ(stats.rows_reranked, 0u);
  EXPECT_GE(stats.seconds, 0);
  stats.seconds = -1;
  index.range_search(good, 2, with_stats(stats));
  EXPECT_EQ(stats.queries, 8u);
  EXPECT_GE(stats.seconds, 0);
}

TEST_F(IndexTest, RefusesARadiusThatIsNoNumber) {
  expect_refused(Error::invalid_argument, "NaN",
                 [&] { index.range_search(good, std::numeric_limits<float>::quiet_NaN()); });
  index.range_search(good, std::numeric_limits<float>::infinity());
}

TEST_F(IndexTest, WantsTrainingFirst) {
  index.trained = false;
  expect_refused(Error::wrong_state, "add needs a trained index", [&] { index.add(good); });
  expect_refused(Error::wrong_state, "search", [&] { index.search(good, 1); });
  expect_refused(Error::wrong_state, "search", [&] { index.range_search(good, 1); });
  expect_refused(Error::wrong_state, "update", [&] { index.update(std::vector<Id>(8), good); });
  expect_refused(Error::wrong_state, "merge", [&] { index.merge(FakeIndex()); });
  index.train(good);
  EXPECT_EQ(index.calls, 1);
}

TEST_F(IndexTest, MergesOnlyWhatFits) {
  expect_refused(Error::wrong_state, "itself", [&] { index.merge(index); });
  expect_refused(Error::invalid_argument, "4 dimensions, this one has 3", [&] { index.merge(FakeIndex(4)); });
  expect_refused(Error::invalid_argument, "metric ip, this one has l2",
                 [&] { index.merge(FakeIndex(3, Metric::inner_product)); });
  FakeIndex p3(3, {Metric::lp, 3});
  expect_error(Error::invalid_argument, "lp:4, this one has lp:3", [&] { p3.merge(FakeIndex(3, {Metric::lp, 4})); });
  index.merge(FakeIndex(3));
  EXPECT_EQ(index.calls, 1);
}

TEST_F(IndexTest, HandsTheRestOver) {
  EXPECT_TRUE(index.contains(-7));
  EXPECT_FALSE(index.contains(kNoId));
  const std::vector<Id> ids = {5, 6};
  const Matrix rows = index.get(ids);
  EXPECT_EQ(rows.rows(), 2u);
  EXPECT_EQ(rows.dim(), 3u);
  EXPECT_EQ(rows.floats()[5], 2.0f);
  EXPECT_EQ(index.remove(ids), 2u);
  EXPECT_EQ(index.remove(*select_all()), 2u);
  EXPECT_TRUE(index.ids().empty());
  index.clear();
  EXPECT_EQ(index.calls, 5);
}

TEST_F(IndexTest, SaysWhatItRanOutOfMemoryOn) {
  index.inside = [] { throw std::bad_alloc(); };
  expect_error(Error::out_of_memory, "add of 8 x 3 float32", [&] { index.add(good); });
  expect_error(Error::out_of_memory, "search of 8 x 3 float32, k = 2", [&] { index.search(good, 2); });
  index.inside = [] { throw std::length_error("vector"); };
  expect_error(Error::out_of_memory, "range search of 8 x 3 float32", [&] { index.range_search(good, 2); });
}

TEST_F(IndexTest, LetsOtherErrorsThrough) {
  index.inside = [] { throw Error(Error::not_found, "id 5"); };
  expect_error(Error::not_found, "id 5", [&] { index.get(std::vector<Id>{5}); });
}

TEST_F(IndexTest, WorksInThePlainFloatingPointEnvironment) {
  const volatile double ten = 10;
  const volatile double nearest = -1 / ten;  // volatile: not moved across the change of rounding
  volatile double seen = 0;
  index.inside = [&] { seen = -1 / ten; };
  std::fesetround(FE_UPWARD);
  index.add(good);
  const volatile double upward = -1 / ten;
  std::fesetround(FE_TONEAREST);
  EXPECT_EQ(seen, nearest);
  EXPECT_NE(upward, nearest);
}

TEST_F(IndexTest, KeepsTheUsersFacts) {
  EXPECT_TRUE(index.metadata().empty());
  index.set_metadata({{"model", "clip"}});
  EXPECT_EQ(index.metadata().at("model"), "clip");
}

}  // namespace
}  // namespace knear
