// The contract over every composition: each promise is one test, run for each factory string and metric.
#include "grid/compositions.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <limits>
#include <set>
#include <thread>

#include "core/rng.h"
#include "support/reference.h"

namespace knear {
namespace {

class Grid : public testing::TestWithParam<Composition> {
 protected:
  Metric metric() const { return GetParam().metric; }
  std::size_t dim() const { return GetParam().dim; }
  // Empty and trained, always by the same rows.
  std::unique_ptr<Index> make() const {
    auto index = index_factory(dim(), GetParam().spec, metric());
    if (!index->is_trained()) index->train(MatrixView(data(2000, 99), dim()));
    return index;
  }
  // Values that every metric and stored type takes: small whole numbers, or shares of one for the rare metrics.
  std::vector<float> data(std::size_t rows, std::uint64_t seed) const {
    Rng rng(seed);
    std::vector<float> values(rows * dim());
    const bool shares = metric() == Metric::gower || metric() == Metric::jensen_shannon;
    for (float& v : values) v = static_cast<float>(rng.below(100)) / (shares ? 128.0f : 1.0f);
    return values;
  }
  // The rows as an index keeps them.
  std::vector<float> stored(const std::vector<float>& rows) const {
    auto index = make();
    index->add(MatrixView(rows, dim()));
    std::vector<Id> ids = index->ids();
    std::sort(ids.begin(), ids.end());
    const Matrix kept = index->get(ids);
    return {kept.floats(), kept.floats() + rows.size()};
  }
  std::unique_ptr<Index> filled(std::size_t rows) const {
    auto index = make();
    index->add(MatrixView(data(rows, 1), dim()));
    return index;
  }
  // The right answer to a search, found the slow way.
  Neighbors expected_knn(const Index& index, MatrixView queries, std::size_t k,
                         const Selector* selector = nullptr) const {
    if (const auto* behind = dynamic_cast<const PreTransformIndex*>(&index)) {
      return expected_knn(behind->inner(), behind->images(queries), k, selector);
    }
    const bool of_codes = GetParam().distances == Distances::of_codes;
    return (of_codes ? reference_knn_of_codes : reference_knn)(index, queries, k, selector);
  }
};

INSTANTIATE_TEST_SUITE_P(All, Grid, testing::ValuesIn(compositions()), printed);

TEST_P(Grid, FindsWhatALoopInFloat64Finds) {
  const auto base = data(700, 1);
  const auto queries = data(40, 2);
  const auto index = filled(700);
  const Neighbors found = index->search(MatrixView(queries, dim()), 10);
  const Neighbors expected = expected_knn(*index, MatrixView(queries, dim()), 10);
  EXPECT_EQ(found.ids, expected.ids);
  EXPECT_EQ(found.distances, expected.distances);
}

TEST_P(Grid, KeepsExactRowsAsTheyAre) {
  const auto index = filled(50);
  const auto rows = data(50, 1);
  if (!index->capabilities().exact) GTEST_SKIP() << "a codec that rounds";
  EXPECT_EQ(stored(rows), rows);
}

TEST_P(Grid, GivesTheSameBitsForAnyBatchAndThreadCount) {
  const auto index = filled(1000);
  const auto queries = data(513, 3);
  const Neighbors whole = index->search(MatrixView(queries, dim()), 7);
  for (const std::size_t batch : std::initializer_list<std::size_t>{1, 2, 8, 9, 16, 17, 19, 20, 21, 512}) {
    for (const std::size_t threads : std::initializer_list<std::size_t>{1, 3}) {
      SearchOptions options;
      options.run.num_threads = threads;
      for (std::size_t first = 0; first < 513; first += batch) {
        if (batch < 8 && first > 64) break;
        const std::size_t count = std::min<std::size_t>(batch, 513 - first);
        const Neighbors part = index->search(MatrixView(queries, dim()).slice(first, count), 7, options);
        ASSERT_TRUE(std::equal(part.ids.begin(), part.ids.end(), whole.ids.begin() + static_cast<long>(first * 7)))
            << "batch " << batch << ", threads " << threads << ", first " << first;
        ASSERT_TRUE(std::equal(part.distances.begin(), part.distances.end(),
                               whole.distances.begin() + static_cast<long>(first * 7)));
      }
    }
  }
}

TEST_P(Grid, PadsWhenKIsLargerThanTheIndex) {
  for (const std::size_t rows : std::initializer_list<std::size_t>{0, 1, 2, 3}) {
    const auto index = filled(rows);
    const Neighbors found = index->search(MatrixView(data(2, 5), dim()), 5);
    for (std::size_t q = 0; q < 2; ++q) {
      EXPECT_EQ(found.counts[q], rows);
      for (std::size_t i = rows; i < 5; ++i) {
        EXPECT_EQ(found.ids[q * 5 + i], kNoId);
        EXPECT_EQ(found.distances[q * 5 + i], worst_value(metric()));
      }
    }
  }
}

TEST_P(Grid, RangeSearchAgreesWithSearch) {
  const auto index = filled(500);
  const auto queries = data(9, 6);
  const Neighbors all = index->search(MatrixView(queries, dim()), 500);
  const float radius = all.distances[50];
  const RangeNeighbors range = index->range_search(MatrixView(queries, dim()), radius);
  for (std::size_t q = 0; q < 9; ++q) {
    std::vector<Id> expected;
    for (std::size_t i = 0; i < all.counts[q]; ++i) {
      const float distance = all.distances[q * 500 + i];
      if (larger_is_closer(metric()) ? distance > radius : distance < radius) expected.push_back(all.ids[q * 500 + i]);
    }
    const std::vector<Id> found(range.ids.begin() + static_cast<long>(range.limits[q]),
                                range.ids.begin() + static_cast<long>(range.limits[q + 1]));
    EXPECT_EQ(found, expected) << "query " << q;
  }
}

TEST_P(Grid, FiltersFillKAndAgreeWithAFilteredLoop) {
  const auto index = filled(600);
  const auto queries = data(20, 7);
  std::vector<Id> few{3, 77, 400, 401, 599};
  std::vector<Id> half;
  for (Id id = 0; id < 600; id += 2) half.push_back(id);
  const std::vector<SelectorPtr> selectors{select_array(few),
                                           select_batch(half),
                                           select_range(100, 117),
                                           select_not(select_batch(half)),
                                           select_and(select_batch(half), select_range(0, 50)),
                                           select_if([](Id id) { return id % 7 == 0; }),
                                           select_range(5, 5),
                                           select_all()};
  for (const SelectorPtr& selector : selectors) {
    const Neighbors found = index->search(MatrixView(queries, dim()), 5, {.filter = selector});
    const Neighbors expected = expected_knn(*index, MatrixView(queries, dim()), 5, selector.get());
    EXPECT_EQ(found.ids, expected.ids);
    EXPECT_EQ(found.distances, expected.distances);
  }
  SearchOptions per_query;
  std::vector<SelectorPtr> filters;
  for (std::size_t q = 0; q < 20; ++q) filters.push_back(q % 3 ? selectors[q % selectors.size()] : nullptr);
  per_query.filters = filters;
  const Neighbors found = index->search(MatrixView(queries, dim()), 5, per_query);
  for (std::size_t q = 0; q < 20; ++q) {
    const Neighbors one = expected_knn(*index, MatrixView(queries, dim()).slice(q, 1), 5, filters[q].get());
    EXPECT_TRUE(std::equal(one.ids.begin(), one.ids.end(), found.ids.begin() + static_cast<long>(q * 5))) << q;
  }
}

TEST_P(Grid, IdsStayThroughRemovalUpdateAndMerge) {
  auto index = make();
  const auto rows = data(300, 1);
  std::vector<Id> ids(300);
  for (std::size_t i = 0; i < 300; ++i) ids[i] = (Id{1} << 54) + static_cast<Id>(i * i);
  index->add(MatrixView(rows, dim()), {.ids = ids});
  const std::vector<Id> gone{ids[0], ids[17], ids[299], 12345};
  EXPECT_EQ(index->remove(gone), 3u);
  EXPECT_FALSE(index->contains(ids[17]));
  EXPECT_EQ(index->size(), 297u);
  const std::vector<Id> changed{ids[5], ids[6]};
  const auto fresh = data(2, 9);
  index->update(changed, MatrixView(fresh, dim()));
  EXPECT_EQ(index->size(), 297u);
  const Matrix got = index->get(changed);
  const auto kept = stored(fresh);
  EXPECT_TRUE(std::equal(kept.begin(), kept.end(), got.floats()));

  auto other = filled(50);
  EXPECT_EQ(other->spec(), index->spec());
  index->merge(*other);
  EXPECT_EQ(index->size(), 347u);
  EXPECT_EQ(other->size(), 50u);
  EXPECT_TRUE(index->contains(49));
  EXPECT_THROW(index->merge(*other), Error);
  index->merge(*other, {.ids = MergeIds::shift});
  EXPECT_EQ(index->size(), 397u);
  const auto queries = data(11, 10);
  const Neighbors found = index->search(MatrixView(queries, dim()), 20);
  EXPECT_EQ(found.ids, expected_knn(*index, MatrixView(queries, dim()), 20).ids);
  EXPECT_TRUE(index->verify().ok);
}

TEST_P(Grid, DuplicateIdsFollowThePolicy) {
  auto index = filled(10);
  const auto rows = data(3, 11);
  const std::vector<Id> ids{3, 100, 3};
  EXPECT_THROW(index->add(MatrixView(rows, dim()), {.ids = ids}), Error);
  EXPECT_EQ(index->size(), 10u);
  index->add(MatrixView(rows, dim()), {.ids = ids, .on_duplicate = OnDuplicate::replace});
  EXPECT_EQ(index->size(), 11u);
  const std::vector<Id> three{3};
  const Matrix got = index->get(three);
  EXPECT_TRUE(std::equal(got.floats(), got.floats() + dim(), stored(rows).begin() + static_cast<long>(2 * dim())));
  index->add(MatrixView(rows, dim()), {.ids = ids, .on_duplicate = OnDuplicate::allow});
  EXPECT_EQ(index->size(), 14u);
  EXPECT_EQ(index->remove(three), 3u);
  EXPECT_FALSE(index->contains(3));
}

TEST_P(Grid, SpecAndBytesGiveTheSameIndexBack) {
  auto index = filled(200);
  index->set_metadata({{"source", "a test"}, {"empty", ""}});
  const std::vector<Id> gone{0, 7, 8, 9, 150};
  index->remove(gone);
  const auto again = from_bytes(to_bytes(*index));
  EXPECT_EQ(again->spec(), index->spec());
  EXPECT_EQ(again->metric(), index->metric());
  EXPECT_EQ(again->metadata(), index->metadata());
  EXPECT_EQ(again->ids(), index->ids());
  EXPECT_EQ(to_bytes(*again), to_bytes(*index));
  EXPECT_EQ(parse_spec(index->spec()).str(), index->spec());
  const auto queries = data(5, 12);
  const Neighbors a = index->search(MatrixView(queries, dim()), 9);
  const Neighbors b = again->search(MatrixView(queries, dim()), 9);
  EXPECT_EQ(a.ids, b.ids);
  EXPECT_EQ(a.distances, b.distances);
  again->add(MatrixView(data(4, 13), dim()));
  EXPECT_TRUE(again->contains(203));
}

TEST_P(Grid, RanksGivenRowsAsASearchDoes) {
  const auto index = filled(120);
  const auto queries = data(4, 19);
  const std::vector<std::vector<Id>> candidates(4, {7, 100, 3, 55, 100000, 7, 12});
  const RangeNeighbors ranked = index->rank(MatrixView(queries, dim()), candidates, 3);
  const std::vector<Id> same{3, 7, 12, 55, 100};
  const float k_factor = parse_spec(index->spec()).refine ? 100 : 0;
  const Neighbors found =
      index->search(MatrixView(queries, dim()), 3, {.filter = select_batch(same), .k_factor = k_factor});
  EXPECT_EQ(ranked.ids, found.ids);
  EXPECT_EQ(ranked.distances, found.distances);
}

TEST_P(Grid, EncodesAndDecodesWithoutStoring) {
  const auto index = make();
  const auto rows = data(1100, 18);
  const std::vector<Byte> codes = index->encode(MatrixView(rows, dim()));
  EXPECT_EQ(codes.size(), 1100 * index->code_bytes());
  const Matrix decoded = index->decode(codes);
  const auto kept = stored(rows);
  EXPECT_TRUE(std::equal(kept.begin(), kept.end(), decoded.floats()));
  EXPECT_EQ(index->size(), 0u);
  EXPECT_TRUE(index->encode(MatrixView(rows, dim()).slice(0, 0)).empty());
  EXPECT_THROW(index->decode(std::span(codes).first(codes.size() - 1)), Error);
}

TEST_P(Grid, ManyThreadsOrOneWriteTheSameBytes) {
  const auto rows = data(3000, 14);
  AddOptions one, many;
  one.run.num_threads = 1;
  many.run.num_threads = 8;
  auto a = make(), b = make();
  a->add(MatrixView(rows, dim()), one);
  b->add(MatrixView(rows, dim()), many);
  EXPECT_EQ(to_bytes(*a), to_bytes(*b));
}

TEST_P(Grid, BadInputIsATypedErrorAndChangesNothing) {
  auto index = filled(10);
  std::vector<float> rows = data(3, 15);
  const auto kind_of = [](const auto& call) {
    try {
      call();
    } catch (const Error& error) {
      return std::string(name_of(error.kind()));
    }
    return std::string("nothing");
  };
  EXPECT_EQ(kind_of([&] { index->add(MatrixView(rows, 3)); }), "invalid_argument");
  EXPECT_EQ(kind_of([&] { index->search(MatrixView(rows, dim()), 0); }), "invalid_argument");
  EXPECT_EQ(kind_of([&] { index->search(MatrixView(rows, dim()), std::numeric_limits<std::size_t>::max()); }),
            "invalid_argument");
  const std::vector<Id> two{1, 2}, reserved{50, 51, -1};
  EXPECT_EQ(kind_of([&] { index->add(MatrixView(rows, dim()), {.ids = two}); }), "invalid_argument");
  EXPECT_EQ(kind_of([&] { index->add(MatrixView(rows, dim()), {.ids = reserved}); }), "invalid_argument");
  const std::vector<Id> unknown{99};
  EXPECT_EQ(kind_of([&] { index->get(unknown); }), "not_found");
  EXPECT_EQ(kind_of([&] { index->update(unknown, MatrixView(rows, dim()).slice(0, 1)); }), "not_found");
  if (metric() != Metric::nan_euclidean) {
    rows[dim() + 4] = std::numeric_limits<float>::quiet_NaN();
    EXPECT_EQ(kind_of([&] { index->add(MatrixView(rows, dim())); }), "invalid_argument");
    EXPECT_EQ(index->add(MatrixView(rows, dim()), {.nan_policy = NanPolicy::skip}), 2u);
    EXPECT_EQ(index->size(), 12u);
    const Neighbors found = index->search(MatrixView(rows, dim()), 2);
    EXPECT_EQ(found.counts[0], 2u);
    EXPECT_EQ(found.counts[1], 0u);
    EXPECT_EQ(found.ids[2], kNoId);
  }
}

TEST_P(Grid, ARowWithNanIsKeptWithoutBeingFoundOrRefused) {
  if (metric() == Metric::nan_euclidean) GTEST_SKIP() << "NaN is a value";
  const auto index = filled(10);
  auto rows = data(3, 8);
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  for (const float bad : {std::numeric_limits<float>::quiet_NaN(), kInfinity, -kInfinity}) {
    rows[dim() + 4] = bad;
    bool kept = true;
    try {
      index->add(MatrixView(rows, dim()), {.nan_policy = NanPolicy::keep});
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), Error::invalid_argument);
      kept = false;
    }
    const bool whole_numbers = index->spec().find("int8") != std::string::npos;
    EXPECT_TRUE(kept || !index->capabilities().exact || whole_numbers);
    EXPECT_EQ(index->size(), kept ? 13u : 10u);
    const Neighbors found = index->search(MatrixView(data(1, 9), dim()), 20);
    EXPECT_EQ(found.counts[0], kept ? 12u : 10u);
    const std::vector<Id> last = index->ids();
    index->update(std::span(last).last(3), MatrixView(rows, dim()), {.nan_policy = NanPolicy::skip});
    EXPECT_EQ(index->search(MatrixView(data(1, 9), dim()), 20).counts[0], kept ? 12u : 10u);
    index->clear();
    index->add(MatrixView(data(10, 1), dim()));
  }
}

TEST_P(Grid, SearchesSeeOneMomentWhileRowsComeAndGo) {
  auto index = filled(500);
  const auto queries = data(20, 16);
  std::atomic<bool> stop = false;
  std::atomic<int> searches = 0;
  std::vector<std::jthread> readers;
  for (int t = 0; t < 3; ++t) {
    readers.emplace_back([&] {
      while (!stop) {
        const Neighbors found = index->search(MatrixView(queries, dim()), 10);
        for (std::size_t q = 0; q < 20; ++q) {
          const std::set<Id> distinct(found.ids.begin() + static_cast<long>(q * 10),
                                      found.ids.begin() + static_cast<long>(q * 10 + 10));
          ASSERT_EQ(distinct.size(), 10u);
        }
        (void)index->contains(3);
        ++searches;
      }
    });
  }
  for (int round = 0; round < 20 || searches < 5; ++round) {
    index->add(MatrixView(data(30, 100 + static_cast<std::uint64_t>(round)), dim()));
    std::vector<Id> ids = index->ids();
    ids.resize(30);
    index->remove(ids);
    const std::vector<Id> some{index->ids().front(), index->ids().back()};
    index->update(some, MatrixView(data(2, 200), dim()));
    EXPECT_EQ(index->size(), 500u);
  }
  stop = true;
}

TEST_P(Grid, StoppedWorkLeavesTheIndexAsItWas) {
  auto index = filled(100);
  std::stop_source source;
  source.request_stop();
  AddOptions options;
  options.run.stop = source.get_token();
  EXPECT_THROW(index->add(MatrixView(data(50, 17), dim()), options), Error);
  EXPECT_EQ(index->size(), 100u);
  SearchOptions search;
  search.run.stop = source.get_token();
  EXPECT_THROW(index->search(MatrixView(data(50, 17), dim()), 3, search), Error);
}

}  // namespace
}  // namespace knear
