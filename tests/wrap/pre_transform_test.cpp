#include <gtest/gtest.h>

#include "../core/expect_error.h"
#include "support/reference.h"
#include "testing.h"

namespace knear {
namespace {

constexpr std::size_t kDim = 12;

class PreTransformTest : public testing::Test {
 protected:
  std::unique_ptr<Index> trained(const char* spec) const {
    auto index = index_factory(kDim, spec);
    index->train(rows);
    return index;
  }

  std::vector<float> values = gaussian(400, kDim, 1);
  MatrixView rows{values, kDim};
};

TEST_F(PreTransformTest, TrainsTransformsInOrder) {
  auto index = index_factory(kDim, "Centre,PCA6,L2norm,Flat");
  EXPECT_FALSE(index->is_trained());
  EXPECT_TRUE(index->capabilities().needs_training);
  expect_error(Error::wrong_state, "train", [&] { index->add(rows); });
  index->train(rows);
  EXPECT_TRUE(index->is_trained());
  const auto& behind = dynamic_cast<PreTransformIndex&>(*index);
  const Matrix images = behind.images(rows);
  ASSERT_EQ(images.dim(), 6u);
  for (std::size_t i = 0; i < 400; ++i) {
    double squares = 0;
    for (std::size_t j = 0; j < 6; ++j) squares += double{images.floats()[i * 6 + j]} * images.floats()[i * 6 + j];
    EXPECT_NEAR(squares, 1, 1e-5);
  }
}

TEST_F(PreTransformTest, KeepsWhatItLearnedWhileRowsAreIn) {
  auto index = trained("PCA6,Flat");
  index->add(rows);
  expect_error(Error::wrong_state, "400 rows", [&] { index->train(rows.slice(0, 100)); });
  index->clear();
  index->train(rows.slice(0, 100));
}

TEST_F(PreTransformTest, AFailedTrainingLeavesItUntrained) {
  auto index = index_factory(kDim, "PCA6,Flat");
  expect_error(Error::invalid_argument, "at least 6 rows", [&] { index->train(rows.slice(0, 3)); });
  std::vector<float> bad = values;
  bad[7 * kDim] = std::numeric_limits<float>::quiet_NaN();
  expect_error(Error::invalid_argument, "row 7", [&] { index->train(MatrixView(bad, kDim)); });
  EXPECT_FALSE(index->is_trained());
}

TEST_F(PreTransformTest, GetGoesTheWayBack) {
  auto index = trained("RR,Pad20,Centre,Flat");
  index->add(rows);
  const std::vector<Id> ids{5, 399};
  const Matrix back = index->get(ids);
  for (std::size_t j = 0; j < kDim; ++j) {
    EXPECT_NEAR(back.floats()[j], values[5 * kDim + j], 1e-5);
    EXPECT_NEAR(back.floats()[kDim + j], values[399 * kDim + j], 1e-5);
  }
}

TEST_F(PreTransformTest, ARotationKeepsNeighbours) {
  auto index = trained("RR,Flat");
  index->add(rows);
  auto plain = index_factory(kDim, "Flat");
  plain->add(rows);
  const auto queries = gaussian(20, kDim, 2);
  EXPECT_EQ(index->search(MatrixView(queries, kDim), 5).ids, plain->search(MatrixView(queries, kDim), 5).ids);
}

TEST_F(PreTransformTest, MergesOnlyWithTheSameTransforms) {
  auto index = trained("PCA6,Flat");
  auto other = index_factory(kDim, "PCA6,Flat");
  other->train(rows.slice(0, 200));
  expect_error(Error::invalid_argument, "learned from different rows", [&] { index->merge(*other); });
  expect_error(Error::invalid_argument, "RR6", [&] { index->merge(*index_factory(kDim, "RR6,Flat")); });
  expect_error(Error::invalid_argument, "has 2 transforms", [&] { index->merge(*index_factory(kDim, "RR,RR6,Flat")); });
  expect_error(Error::invalid_argument, "another shape", [&] { index->merge(*index_factory(kDim, "Flat")); });
}

TEST_F(PreTransformTest, StatsAndRankPassThrough) {
  auto index = trained("PCA6,Flat");
  index->add(rows);
  SearchStats stats;
  const Neighbors found = index->search(rows.slice(0, 3), 4, {.stats = &stats});
  EXPECT_EQ(stats.queries, 3u);
  EXPECT_EQ(stats.rows_scored, 1200u);
  const std::vector<std::vector<Id>> all(3, index->ids());
  const RangeNeighbors ranked = index->rank(rows.slice(0, 3), all, 4);
  EXPECT_EQ(ranked.ids, found.ids);
  EXPECT_EQ(ranked.distances, found.distances);
}

TEST_F(PreTransformTest, WhatDoesNotFitIsRefused) {
  const auto chain = [](std::size_t dim_in, std::size_t dim_out) {
    return TransformChain{make_random_rotation(dim_in, dim_out)};
  };
  expect_error(Error::invalid_argument, "give 6 dimensions, the index has 12",
               [&] { IndexPreTransform(chain(12, 6), index_factory(12, "Flat")); });
  expect_error(Error::invalid_argument, "without transforms",
               [&] { IndexPreTransform(TransformChain{}, index_factory(12, "Flat")); });
  expect_error(Error::invalid_argument, "one chain",
               [&] { IndexPreTransform(chain(12, 12), index_factory(12, "RR,Flat")); });
  expect_error(Error::invalid_argument, "goes around",
               [&] { IndexPreTransform(chain(12, 12), index_factory(12, "Flat,RFlat")); });
}

TEST_F(PreTransformTest, AnUntrainedIndexIsSavedToo) {
  const auto again = from_bytes(to_bytes(*index_factory(kDim, "PCA6,RR,Flat")));
  EXPECT_EQ(again->spec(), "PCA6,RR,Flat");
  EXPECT_FALSE(again->is_trained());
  again->train(rows);
  again->add(rows);
  EXPECT_EQ(again->size(), 400u);
}

TEST_F(PreTransformTest, OverflowInAnImageIsRefusedLikeInARow) {
  auto index = trained("RR,Flat");
  const std::vector<float> large(kDim, 3e38f);
  expect_error(Error::invalid_argument, "row 0", [&] { index->add(MatrixView(large, kDim)); });
  EXPECT_EQ(index->size(), 0u);
}

TEST_F(PreTransformTest, ATransformThatCameTrainedStaysAsItIs) {
  const std::shared_ptr<Transform> pca = make_pca(kDim, 6)->trained(rows.slice(0, 50), {});
  IndexPreTransform index(pca, index_factory(6, "SQ8"));
  index.train(rows);
  EXPECT_EQ(index.transforms().front(), pca);
  EXPECT_TRUE(index.is_trained());
}

}  // namespace
}  // namespace knear
