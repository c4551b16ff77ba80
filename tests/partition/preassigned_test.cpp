// Searches of cells that the caller chose.
#include <limits>

#include "core/expect_error.h"
#include "partition/testing.h"

namespace knear {
namespace {

using testing::Distances;
using testing::filled_ivf;
using testing::same;

constexpr std::size_t kDim = 12;
constexpr std::size_t kCells = 16;

MatrixView view(const std::vector<float>& values) { return {values, kDim}; }

struct Kind {
  const char* spec;
  Metric metric;
  Distances distances;
};

class Preassigned : public ::testing::TestWithParam<Kind> {
 protected:
  Preassigned() : rows_(normals(900 * kDim, 3)), queries_(normals(200 * kDim, 4)) {
    index_ = filled_ivf(GetParam().spec, view(rows_), GetParam().metric);
  }
  Neighbors expected(std::size_t count, std::size_t k, const std::vector<Id>& cells) const {
    Neighbors all{0, k, {}, {}, {}};
    const std::size_t each = cells.size() / count;
    for (std::size_t q = 0; q < count; ++q) {
      testing::append(all, testing::search_of_cells(*index_, view(queries_).slice(q, 1), k,
                                                    std::span(cells).subspan(q * each, each), GetParam().distances));
    }
    return all;
  }

  std::vector<float> rows_;
  std::vector<float> queries_;
  std::unique_ptr<IvfIndex> index_;
};

INSTANTIATE_TEST_SUITE_P(Kinds, Preassigned,
                         ::testing::Values(Kind{"IVF16,Flat", Metric::l2, Distances::of_decoded_rows},
                                           Kind{"IVF16,SQ8", Metric::inner_product, Distances::of_codes},
                                           Kind{"IVF16,PQ6x4fs", Metric::cosine, Distances::of_decoded_rows},
                                           Kind{"IVF16,by_residual=on,PQ6x4fs", Metric::l2, Distances::of_codes}),
                         [](const auto& kind) { return "kind" + std::to_string(kind.index); });

TEST_P(Preassigned, TheNearestCellsGiveWhatASearchGives) {
  for (const std::size_t count : std::initializer_list<std::size_t>{1, 9, 200}) {
    const MatrixView queries = view(queries_).slice(0, count);
    const Neighbors cells = index_->coarse()->search(queries, 3);
    const Neighbors found = index_->search_preassigned(queries, 8, cells.ids);
    EXPECT_TRUE(same(found, index_->search(queries, 8, {.nprobe = 3})));
    EXPECT_TRUE(same(found, expected(count, 8, cells.ids)));
  }
}

TEST_P(Preassigned, AnyCellsInAnyOrderAreLookedIntoOnce) {
  for (const std::size_t count : std::initializer_list<std::size_t>{1, 9, 200}) {
    std::vector<Id> cells;
    for (std::size_t q = 0; q < count; ++q) {
      const auto cell = static_cast<Id>(q * 5 % kCells);
      const std::vector<Id> some{-1, cell, 3, cell, -7, 15, 3, 3, std::numeric_limits<Id>::min(), 0};
      cells.insert(cells.end(), some.begin(), some.end());
    }
    const MatrixView queries = view(queries_).slice(0, count);
    for (const std::size_t k : std::initializer_list<std::size_t>{1, 8, 500}) {
      EXPECT_TRUE(same(index_->search_preassigned(queries, k, cells), expected(count, k, cells)))
          << count << " queries, k = " << k;
    }
    std::reverse(cells.begin(), cells.end());  // each query's own are others now
    EXPECT_TRUE(same(index_->search_preassigned(queries, 8, cells), expected(count, 8, cells)));
  }
}

// Rows of other lists are none of the caller's choice.
TEST_P(Preassigned, FindsNoMoreThanTheCellsHold) {
  const MatrixView queries = view(queries_).slice(0, 16);
  std::vector<Id> cells;
  for (Id cell = 0; cell < 16; ++cell) cells.push_back(cell);
  const Neighbors found = index_->search_preassigned(queries, 900, cells);
  for (std::size_t q = 0; q < 16; ++q) EXPECT_EQ(found.counts[q], index_->list_ids_of(q).size());
  for (const std::vector<Id>& none : {std::vector<Id>{}, std::vector<Id>(16, -1), std::vector<Id>(64, -2)}) {
    const Neighbors nothing = index_->search_preassigned(queries, 2, none);
    EXPECT_EQ(nothing.counts, std::vector<std::size_t>(16, 0));
    EXPECT_EQ(nothing.ids, std::vector<Id>(32, kNoId));
    EXPECT_EQ(nothing.distances, std::vector<float>(32, worst_value(GetParam().metric)));
  }
  EXPECT_EQ(index_->search_preassigned(queries.slice(0, 0), 2, {}).ids.size(), 0u);
}

TEST_P(Preassigned, TakesFiltersAndLimits) {
  const MatrixView queries = view(queries_).slice(0, 40);
  std::vector<Id> cells;
  for (Id i = 0; i < 120; ++i) cells.push_back(i * 7 % 16);
  const SelectorPtr even = select_if([](Id id) { return id % 2 == 0; });
  const Neighbors found = index_->search_preassigned(queries, 4, cells, {.filter = even});
  std::vector<SelectorPtr> filters(40);
  for (std::size_t q = 0; q < 40; q += 3) filters[q] = even;
  const Neighbors mixed = index_->search_preassigned(queries, 4, cells, {.filters = filters});
  const Neighbors limited = index_->search_preassigned(queries, 400, cells, {.max_codes = 1});
  for (std::size_t q = 0; q < 40; ++q) {
    const auto mine = std::span(cells).subspan(3 * q, 3);
    const auto slow = [&](std::size_t k, const Selector* filter, std::size_t most) {
      return testing::search_of_cells(*index_, queries.slice(q, 1), k, mine.first(most), GetParam().distances, filter);
    };
    EXPECT_TRUE(same(testing::part_of(found, q, 1), slow(4, even.get(), 3)));
    EXPECT_TRUE(same(testing::part_of(mixed, q, 1), slow(4, filters[q].get(), 3)));
    EXPECT_TRUE(same(testing::part_of(limited, q, 1), slow(400, nullptr, 1)));
  }
}

TEST_P(Preassigned, RefusesWhatASearchRefuses) {
  const MatrixView queries = view(queries_).slice(0, 3);
  const std::vector<Id> cells{0, 1, 2};
  const auto refused = [&](const std::string& words, const auto& call) {
    expect_error(Error::invalid_argument, words, call);
  };
  refused("there is no cell 16 of 16", [&] { index_->search_preassigned(queries, 1, std::vector<Id>{0, 16, 1}); });
  refused("there is no cell 9223372036854775807", [&] {
    index_->search_preassigned(queries, 1, std::vector<Id>{0, 1, std::numeric_limits<Id>::max()});
  });
  refused("4 cells for 3 queries", [&] { index_->search_preassigned(queries, 1, std::vector<Id>{0, 1, 2, 3}); });
  refused("3 cells for 0 queries", [&] { index_->search_preassigned(queries.slice(0, 0), 1, cells); });
  refused("k is 0", [&] { index_->search_preassigned(queries, 0, cells); });
  refused("dimensions", [&] { index_->search_preassigned(MatrixView(queries_, kDim / 2).slice(0, 3), 1, cells); });
  refused("k_factor", [&] { index_->search_preassigned(queries, 1, cells, {.k_factor = 2}); });
  const std::vector<SelectorPtr> two(2, select_all());
  refused("2 filters for 3 queries", [&] { index_->search_preassigned(queries, 1, cells, {.filters = two}); });
  const std::vector<SelectorPtr> three(3, select_all());
  refused("not both",
          [&] { index_->search_preassigned(queries, 1, cells, {.filter = select_all(), .filters = three}); });
  refused("more results than can be counted",
          [&] { index_->search_preassigned(queries, std::numeric_limits<std::size_t>::max(), cells); });
  const auto untrained = testing::make_ivf(kDim, GetParam().spec, GetParam().metric);
  expect_error(Error::wrong_state, "train", [&] { untrained->search_preassigned(queries, 1, cells); });
}

TEST_P(Preassigned, CountsWhatItLookedAt) {
  const MatrixView queries = view(queries_).slice(0, 3);
  const std::vector<Id> cells{0, 1, 2, -1, 4, 5};
  SearchStats stats{.queries = 77, .rows_scored = 1000000, .lists_visited = 99};
  index_->search_preassigned(queries, 2, cells, {.stats = &stats});
  EXPECT_EQ(stats.queries, 3u);
  EXPECT_EQ(stats.lists_visited, 5u);
  std::size_t rows = 0;
  for (const std::size_t cell : {0u, 1u, 2u, 4u, 5u}) rows += index_->list_ids_of(cell).size();
  EXPECT_EQ(stats.rows_scored, rows);
  EXPECT_EQ(stats.bytes_scored, rows * index_->stats().code_bytes);
  EXPECT_GT(stats.scan_seconds, 0);
}

TEST(PreassignedBatch, ManyQueriesKeepTheirOwnCells) {
  constexpr std::size_t kQueries = 17000;  // more than are searched at once
  const std::vector<float> rows = normals(400 * 3, 5);
  const auto index = filled_ivf("IVF8,Flat", MatrixView(rows, 3));
  const std::vector<float> queries = normals(kQueries * 3, 6);
  std::vector<Id> cells;
  for (std::size_t q = 0; q < kQueries; ++q) cells.push_back(static_cast<Id>(q * 5 / 3 % 8));
  std::vector<Id> cell_of(400);
  for (std::size_t cell = 0; cell < 8; ++cell) {
    for (const Id id : index->list_ids_of(cell)) cell_of[static_cast<std::size_t>(id)] = static_cast<Id>(cell);
  }
  const Neighbors found = index->search_preassigned(MatrixView(queries, 3), 1, cells);
  for (std::size_t q = 0; q < kQueries; ++q) {
    ASSERT_NE(found.ids[q], kNoId);
    ASSERT_EQ(cell_of[static_cast<std::size_t>(found.ids[q])], cells[q]) << "query " << q;
  }
}

}  // namespace
}  // namespace knear
