// What a search of some lists finds is what a slow search of just these lists finds.
#include <limits>

#include "partition/testing.h"

namespace knear {
namespace {

using testing::Distances;
using testing::filled_ivf;
using testing::same;
using testing::search_of_nearest_cells;

constexpr std::size_t kDim = 24;
constexpr std::size_t kRows = 2000;
constexpr std::size_t kCells = 40;
constexpr std::size_t kQueries = 3000;
constexpr std::size_t kDifferent = 250;  // of these

MatrixView view(const std::vector<float>& values) { return {values, kDim}; }

struct Kind {
  const char* spec;
  Metric metric;
  Distances distances;
};

void PrintTo(const Kind& kind, std::ostream* out) { *out << kind.spec << " under " << name_of(kind.metric); }

std::vector<Kind> kinds() {
  std::vector<Kind> all;
  for (const Metric metric : {Metric::l2, Metric::inner_product, Metric::cosine}) {
    const bool cosine = metric == Metric::cosine;
    const Distances of_residuals = cosine ? Distances::of_decoded_rows : Distances::of_codes;
    all.push_back({"IVF40,Flat", metric, Distances::of_decoded_rows});
    all.push_back({"IVF40,Flat,exact=int8", metric, Distances::of_decoded_rows});
    all.push_back({"IVF40(Flat,dtype=float16),Flat,dtype=float16", metric, Distances::of_decoded_rows});
    all.push_back({"IVF40,SQ8", metric, of_residuals});
    all.push_back({"IVF40,PQ6x8", metric, of_residuals});
    all.push_back({"IVF40,PQ12x4fs", metric, Distances::of_decoded_rows});
    all.push_back({"IVF40,RaBitQ", metric, Distances::of_codes});
    if (cosine) continue;
    all.push_back({"IVF40,by_residual=off,SQ8", metric, Distances::of_decoded_rows});
    all.push_back({"IVF40,by_residual=off,PQ6x8", metric, Distances::of_decoded_rows});
    all.push_back({"IVF40,by_residual=on,PQ12x4fs", metric, Distances::of_codes});
    all.push_back({"IVF40,by_residual=off,RaBitQ", metric, Distances::of_codes});
    all.push_back({"IVF40,by_residual=on,Flat", metric, Distances::of_codes});
  }
  all.push_back({"IVF40,Flat", Metric::l1, Distances::of_decoded_rows});
  all.push_back({"IVF40,SQ8", Metric::l1, Distances::of_codes});
  all.push_back({"IVF40,metric=l2,Flat", Metric::inner_product, Distances::of_decoded_rows});
  return all;
}

class IvfSearch : public ::testing::TestWithParam<Kind> {
 protected:
  IvfSearch() : rows_(normals(kRows * kDim, 1)), queries_(normals(kDifferent * kDim, 2)) {
    std::copy_n(rows_.begin(), 50 * kDim, queries_.begin());  // some are rows
    queries_.reserve(kQueries * kDim);
    while (queries_.size() < kQueries * kDim) {
      queries_.insert(queries_.end(), queries_.begin(), queries_.begin() + kDifferent * kDim);
    }
    index_ = filled_ivf(GetParam().spec, view(rows_), GetParam().metric);
  }

  std::vector<float> rows_;
  std::vector<float> queries_;
  std::unique_ptr<IvfIndex> index_;
};

INSTANTIATE_TEST_SUITE_P(Kinds, IvfSearch, ::testing::ValuesIn(kinds()));

// Few queries go query by query, many list by list, still more to the nearest lists first.
TEST_P(IvfSearch, FindsWhatIsInTheNearestListsForAnyBatchAndThreads) {
  const MatrixView queries = view(queries_);
  const MatrixView different = queries.slice(0, kDifferent);
  const Neighbors once = search_of_nearest_cells(*index_, different, 10, 3, GetParam().distances);
  for (const std::size_t count : once.counts) ASSERT_EQ(count, 10u) << "lists too small for this test";
  Neighbors expected{0, 10, {}, {}, {}};
  while (expected.queries < kQueries) testing::append(expected, once);
  for (const std::size_t threads : std::initializer_list<std::size_t>{1, 3}) {
    for (const std::size_t batch : std::initializer_list<std::size_t>{1, 7, 100, kQueries}) {
      for (std::size_t first = 0; first < std::min(kQueries, 4 * batch); first += batch) {
        SearchOptions options{.nprobe = 3};
        options.run.num_threads = threads;
        const std::size_t count = std::min(batch, kQueries - first);
        ASSERT_TRUE(
            same(index_->search(queries.slice(first, count), 10, options), testing::part_of(expected, first, count)))
            << "batch " << batch << ", first " << first << ", threads " << threads;
      }
    }
  }
}

TEST_P(IvfSearch, FindsTheSameRowsUnranked) {
  for (const std::size_t batch : std::initializer_list<std::size_t>{1, 60}) {
    for (const std::size_t k : std::initializer_list<std::size_t>{1, 12, 2 * kRows}) {
      const MatrixView queries = view(queries_).slice(0, batch);
      SearchOptions options{.nprobe = 2};
      Neighbors ranked = index_->search(queries, k, options);
      options.ranked = false;
      Neighbors found = index_->search(queries, k, options);
      ASSERT_EQ(found.counts, ranked.counts);
      for (std::size_t q = 0; q < batch; ++q) {
        const auto ids_of = [&](Neighbors& neighbors) {
          const auto first = neighbors.ids.begin() + static_cast<std::ptrdiff_t>(q * k);
          return std::set<Id>(first, first + static_cast<std::ptrdiff_t>(neighbors.counts[q]));
        };
        ASSERT_EQ(ids_of(found), ids_of(ranked)) << "k " << k << ", query " << q << " of " << batch;
      }
    }
  }
}

TEST_P(IvfSearch, FindsTheSameAfterRowsWereRemoved) {
  index_->remove(*select_if([](Id id) { return id % 3 == 0 || (id > 200 && id < 500); }));
  const MatrixView queries = view(queries_).slice(0, 170);
  const Neighbors expected = search_of_nearest_cells(*index_, queries, 5, 4, GetParam().distances);
  EXPECT_TRUE(same(index_->search(queries, 5, {.nprobe = 4}), expected));
  EXPECT_TRUE(same(index_->search(queries.slice(0, 2), 5, {.nprobe = 4}), testing::part_of(expected, 0, 2)));
}

TEST_P(IvfSearch, FindsWhatAFilterLeavesInTheNearestLists) {
  const MatrixView queries = view(queries_).slice(0, 130);
  for (const SelectorPtr& filter : {select_if([](Id id) { return id % 2 == 0; }), select_range(0, 1500)}) {
    const Neighbors expected = search_of_nearest_cells(*index_, queries, 4, 6, GetParam().distances, filter.get());
    for (const std::size_t count : expected.counts) ASSERT_EQ(count, 4u) << "lists too small for this test";
    EXPECT_TRUE(same(index_->search(queries, 4, {.filter = filter, .nprobe = 6}), expected));
    EXPECT_TRUE(same(index_->search(queries.slice(5, 1), 4, {.filter = filter, .nprobe = 6}),
                     testing::part_of(expected, 5, 1)));
  }
}

TEST_P(IvfSearch, LooksWithinARadiusOnlyInTheNearestLists) {
  const MatrixView queries = view(queries_).slice(0, 100);
  const Neighbors near = search_of_nearest_cells(*index_, queries, kRows, 3, GetParam().distances);
  const float radius = near.distances[20];
  RangeNeighbors expected{{0}, {}, {}};
  for (std::size_t q = 0; q < queries.rows(); ++q) {
    for (std::size_t i = q * kRows; i < q * kRows + near.counts[q]; ++i) {
      const float distance = near.distances[i];
      if (larger_is_closer(GetParam().metric) ? distance <= radius : distance >= radius) break;
      expected.distances.push_back(distance);
      expected.ids.push_back(near.ids[i]);
    }
    expected.limits.push_back(expected.ids.size());
  }
  EXPECT_GE(expected.limits[1], 19u);
  EXPECT_TRUE(same(index_->range_search(queries, radius, {.nprobe = 3}), expected));
  for (std::size_t q = 0; q < 5; ++q) {
    const RangeNeighbors one = index_->range_search(queries.slice(q, 1), radius, {.nprobe = 3});
    ASSERT_EQ(one.ids.size(), expected.limits[q + 1] - expected.limits[q]);
    EXPECT_TRUE(std::equal(one.ids.begin(), one.ids.end(),
                           expected.ids.begin() + static_cast<std::ptrdiff_t>(expected.limits[q])));
  }
}

// Each query finds what it finds when it looks into that many more lists from the start.
TEST_P(IvfSearch, LooksFurtherWhereListsHoldFewerThanK) {
  const MatrixView queries = view(queries_).slice(0, 25);
  const Neighbors found = index_->search(queries, 300, {.nprobe = 1});
  for (std::size_t q = 0; q < queries.rows(); ++q) {
    EXPECT_EQ(found.counts[q], 300u);
    bool explained = false;
    for (std::size_t nprobe = 1; nprobe <= kCells && !explained; ++nprobe) {
      const Neighbors expected =
          search_of_nearest_cells(*index_, queries.slice(q, 1), 300, nprobe, GetParam().distances);
      explained = bool(same(testing::part_of(found, q, 1), expected));
      if (expected.counts[0] == 300 && q >= 3) explained = true;  // trying all numbers for all queries takes long
    }
    EXPECT_TRUE(explained) << "query " << q;
  }
  const Neighbors all = index_->search(queries.slice(0, 3), kRows + 5, {.nprobe = 1});
  for (std::size_t q = 0; q < 3; ++q) EXPECT_EQ(all.counts[q], kRows);
  EXPECT_EQ(all.ids[kRows], kNoId);
  EXPECT_TRUE(same(all, index_->search(queries.slice(0, 3), kRows + 5, {.nprobe = kCells})));
}

TEST_P(IvfSearch, FillsKWhenAFilterAllowsFewRows) {
  const MatrixView queries = view(queries_).slice(0, 70);
  const std::vector<Id> few{3, 99, 500, 501, 1200, 1999, 5000};
  const Neighbors found = index_->search(queries, 9, {.filter = select_array(few), .nprobe = 1});
  const Neighbors all = index_->search(queries, 9, {.filter = select_array(few), .nprobe = kCells});
  EXPECT_TRUE(same(found, all));
  for (std::size_t q = 0; q < queries.rows(); ++q) {
    EXPECT_EQ(found.counts[q], 6u);
    EXPECT_EQ(found.ids[q * 9 + 6], kNoId);
    EXPECT_EQ(found.distances[q * 9 + 6], worst_value(GetParam().metric));
  }
  const Neighbors none = index_->search(queries, 9, {.filter = select_range(7000, 8000)});
  for (const std::size_t count : none.counts) EXPECT_EQ(count, 0u);
  for (const Id id : none.ids) EXPECT_EQ(id, kNoId);
  EXPECT_EQ(index_->range_search(queries, none.distances[0], {.filter = select_range(7000, 8000)}).ids.size(), 0u);
}

TEST_P(IvfSearch, TakesAFilterForEachQuery) {
  const std::vector<SelectorPtr> some{nullptr, select_range(0, 900), select_range(7, 9), select_range(4, 4),
                                      select_if([](Id id) { return id % 5 == 0; })};
  std::vector<SelectorPtr> filters;
  for (std::size_t q = 0; q < 150; ++q) filters.push_back(some[q * q % some.size()]);
  const MatrixView queries = view(queries_).slice(0, filters.size());
  const Neighbors found = index_->search(queries, 6, {.filters = filters, .nprobe = 4});
  for (std::size_t q = 0; q < filters.size(); ++q) {
    const Neighbors one = index_->search(queries.slice(q, 1), 6, {.filter = filters[q], .nprobe = 4});
    ASSERT_TRUE(same(testing::part_of(found, q, 1), one)) << "query " << q;
  }
}

TEST_P(IvfSearch, BadQueriesFindNothingAndLeaveTheOthersAlone) {
  const Neighbors good = index_->search(view(queries_).slice(0, 200), 3, {.nprobe = 3});
  for (const float bad : {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
    std::vector<float> queries(queries_.begin(), queries_.begin() + 200 * kDim);
    for (std::size_t q = 0; q < 200; q += 7) queries[q * kDim + q % kDim] = bad;
    const Neighbors found = index_->search(view(queries), 3, {.nprobe = 3});
    for (std::size_t q = 0; q < 200; ++q) {
      if (q % 7) {
        ASSERT_TRUE(same(testing::part_of(found, q, 1), testing::part_of(good, q, 1)));
        continue;
      }
      ASSERT_EQ(found.counts[q], 0u);
      ASSERT_EQ(found.ids[3 * q], kNoId);
      ASSERT_EQ(found.distances[3 * q], worst_value(GetParam().metric));
    }
    EXPECT_EQ(index_->search(view(queries).slice(0, 1), 3).counts[0], 0u);
    EXPECT_EQ(index_->range_search(view(queries).slice(0, 1), 1e6f).ids.size(), 0u);
  }
}

TEST_P(IvfSearch, StopsAfterSoManyRows) {
  const MatrixView queries = view(queries_).slice(0, 30);
  const Neighbors cells = index_->coarse()->search(queries, 12);
  for (const std::size_t most : std::initializer_list<std::size_t>{1, 60, 170, 100000}) {
    Neighbors expected{0, 400, {}, {}, {}};
    SearchStats wanted;
    for (std::size_t q = 0; q < queries.rows(); ++q) {
      std::vector<Id> visited;
      std::size_t rows = 0;
      for (std::size_t r = 0; r < 12 && rows < most; ++r) {
        visited.push_back(cells.ids[q * 12 + r]);
        rows += index_->list_ids_of(static_cast<std::size_t>(visited.back())).size();
      }
      wanted.lists_visited += visited.size();
      testing::append(expected,
                      testing::search_of_cells(*index_, queries.slice(q, 1), 400, visited, GetParam().distances));
    }
    SearchStats stats;
    const Neighbors found = index_->search(queries, 400, {.nprobe = 12, .max_codes = most, .stats = &stats});
    EXPECT_TRUE(same(found, expected)) << "max_codes " << most;
    EXPECT_EQ(stats.lists_visited, wanted.lists_visited);
    EXPECT_EQ(stats.queries, 30u);
  }
}

}  // namespace
}  // namespace knear
