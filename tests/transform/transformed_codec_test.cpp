// Transforms between the cells of a partition and its codes.
#include <gtest/gtest.h>

#include <limits>

#include "core/expect_error.h"
#include "io/byte_fields.h"
#include "knear/knear.h"
#include "partition/testing.h"
#include "support/normals.h"

namespace knear {
namespace {

using testing::filled_ivf;
using testing::flat_of;
using testing::make_ivf;
using testing::same;
using testing::trained_ivf;

constexpr std::size_t kDim = 12;

class TransformedCodecTest : public ::testing::Test {
 protected:
  std::vector<float> values_ = normals(800 * kDim, 1);
  std::vector<float> more_ = normals(40 * kDim, 2);
  MatrixView rows_{values_, kDim};
  MatrixView queries_{more_, kDim};
};

TEST_F(TransformedCodecTest, CodesAndDistancesAreThoseOfImages) {
  const std::shared_ptr<Transform> pca = make_pca(kDim, 6)->trained(rows_, {});
  const auto codec = make_transformed_codec({pca}, make_flat_codec(6, Metric::l2));
  EXPECT_EQ(codec->dim(), kDim);
  EXPECT_EQ(codec->spec(), "PCA6,Flat");
  EXPECT_EQ(codec->code_bytes(), 24u);
  EXPECT_FALSE(codec->exact());
  EXPECT_FALSE(codec->suits_residuals());
  std::vector<Byte> codes(rows_.rows() * 24);
  codec->encode(rows_, codes.data());
  const Matrix images = apply_transform(*pca, rows_);
  EXPECT_EQ(0, std::memcmp(codes.data(), images.floats(), codes.size()));
  std::vector<float> back(rows_.rows() * kDim);
  codec->decode(codes.data(), rows_.rows(), back.data());
  const Matrix reversed = reverse_transform(*pca, images);
  EXPECT_EQ(0, std::memcmp(back.data(), reversed.floats(), back.size() * sizeof(float)));
}

// With all cells looked into, they do not matter.
TEST_F(TransformedCodecTest, FindsWhatTransformsInFrontFind) {
  for (const char* codes : {"PCA6,Flat", "RR,Pad16,SQ8", "HR,PQ4x4fs", "L2norm,PQ4x4", "OPQ4,bits=4,PQ4x4fs", "ITQ8,SH",
                            "Centre,LSH40r", "HR,RaBitQ4"}) {
    auto front = index_factory(kDim, codes);
    front->train(rows_);
    front->add(rows_);
    const auto behind = filled_ivf(std::string("IVF5,by_residual=off,nprobe=5,") + codes, rows_);
    EXPECT_TRUE(same(front->search(queries_, 9), behind->search(queries_, 9))) << codes;
    const float radius = front->search(queries_, 9).distances[5];
    EXPECT_TRUE(same(front->range_search(queries_, radius), behind->range_search(queries_, radius))) << codes;
  }
}

TEST_F(TransformedCodecTest, CellsAreChosenInTheSpaceOfRows) {
  const auto centroids = normals(10 * kDim, 3);
  const auto coarse = flat_of(MatrixView(centroids, kDim));
  const auto index = build_partition(parse_spec("IVF10,PCA3,SQ8"), coarse, Metric::l2);
  index->train(rows_);
  index->add(rows_);
  const Neighbors nearest = coarse->search(rows_, 1);
  for (std::size_t cell = 0; cell < 10; ++cell) {
    for (const Id id : index->list_ids_of(cell))
      EXPECT_EQ(nearest.ids[static_cast<std::size_t>(id)], static_cast<Id>(cell));
  }
}

TEST_F(TransformedCodecTest, ResidualsGoThroughRotations) {
  for (const Metric metric : {Metric::l2, Metric::inner_product}) {
    const auto plain = filled_ivf("IVF5,nprobe=5,by_residual=on,Flat", rows_, metric);
    const auto turned = filled_ivf("IVF5,nprobe=5,by_residual=on,RR,Flat", rows_, metric);
    const Neighbors a = plain->search(queries_, 5);
    const Neighbors b = turned->search(queries_, 5);
    EXPECT_EQ(a.ids, b.ids);
    for (std::size_t i = 0; i < a.distances.size(); ++i) EXPECT_NEAR(a.distances[i], b.distances[i], 1e-4);
    const Matrix back = turned->get(std::vector<Id>{7});
    for (std::size_t j = 0; j < kDim; ++j) EXPECT_NEAR(back.floats()[j], values_[7 * kDim + j], 1e-5);
  }
  // Means of differences are gone from differences.
  const auto centred = filled_ivf("IVF5,nprobe=5,by_residual=on,Centre,Flat", rows_);
  EXPECT_EQ(centred->search(queries_, 5).ids, filled_ivf("IVF5,nprobe=5,Flat", rows_)->search(queries_, 5).ids);
}

TEST_F(TransformedCodecTest, ResidualsThatMakeNoSenseAreRefused) {
  for (const char* codes : {"PCA6,SQ8", "ITQ6,SQ8", "Centre,SQ8", "RR,PCA6,SQ8", "L2norm,SQ8"}) {
    const std::string spec = std::string("IVF5,by_residual=on,") + codes;
    expect_error(Error::invalid_argument, codes, [&] { make_ivf(kDim, spec, Metric::inner_product); });
  }
  expect_error(Error::invalid_argument, "L2norm,SQ8", [&] { make_ivf(kDim, "IVF5,by_residual=on,L2norm,SQ8"); });
  expect_error(Error::invalid_argument, "knows differences",
               [&] { make_ivf(kDim, "IVF5,by_residual=on,RR,SQ8", Metric::cosine); });
  EXPECT_FALSE(make_ivf(kDim, "IVF5,PCA6,SQ8")->by_residual());
  EXPECT_TRUE(make_ivf(kDim, "IVF5,by_residual=on,OPQ4,PQ4", Metric::inner_product)->by_residual());
}

TEST_F(TransformedCodecTest, SpecsSayWhatTheyRead) {
  for (const char* text : {"IVF5,PCA6,SQ8", "IVF5,by_residual=on,nprobe=3,OPQ4_8,bits=4,RR10,PQ5x4",
                           "RR,IVF5,PCA6,Flat", "IVF5(SQ8),metric=IP,Remap(1,0),SQ6,RFlat"}) {
    const Spec spec = parse_spec(text);
    EXPECT_EQ(parse_spec(spec.str()).str(), spec.str());
    EXPECT_EQ(index_factory(kDim, text)->spec(), spec.str());
  }
  EXPECT_EQ(parse_spec("IVF5,PCA6,SQ8").cells->transforms.size(), 1u);
  expect_error(Error::invalid_argument, "names no index", [&] { parse_spec("IVF5,PCA6"); });
  expect_error(Error::invalid_argument, "PCA13 of 12", [&] { make_ivf(kDim, "IVF5,PCA13,SQ8"); });
  expect_error(Error::invalid_argument, "second", [&] { parse_spec("IVF5,PCA6,IVF5,SQ8"); });
  expect_error(Error::invalid_argument, "give 6 dimensions",
               [&] { make_transformed_codec({make_pca(kDim, 6)}, make_flat_codec(7, Metric::l2)); });
  expect_error(Error::invalid_argument, "without transforms",
               [&] { make_transformed_codec({}, make_flat_codec(7, Metric::l2)); });
  expect_error(Error::invalid_argument, "RR8 takes 12", [&] {
    make_transformed_codec({make_pca(kDim, 6), make_random_rotation(12, 8)}, make_flat_codec(8, Metric::l2));
  });
}

TEST_F(TransformedCodecTest, WhatWasLearnedGoesToTheFile) {
  for (const char* spec : {"IVF5,Centre,PCA6,SQ8", "IVF5,RR6,PQ2x4fs", "IVF5,HR,Flat,exact=int8", "IVF5,ITQ8,SHm"}) {
    const auto index = filled_ivf(spec, rows_);
    const auto again = from_bytes(to_bytes(*index));
    EXPECT_TRUE(same(again->search(queries_, 5), index->search(queries_, 5))) << spec;
    EXPECT_EQ(to_bytes(*again), to_bytes(*index));
    auto other = trained_ivf(spec, rows_);
    other->merge(*index);
    EXPECT_TRUE(same(other->search(queries_, 5), index->search(queries_, 5))) << spec;
  }
  const auto empty = from_bytes(to_bytes(*make_ivf(kDim, "IVF5,PCA6,SQ8")));
  EXPECT_FALSE(empty->is_trained());
  empty->train(rows_);
  EXPECT_TRUE(empty->is_trained());
}

TEST_F(TransformedCodecTest, BytesThatLieAreRefused) {
  const auto fresh = [] { return make_transformed_codec({make_pca(kDim, 6)}, make_sq_codec(6, Metric::l2)); };
  ByteSink sink;
  fresh()->trained(rows_, {})->write(sink);
  for (std::size_t length = 0; length < sink.bytes().size(); length += 5) {
    EXPECT_THROW(learn_from(sink.bytes().first(length), "test", *fresh()), Error) << length;
  }
  std::vector<Byte> bytes(sink.bytes().begin(), sink.bytes().end());
  bytes[7] = 0xff;  // the length of the first part
  EXPECT_THROW(learn_from(bytes, "test", *fresh()), Error);
}

TEST_F(TransformedCodecTest, ATransformThatCameTrainedStaysAsItIs) {
  const std::shared_ptr<Transform> pca = make_pca(kDim, 6)->trained(rows_.slice(0, 50), {});
  const auto part = make_ivf(6, "IVF5,nprobe=5,SQ8");
  IndexIVFIndependentQuantizer index(std::make_shared<IndexFlatL2>(kDim), *part, pca);
  EXPECT_EQ(index.spec(), "IVF5,nprobe=5,PCA6,SQ8");
  for (int times = 0; times < 2; ++times) {
    index.train(rows_);
    index.add(rows_);
    IndexPreTransform front(pca, index_factory(6, "SQ8"));
    front.train(rows_);
    front.add(rows_);
    EXPECT_TRUE(same(front.search(queries_, 5), index.search(queries_, 5)));
    index.clear();
  }
}

TEST_F(TransformedCodecTest, NamesOfTheField) {
  IndexIVFSpectralHash hash(std::make_shared<IndexFlatL2>(kDim), kDim, 5, 8, 1.5f);
  EXPECT_EQ(hash.spec(), "IVF5,ITQ8,SH1.5");
  EXPECT_EQ(IndexIVFSpectralHash(std::make_shared<IndexFlatL2>(kDim), kDim, 5, 30).spec(), "IVF5,RR30,SH");
  hash.train(rows_);
  hash.add(rows_);
  EXPECT_EQ(hash.search(queries_, 3).counts[0], 3u);
  const auto part = make_ivf(8, "IVF5,by_residual=on,RR6,SQ8");
  const IndexIVFIndependentQuantizer both(std::make_shared<IndexFlatL2>(kDim), *part, make_random_rotation(kDim, 8));
  EXPECT_EQ(both.spec(), "IVF5,by_residual=on,RR8,RR6,SQ8");
}

TEST_F(TransformedCodecTest, ImagesThatOverflowStopAtTheLargestFloat) {
  for (const char* spec : {"IVF5,nprobe=5,RR,Flat", "IVF5,nprobe=5,RR,SQ8", "IVF5,nprobe=5,ITQ8,SH",
                           "IVF5,nprobe=5,by_residual=on,RR,PQ4x4"}) {
    const auto index = filled_ivf(spec, rows_);
    std::vector<float> large(3 * kDim, 3e38f);
    for (std::size_t j = 0; j < kDim; j += 2) large[kDim + j] = -3e38f;
    EXPECT_EQ(index->search(MatrixView(large, kDim), 5).counts, (std::vector<std::size_t>{5, 5, 5})) << spec;
    index->add(MatrixView(large, kDim));
    EXPECT_EQ(index->search(queries_, 900).counts[0], 803u) << spec;
  }
}

}  // namespace
}  // namespace knear
