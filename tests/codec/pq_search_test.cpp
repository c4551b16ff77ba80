// Symmetric and polysemous searches of product quantizers, and the order of centroids for them.
#include <gtest/gtest.h>

#include <algorithm>
#include <bit>

#include "codec/polysemous.h"
#include "codec/polysemous_filter.h"
#include "codec/product_quantizer.h"
#include "core/expect_error.h"
#include "core/rng.h"
#include "knear/knear.h"

namespace knear {
namespace {

constexpr std::size_t kDim = 24;

Matrix normal_rows(std::size_t n, std::size_t dim, std::uint64_t seed, double scale = 1, double offset = 0) {
  Rng rng(seed);
  Matrix rows(DType::f32, n, dim);
  for (std::size_t i = 0; i < n * dim; ++i) rows.floats()[i] = static_cast<float>(offset + scale * rng.normal());
  return rows;
}

TEST(PolysemousOrder, LowersWhatItAnneals) {
  const Matrix centroids = normal_rows(64, 3, 1);
  const std::span<const float> values(centroids.floats(), 64 * 3);
  const PolysemousLoss before(values, 3);
  const auto order = polysemous_order(values, 3, 7);
  EXPECT_EQ(order, polysemous_order(values, 3, 7));
  std::vector<float> sorted;
  for (const std::uint32_t c : order) sorted.insert(sorted.end(), &values[3 * c], &values[3 * c] + 3);
  EXPECT_LT(PolysemousLoss(sorted, 3).value(), 0.7 * before.value());
  std::vector<std::uint32_t> all = order;
  std::sort(all.begin(), all.end());
  for (std::uint32_t c = 0; c < 64; ++c) EXPECT_EQ(all[c], c);
}

TEST(PolysemousOrder, KnowsWhatASwapChanges) {
  const Matrix centroids = normal_rows(16, 2, 3);
  PolysemousLoss loss({centroids.floats(), 32}, 2);
  Rng rng(5);
  for (int i = 0; i < 50; ++i) {
    const std::size_t a = rng.below(16);
    const std::size_t b = (a + 1 + rng.below(15)) % 16;
    const double wanted = loss.value() + loss.change(a, b);
    loss.swap(a, b);
    ASSERT_NEAR(loss.value(), wanted, 1e-9 * (1 + wanted));
  }
}

TEST(PolysemousOrder, TakesEqualCentroidsAndFewOfThem) {
  const std::vector<float> same(8, 1.0f);
  EXPECT_EQ(polysemous_order(same, 1, 1).size(), 8u);
  EXPECT_EQ(polysemous_order(std::span(same).first(2), 1, 1), (std::vector<std::uint32_t>{0, 1}));
}

class PqSearches : public testing::TestWithParam<const char*> {
 protected:
  PqSearches() {
    index->train(rows);
    index->add(rows);
  }
  Neighbors search(PqSearch::By by, std::size_t ht = 0) const {
    return index->search(queries, 10, {.pq = PqSearch{by, ht}});
  }

  Matrix rows = normal_rows(3000, kDim, 1);
  Matrix queries = normal_rows(40, kDim, 2);
  std::unique_ptr<Index> index = index_factory(kDim, GetParam());
};

INSTANTIATE_TEST_SUITE_P(All, PqSearches, testing::Values("PQ6x8,order=polysemous", "PQ8x5,order=polysemous", "PQ6x8"));

TEST_P(PqSearches, SymmetricIsBruteForceFromTheQuerysOwnCode) {
  const Matrix images = index->decode(index->encode(queries));
  const Neighbors wanted = index->search(images, 10);
  const Neighbors found = search(PqSearch::By::symmetric);
  EXPECT_EQ(found.ids, wanted.ids);
  EXPECT_EQ(found.distances, wanted.distances);
  IndexFlat decoded(kDim);
  decoded.add(index->decode(index->encode(rows)));
  EXPECT_EQ(decoded.search(images, 10).ids, found.ids);
  const RangeNeighbors near = index->range_search(queries, 9, {.pq = PqSearch{PqSearch::By::symmetric}});
  EXPECT_EQ(near.ids, index->range_search(images, 9).ids);
}

TEST_P(PqSearches, PolysemousFindsAllThatDifferInFewBits) {
  const std::size_t bits = 8 * index->code_bytes();
  const Neighbors usual = search(PqSearch::By::asymmetric);
  EXPECT_EQ(usual.ids, index->search(queries, 10).ids);
  const Neighbors all = search(PqSearch::By::polysemous, bits + 1);
  EXPECT_EQ(all.ids, usual.ids);
  EXPECT_EQ(all.distances, usual.distances);
  // The slow way: those that differ in fewer than 16 bits.
  const std::vector<Byte> codes = index->encode(rows);
  const std::vector<Byte> wanted = index->encode(queries);
  const Neighbors found = search(PqSearch::By::polysemous, 16);
  for (std::size_t q = 0; q < queries.rows(); ++q) {
    std::vector<Id> near;
    for (std::size_t i = 0; i < rows.rows(); ++i) {
      int differing = 0;
      for (std::size_t b = 0; b < index->code_bytes(); ++b) {
        differing += std::popcount(
            static_cast<unsigned>(codes[i * index->code_bytes() + b] ^ wanted[q * index->code_bytes() + b]));
      }
      if (differing < 16) near.push_back(static_cast<Id>(i));
    }
    const Neighbors one = index->search(MatrixView(queries).slice(q, 1), 10, {.filter = select_batch(near)});
    EXPECT_TRUE(std::equal(one.ids.begin(), one.ids.end(), found.ids.begin() + static_cast<long>(10 * q))) << q;
  }
}

// Of the same number of codes looked at, an order finds more.
TEST(PolysemousSearch, FindsNearlyAllWithFewSums) {
  const Matrix all = synthetic_vectors({.rows = 6060, .dim = 16, .intrinsic_dim = 8});
  const MatrixView rows = MatrixView(all).slice(0, 6000);
  const MatrixView queries = MatrixView(all).slice(6000, 60);
  double recall[2] = {};
  const char* specs[2] = {"PQ8x8", "PQ8x8,order=polysemous"};
  for (int i = 0; i < 2; ++i) {
    const auto index = index_factory(16, specs[i]);
    index->train(rows);
    index->add(rows);
    const Neighbors truth = index->search(queries, 10);
    const Neighbors found = index->search(queries, 10, {.pq = PqSearch{PqSearch::By::polysemous}});
    for (std::size_t q = 0; q < 60; ++q) {
      for (std::size_t a = 0; a < 10; ++a) {
        const auto first = truth.ids.begin() + static_cast<long>(10 * q);
        recall[i] += std::count(first, first + 10, found.ids[10 * q + a]) ? 1 / 600.0 : 0;
      }
    }
  }
  EXPECT_GT(recall[1], 0.93);
  EXPECT_GT(recall[1], recall[0] + 0.05);
  ProductQuantizer quantizer(16, 8, 8);
  PqOptions options;
  options.order = PqOptions::Order::polysemous;
  quantizer.train(rows, options, {});
  std::vector<Byte> codes(6000 * 8);
  quantizer.encode(rows, codes.data());
  PolysemousFilter filter(quantizer, Metric::l2, queries, 27);
  struct {
    double threshold(std::size_t) const { return 1e30; }
    void take(std::size_t, std::size_t, const float*, Interval) { ++taken; }
    std::size_t taken = 0;
  } sink;
  filter.run({.codes = codes.data(), .count = 6000, .stride = 8}, sink);
  EXPECT_EQ(filter.summed(), sink.taken);
  EXPECT_LT(filter.summed(), 60u * 6000 / 5);
}

TEST(PqSearch, IsForProductQuantizers) {
  const Matrix rows = normal_rows(300, 16, 1);
  const auto refused = [&](const char* spec, Metric metric, Error::Kind kind, const char* words) {
    const auto index = index_factory(16, spec, metric);
    index->train(rows);
    index->add(rows);
    expect_error(kind, words, [&] { index->search(rows, 1, {.pq = PqSearch{PqSearch::By::polysemous}}); });
  };
  refused("Flat", Metric::l2, Error::invalid_argument, "only a product quantizer");
  refused("PQ4x4fs", Metric::l2, Error::unsupported, "row by row");
  refused("PQ4x4", Metric::l1, Error::unsupported, "L2");
  expect_error(Error::invalid_argument, "up to 8 bits", [] { index_factory(16, "PQ4x9,order=polysemous"); });
  expect_error(Error::invalid_argument, "order=x", [] { index_factory(16, "PQ4x4,order=x"); });
  EXPECT_EQ(index_factory(16, "PQ4x4np,order=polysemous")->spec(), "PQ4x4,order=polysemous");
}

}  // namespace
}  // namespace knear
