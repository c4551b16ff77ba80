// Rows that come, go, move and are taken over from other partitions.
#include <numeric>

#include "core/expect_error.h"
#include "core/rng.h"
#include "partition/testing.h"

namespace knear {
namespace {

using testing::filled_ivf;
using testing::flat_of;
using testing::same;
using testing::trained_ivf;

constexpr std::size_t kDim = 12;
constexpr std::size_t kRows = 1200;

MatrixView view(const std::vector<float>& values) { return {values, kDim}; }

class IvfChange : public ::testing::TestWithParam<std::tuple<const char*, Metric::Kind>> {
 protected:
  // Empty, trained, and always the same.
  std::unique_ptr<IvfIndex> make() const {
    return trained_ivf(std::get<0>(GetParam()), view(rows_), std::get<1>(GetParam()));
  }
  std::unique_ptr<IvfIndex> filled() const {
    auto index = make();
    index->add(view(rows_));
    return index;
  }

  const std::vector<float> rows_ = normals(kRows * kDim, 1);
  const std::vector<float> queries_ = normals(120 * kDim, 2);
};

INSTANTIATE_TEST_SUITE_P(Codes, IvfChange,
                         ::testing::Combine(::testing::Values("IVF12,Flat", "IVF12,Flat,exact=int8", "IVF12,SQ8",
                                                              "IVF12,PQ4x4", "IVF12,PQ6x4fs", "IVF12,RaBitQ"),
                                            ::testing::Values(Metric::l2, Metric::inner_product, Metric::cosine)));

TEST_P(IvfChange, OneAdditionTenOrRowByRowAreTheSame) {
  const auto at_once = filled();
  const auto in_ten = make();
  for (std::size_t i = 0; i < 10; ++i) in_ten->add(view(rows_).slice(i * kRows / 10, kRows / 10));
  const auto by_row = make();
  for (std::size_t i = 0; i < kRows; ++i) by_row->add(view(rows_).slice(i, 1));
  const Neighbors expected = at_once->search(view(queries_), 9, {.nprobe = 3});
  EXPECT_TRUE(same(in_ten->search(view(queries_), 9, {.nprobe = 3}), expected));
  EXPECT_TRUE(same(by_row->search(view(queries_), 9, {.nprobe = 3}), expected));
  for (std::size_t cell = 0; cell < 12; ++cell) {
    EXPECT_EQ(by_row->list_ids_of(cell), at_once->list_ids_of(cell));
    EXPECT_EQ(by_row->list_codes_of(cell), at_once->list_codes_of(cell));
    EXPECT_EQ(in_ten->list_codes_of(cell), at_once->list_codes_of(cell));
  }
  EXPECT_TRUE(by_row->verify().ok);
}

TEST_P(IvfChange, OneThreadOrEightWriteTheSameBytes) {
  std::vector<std::vector<Byte>> bytes;
  for (const std::size_t threads : std::initializer_list<std::size_t>{1, 8}) {
    const auto index = make();
    AddOptions options;
    options.run.num_threads = threads;
    index->add(view(rows_), options);
    std::vector<Id> ids(400);
    std::iota(ids.begin(), ids.end(), 300);
    index->update(ids, view(rows_).slice(0, 400), options);
    const auto other = filled();
    MergeOptions merge{.ids = MergeIds::shift};
    merge.run.num_threads = threads;
    index->merge(*other, merge);
    bytes.push_back(to_bytes(*index));
  }
  EXPECT_EQ(bytes[0], bytes[1]);
}

TEST_P(IvfChange, RemovedIdsMayComeBack) {
  const auto index = filled();
  std::vector<Id> gone;
  for (Id id = 0; id < 1200; id += 2) gone.push_back(id);
  EXPECT_EQ(index->remove(gone), 600u);
  EXPECT_EQ(index->remove(gone), 0u);
  for (std::size_t i = 0; i < gone.size(); ++i) {
    index->add(view(rows_).slice(2 * i, 1), {.ids = std::span(gone).subspan(i, 1)});
  }
  EXPECT_EQ(index->size(), kRows);
  EXPECT_EQ(index->next_id(), 1200);
  EXPECT_TRUE(
      same(index->search(view(queries_), 9, {.nprobe = 3}), filled()->search(view(queries_), 9, {.nprobe = 3})));
  EXPECT_TRUE(index->verify().ok);
}

TEST_P(IvfChange, UpdatesMoveRowsToTheirNewCells) {
  const auto index = filled();
  std::vector<Id> ids;
  for (Id id = 0; id < 1200; id += 5) ids.push_back(id);
  auto fresh = normals(ids.size() * kDim, 7);
  index->update(ids, view(fresh));
  auto now = rows_;
  for (std::size_t i = 0; i < ids.size(); ++i) {
    std::copy_n(fresh.begin() + static_cast<long>(i * kDim), kDim, now.begin() + static_cast<long>(5 * i * kDim));
  }
  const auto expected = make();
  expected->add(view(now));
  std::size_t moved = 0;
  const auto before = filled();
  for (std::size_t cell = 0; cell < 12; ++cell) {
    auto mine = index->list_ids_of(cell);
    auto theirs = expected->list_ids_of(cell);
    std::sort(mine.begin(), mine.end());
    EXPECT_EQ(mine, theirs);
    moved += before->list_ids_of(cell) != theirs;
  }
  EXPECT_GT(moved, 6u);
  EXPECT_EQ(index->size(), kRows);
  EXPECT_TRUE(
      same(index->search(view(queries_), 9, {.nprobe = 3}), expected->search(view(queries_), 9, {.nprobe = 3})));
}

TEST_P(IvfChange, FourShardsMergedAreOneIndex) {
  const auto whole = filled();
  const auto merged = make();
  const auto shifted = make();
  for (std::size_t s = 0; s < 4; ++s) {
    const MatrixView part = view(rows_).slice(s * kRows / 4, kRows / 4);
    std::vector<Id> ids(part.rows());
    std::iota(ids.begin(), ids.end(), static_cast<Id>(s * kRows / 4));
    const auto shard = make();
    shard->add(part, {.ids = ids});
    const auto bytes = to_bytes(*shard);
    merged->merge(*shard);
    EXPECT_EQ(to_bytes(*shard), bytes);
    const auto numbered_from_0 = make();
    numbered_from_0->add(part);
    shifted->merge(*numbered_from_0, {.ids = MergeIds::shift});
  }
  const Neighbors expected = whole->search(view(queries_), 9, {.nprobe = 3});
  EXPECT_TRUE(same(merged->search(view(queries_), 9, {.nprobe = 3}), expected));
  EXPECT_TRUE(same(shifted->search(view(queries_), 9, {.nprobe = 3}), expected));
  for (std::size_t cell = 0; cell < 12; ++cell) {
    EXPECT_EQ(merged->list_codes_of(cell), whole->list_codes_of(cell));
    EXPECT_EQ(shifted->list_ids_of(cell), whole->list_ids_of(cell));
  }
}

// Its rows, as far as its codes know them, go to the cells that are nearest here.
TEST_P(IvfChange, RowsOfOtherCentroidsFindNewCells) {
  const auto [spec, metric] = GetParam();
  auto other_spec = std::string(spec);
  other_spec.replace(0, 5, "IVF7");
  const auto others = normals(500 * kDim, 9);
  const auto other = filled_ivf(other_spec, view(others), metric);
  other->remove(*select_range(100, 150));
  const auto bytes = to_bytes(*other);
  const auto index = filled();
  index->merge(*other, {.ids = MergeIds::shift});
  EXPECT_EQ(to_bytes(*other), bytes);
  EXPECT_EQ(index->size(), kRows + 450);
  const std::vector<Id> theirs = other->ids();
  const Matrix decoded = other->get(theirs);
  std::vector<Id> ids;
  for (const Id id : theirs) ids.push_back(id + static_cast<Id>(kRows));
  const auto fresh = filled();  // the same rows, added
  fresh->add(decoded, {.ids = ids});
  EXPECT_TRUE(same(index->search(view(queries_), 9, {.nprobe = 3}), fresh->search(view(queries_), 9, {.nprobe = 3})));
  EXPECT_EQ(index->get(ids).rows(), 450u);
  if (!other->get(theirs).rows() || std::string(spec).find("Flat") == std::string::npos) return;
  const Neighbors own = index->search(decoded, 1, {.nprobe = 1});
  for (std::size_t i = 0; i < ids.size(); ++i) {
    if (metric == Metric::inner_product) break;  // there, a row need not be the nearest to itself
    EXPECT_EQ(own.ids[i], ids[i]);
  }
}

TEST_P(IvfChange, ClashesOfIdsFollowThePolicy) {
  const auto index = filled();
  const auto other = make();
  other->add(view(normals(300 * kDim, 10)));
  const auto before = to_bytes(*index);
  expect_error(Error::duplicate_id, "is in the index already", [&] { index->merge(*other); });
  EXPECT_EQ(to_bytes(*index), before);
  index->merge(*other, {.on_duplicate = OnDuplicate::replace});
  EXPECT_EQ(index->size(), kRows);
  const std::vector<Id> some{0, 299};
  const Matrix mine = index->get(some);
  const Matrix theirs = other->get(some);
  EXPECT_TRUE(std::equal(mine.floats(), mine.floats() + 2 * kDim, theirs.floats()));
}

TEST_P(IvfChange, FollowsAModelThroughRandomChange) {
  Rng rng(3);
  const auto index = make();
  std::map<Id, std::size_t> model;  // id to row of rows_
  for (int step = 0; step < 60; ++step) {
    const std::size_t count = 1 + rng.below(40);
    std::vector<Id> ids;
    std::vector<float> rows;
    std::vector<std::size_t> from;
    for (std::size_t i = 0; i < count; ++i) {
      ids.push_back(static_cast<Id>(rng.below(300)));
      from.push_back(rng.below(kRows));
      rows.insert(rows.end(), rows_.begin() + static_cast<long>(from[i] * kDim),
                  rows_.begin() + static_cast<long>((from[i] + 1) * kDim));
    }
    if (rng.below(3)) {
      index->add(view(rows), {.ids = ids, .on_duplicate = OnDuplicate::replace});
      for (std::size_t i = 0; i < count; ++i) model[ids[i]] = from[i];
    } else {
      std::size_t gone = 0;
      for (const Id id : ids) gone += model.erase(id);
      EXPECT_EQ(index->remove(ids), gone);
    }
    ASSERT_EQ(index->size(), model.size());
  }
  const auto fresh = make();
  for (const auto& [id, row] : model) fresh->add(view(rows_).slice(row, 1), {.ids = std::span(&id, 1)});
  EXPECT_TRUE(same(index->search(view(queries_), 9, {.nprobe = 4}), fresh->search(view(queries_), 9, {.nprobe = 4})));
  EXPECT_TRUE(index->verify().ok);
}

TEST(IvfMerge, RefusesIndexesOfAnotherShape) {
  const auto rows = normals(300 * kDim, 1);
  const auto index = filled_ivf("IVF4,Flat", view(rows));
  EXPECT_THROW(index->merge(*flat_of(view(rows))), Error);
  EXPECT_THROW(index->merge(*filled_ivf("IVF4,Flat", view(rows), Metric::cosine)), Error);
  const auto untrained = testing::make_ivf(kDim, "IVF4,Flat");
  index->merge(*untrained, {.ids = MergeIds::shift});
  EXPECT_EQ(index->size(), 300u);
  expect_error(Error::wrong_state, "train", [&] { untrained->merge(*index); });
}

TEST(IvfMerge, TakesOtherCodesOfTheSameCells) {
  const auto rows = normals(600 * kDim, 1);
  const auto coarse = flat_of(view(rows).slice(0, 6));
  const auto index = build_partition(parse_spec("IVF6,Flat"), coarse, Metric::l2);
  const auto other = build_partition(parse_spec("IVF6,SQ8"), coarse, Metric::l2);
  other->train(view(rows));
  other->add(view(rows));
  index->merge(*other);
  const std::vector<Id> ids = other->ids();
  const Matrix mine = index->get(ids);
  const Matrix theirs = other->get(ids);
  EXPECT_TRUE(std::equal(mine.floats(), mine.floats() + ids.size() * kDim, theirs.floats()));
  for (std::size_t cell = 0; cell < 6; ++cell) EXPECT_EQ(index->list_ids_of(cell), other->list_ids_of(cell));
}

}  // namespace
}  // namespace knear
