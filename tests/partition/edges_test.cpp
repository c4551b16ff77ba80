// Partitions at their limits: few rows, equal rows, empty lists, bad rows.
#include <limits>
#include <map>

#include "core/expect_error.h"
#include "partition/testing.h"

namespace knear {
namespace {

using testing::filled_ivf;
using testing::flat_of;
using testing::make_ivf;
using testing::same;
using testing::trained_ivf;

constexpr std::size_t kDim = 8;
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

MatrixView view(const std::vector<float>& values) { return {values, kDim}; }

// Five centroids on a line, 0, 10, 20, 30, 40, and a partition around them.
std::vector<float> line(const std::vector<float>& places) {
  std::vector<float> rows(places.size() * kDim);
  for (std::size_t i = 0; i < places.size(); ++i) rows[i * kDim] = places[i];
  return rows;
}

std::unique_ptr<IvfIndex> partition_of_a_line(const std::string& codes = "Flat") {
  auto index = build_partition(parse_spec("IVF5," + codes), flat_of(view(line({0, 10, 20, 30, 40}))), Metric::l2);
  if (!index->is_trained()) index->train(view(normals(500 * kDim, 1)));
  return index;
}

TEST(Ivf, EmptyListsAreSearchedWithoutHarm) {
  for (const char* codes : {"Flat", "Flat,exact=int8", "SQ8", "PQ4x4", "PQ4x4fs", "RaBitQ", "LSH"}) {
    const auto index = partition_of_a_line(codes);
    const auto queries = line({1, 11, 21, 31, 41});
    EXPECT_EQ(index->search(view(queries), 3).counts, std::vector<std::size_t>(5, 0)) << codes;
    EXPECT_EQ(index->range_search(view(queries), 1e9f).ids.size(), 0u);
    EXPECT_EQ(index->lists().sizes, std::vector<std::size_t>(5, 0));
    EXPECT_EQ(index->lists().imbalance, 1);
    index->add(view(line({20})));  // one list has one row
    for (const std::size_t nprobe : std::initializer_list<std::size_t>{1, 2, 5, 100}) {
      const Neighbors found = index->search(view(queries), 2, {.nprobe = nprobe});
      EXPECT_EQ(found.counts, std::vector<std::size_t>(5, 1)) << codes << ", nprobe " << nprobe;
      EXPECT_EQ(found.ids[0], 0);
      EXPECT_EQ(found.ids[1], kNoId);
    }
    EXPECT_EQ(index->lists().sizes, (std::vector<std::size_t>{0, 0, 1, 0, 0}));
    EXPECT_EQ(index->lists().imbalance, 5);
    EXPECT_TRUE(index->verify().ok);
    EXPECT_TRUE(same(from_bytes(to_bytes(*index))->search(view(queries), 2), index->search(view(queries), 2)));
  }
}

TEST(Ivf, OneCellIsAScan) {
  const auto rows = normals(300 * kDim, 2);
  for (const Metric metric : {Metric::l2, Metric::inner_product, Metric::cosine}) {
    const auto index = filled_ivf("IVF1,Flat", view(rows), metric);
    EXPECT_EQ(index->nprobe(), 1u);
    const auto queries = normals(20 * kDim, 3);
    EXPECT_TRUE(same(index->search(view(queries), 7), reference_knn(*index, view(queries), 7)));
    EXPECT_EQ(index->code_bytes(), kDim * sizeof(float));  // a cell that goes without saying takes no byte
    EXPECT_EQ(index->list_ids_of(0).size(), 300u);
  }
}

TEST(Ivf, AsManyCellsAsRowsIsFine) {
  const auto rows = normals(30 * kDim, 4);
  const auto index = filled_ivf("IVF30,Flat", view(rows));
  const Neighbors found = index->search(view(rows), 1, {.nprobe = 1});
  for (std::size_t i = 0; i < 30; ++i) EXPECT_EQ(found.ids[i], static_cast<Id>(i));
}

TEST(Ivf, MoreProbesThanCellsLookIntoAll) {
  const auto rows = normals(500 * kDim, 5);
  const auto index = filled_ivf("IVF9,Flat", view(rows));
  const auto queries = normals(40 * kDim, 6);
  const Neighbors expected = reference_knn(*index, view(queries), 5);
  for (const std::size_t nprobe : {std::size_t{9}, std::size_t{10}, std::numeric_limits<std::size_t>::max()}) {
    EXPECT_TRUE(same(index->search(view(queries), 5, {.nprobe = nprobe}), expected));
    index->set_nprobe(nprobe);
    EXPECT_TRUE(same(index->search(view(queries), 5), expected));
  }
  index->set_nprobe(0);
  EXPECT_EQ(index->nprobe(), 2u);
}

TEST(Ivf, NeedsAsManyTrainingRowsAsCells) {
  const auto rows = normals(10 * kDim, 7);
  auto index = make_ivf(kDim, "IVF11,Flat");
  expect_error(Error::invalid_argument, "11 cells", [&] { index->train(view(rows)); });
  expect_error(Error::invalid_argument, "not 10", [&] { index->train(view(rows)); });
  EXPECT_FALSE(index->is_trained());
  expect_error(Error::wrong_state, "train", [&] { index->add(view(rows)); });
  expect_error(Error::wrong_state, "train", [&] { index->search(view(rows), 1); });
  index = make_ivf(kDim, "IVF4,PQ4x8");  // enough for the cells, too few for 256 centroids
  EXPECT_THROW(index->train(view(rows)), Error);
  EXPECT_FALSE(index->is_trained());
  index->train(view(normals(300 * kDim, 8)));
  EXPECT_TRUE(index->is_trained());
  index->add(view(rows));
  EXPECT_EQ(index->search(view(rows), 1).counts, std::vector<std::size_t>(10, 1));
}

TEST(Ivf, RefusesWhatNoPartitionIs) {
  for (const char* spec : {"IVF0,Flat", "IVF16777217,Flat", "IVF17M,Flat", "IVF4,nprobe=0,Flat", "IVF4,IVF4,Flat",
                           "IVF4,by_residual=maybe,Flat", "IVF4"}) {
    EXPECT_THROW(index_factory(kDim, spec), Error) << spec;
  }
}

// The centroids are all the same, so the first cell gets every row.
TEST(Ivf, EqualRowsLieInOneCell) {
  std::vector<float> rows(400 * kDim, 2.5f);
  for (const char* spec : {"IVF7,Flat", "IVF7,SQ8", "IVF7,PQ4x4", "IVF7,PQ4x4fs", "IVF7,RaBitQ"}) {
    for (const Metric metric : {Metric::l2, Metric::inner_product, Metric::cosine}) {
      const auto index = filled_ivf(spec, view(rows), metric);
      const auto sizes = index->lists().sizes;
      EXPECT_EQ(*std::max_element(sizes.begin(), sizes.end()), 400u) << spec;
      EXPECT_EQ(index->lists().imbalance, 7);
      const Neighbors found = index->search(view(rows).slice(0, 9), 5, {.nprobe = 1});
      for (std::size_t q = 0; q < 9; ++q) {
        for (std::size_t i = 0; i < 5; ++i) EXPECT_EQ(found.ids[5 * q + i], static_cast<Id>(i)) << spec;
      }
    }
  }
}

TEST(Ivf, ManyEqualRowsGoAndMoveOneByOne) {
  const auto index = partition_of_a_line();
  const std::vector<float> equal(1000 * kDim, 0.0f);
  index->add(view(equal));
  EXPECT_EQ(index->lists().sizes[0], 1000u);
  std::vector<Id> gone;
  for (Id id = 0; id < 1000; id += 3) gone.push_back(id);
  EXPECT_EQ(index->remove(gone), 334u);
  const std::vector<Id> moved{1, 500, 998};
  index->update(moved, view(line({29, 31, 30})));
  EXPECT_EQ(index->lists().sizes, (std::vector<std::size_t>{663, 0, 0, 3, 0}));
  const Neighbors found = index->search(view(line({0, 30})), 4, {.nprobe = 1});
  EXPECT_EQ(found.ids, (std::vector<Id>{2, 4, 5, 7, 998, 1, 500, 2}));
  EXPECT_EQ(index->remove(*select_range(0, 998)), 665u);
  EXPECT_EQ(index->list_ids_of(3), std::vector<Id>{998});
  EXPECT_TRUE(index->verify().ok);
}

std::vector<float> with_bad_rows() {
  std::vector<float> rows = line({1, 11, 21, 31, 41, 2});
  rows[1 * kDim + 3] = kNan;
  rows[4 * kDim] = std::numeric_limits<float>::infinity();
  return rows;
}

TEST(Ivf, BadRowsAreRefusedOrLeftOut) {
  const auto rows = with_bad_rows();
  for (const char* codes : {"Flat", "SQ8", "PQ4x4fs", "RaBitQ"}) {
    const auto index = partition_of_a_line(codes);
    expect_error(Error::invalid_argument, "row 1", [&] { index->add(view(rows)); });
    EXPECT_EQ(index->size(), 0u);
    EXPECT_EQ(index->add(view(rows), {.nan_policy = NanPolicy::skip}), 4u);
    EXPECT_EQ(index->lists().sizes, (std::vector<std::size_t>{2, 0, 1, 1, 0})) << codes;
    const std::vector<Id> ids{100, 101, 102, 103, 104, 105};
    EXPECT_EQ(index->add(view(rows), {.ids = ids, .nan_policy = NanPolicy::skip}), 4u);
    EXPECT_FALSE(index->contains(101));
    EXPECT_TRUE(index->contains(105));
    EXPECT_EQ(index->add(view(rows).slice(1, 1), {.nan_policy = NanPolicy::skip}), 0u);
    index->update(std::vector<Id>{100}, view(rows).slice(1, 1), {.nan_policy = NanPolicy::skip});
    EXPECT_EQ(index->size(), 8u);
    expect_error(Error::invalid_argument, "row 1", [&] { index->train(view(rows)); });
  }
}

TEST(Ivf, BadRowsThatAreKeptAreNeverFound) {
  const auto rows = with_bad_rows();
  for (const char* codes : {"Flat", "Flat,exact=int8", "RaBitQ"}) {
    const auto index = partition_of_a_line(codes);
    EXPECT_EQ(index->add(view(rows), {.nan_policy = NanPolicy::keep}), 6u) << codes;
    EXPECT_EQ(index->size(), 6u);
    for (const std::size_t nprobe : std::initializer_list<std::size_t>{1, 5}) {
      const Neighbors found = index->search(view(line({0, 10, 20, 30, 40})), 6, {.nprobe = nprobe});
      for (std::size_t q = 0; q < 5; ++q) {
        const std::set<Id> ids(found.ids.begin() + static_cast<long>(6 * q),
                               found.ids.begin() + static_cast<long>(6 * q + 4));
        EXPECT_EQ(ids, (std::set<Id>{0, 2, 3, 5})) << codes << ", query " << q;
        EXPECT_EQ(found.counts[q], 4u);
      }
    }
    const auto again = from_bytes(to_bytes(*index));
    EXPECT_EQ(again->size(), 6u);
    EXPECT_EQ(again->search(view(line({0})), 6).counts[0], 4u);
    EXPECT_EQ(index->remove(std::vector<Id>{1, 4}), 2u);
    EXPECT_EQ(index->search(view(line({0})), 6).counts[0], 4u);
  }
  const auto rounding = partition_of_a_line("SQ8");
  expect_error(Error::invalid_argument, "", [&] { rounding->add(view(rows), {.nan_policy = NanPolicy::keep}); });
  EXPECT_EQ(rounding->size(), 0u);
}

TEST(Ivf, AskedForCellsThatAreNotThereItSaysSo) {
  const auto index = partition_of_a_line();
  expect_error(Error::invalid_argument, "no list 5 of 5", [&] { index->list_ids_of(5); });
  expect_error(Error::invalid_argument, "no list 99 of 5", [&] { index->list_codes_of(99); });
}

TEST(Ivf, ListsTellTheirCodes) {
  const auto index = partition_of_a_line();
  index->add(view(line({1, 2, 3, 31})));
  index->remove(std::vector<Id>{1});
  const auto expected = line({1, 3});
  const auto codes = index->list_codes_of(0);
  ASSERT_EQ(codes.size(), expected.size() * sizeof(float));
  EXPECT_EQ(std::memcmp(codes.data(), expected.data(), codes.size()), 0);
  EXPECT_EQ(index->list_ids_of(0), (std::vector<Id>{0, 2}));
  EXPECT_TRUE(index->list_codes_of(1).empty());
}

}  // namespace
}  // namespace knear
