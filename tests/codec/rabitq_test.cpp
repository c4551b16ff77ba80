#include "codec/rabitq.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <set>

#include "core/rng.h"
#include "knear/knear.h"
#include "support/normals.h"

namespace knear {
namespace {

// Rows around a few centres.
std::vector<float> clustered(std::size_t rows, std::size_t dim, std::uint64_t seed) {
  const std::vector<float> centres = normals(20 * dim, 77);
  std::vector<float> values = normals(rows * dim, seed);
  Rng rng(seed);
  for (std::size_t i = 0; i < rows; ++i) {
    const std::size_t c = rng.below(20);
    for (std::size_t j = 0; j < dim; ++j) values[i * dim + j] = centres[c * dim + j] + 0.6f * values[i * dim + j];
  }
  return values;
}

std::unique_ptr<Codec> trained_codec(std::size_t dim, Metric metric, std::size_t bits, const std::vector<float>& rows) {
  return make_rabitq_codec(dim, metric, {.bits = bits})->trained(MatrixView(rows, dim), {});
}

std::vector<Byte> codes_of(const Codec& codec, const std::vector<float>& rows) {
  std::vector<Byte> codes(rows.size() / codec.dim() * codec.code_bytes());
  codec.encode(MatrixView(rows, codec.dim()), codes.data());
  return codes;
}

double true_distance(Metric metric, const float* q, const float* x, std::size_t dim) {
  double squares = 0, product = 0, qq = 0, xx = 0;
  for (std::size_t j = 0; j < dim; ++j) {
    squares += (double{q[j]} - x[j]) * (double{q[j]} - x[j]);
    product += double{q[j]} * x[j];
    qq += double{q[j]} * q[j];
    xx += double{x[j]} * x[j];
  }
  if (metric == Metric::l2) return squares;
  return metric == Metric::cosine ? -product / std::sqrt(qq * xx) : -product;
}

TEST(Rabitq, EstimatesHaveNoBiasAndKeepTheirBound) {
  constexpr std::size_t dim = 96;
  constexpr std::size_t n = 3000;
  const std::vector<float> rows = normals(n * dim, 1);
  const std::vector<float> queries = normals(8 * dim, 2);
  for (const Metric metric : std::initializer_list<Metric>{Metric::l2, Metric::inner_product, Metric::cosine}) {
    for (const std::size_t bits : std::initializer_list<std::size_t>{1, 2, 4, 7, 9}) {
      SCOPED_TRACE(testing::Message() << name_of(metric) << ", " << bits << " bits");
      const auto codec = trained_codec(dim, metric, bits, rows);
      const auto& rabitq = dynamic_cast<const RabitqCodec&>(*codec);
      const std::vector<Byte> codes = codes_of(*codec, rows);
      double sum = 0, within = 0;
      for (std::size_t q = 0; q < 8; ++q) {
        std::vector<RabitqCodec::Estimate> estimates(n);
        rabitq.estimate(queries.data() + q * dim, codes.data(), n, estimates.data());
        for (std::size_t i = 0; i < n; ++i) {
          const double gap =
              estimates[i].distance - true_distance(metric, queries.data() + q * dim, rows.data() + i * dim, dim);
          sum += gap / estimates[i].error;
          within += std::abs(gap) <= estimates[i].error;
        }
      }
      EXPECT_LT(std::abs(sum / (8 * n)), 0.03);
      EXPECT_NEAR(within / (8 * n), 0.943, 0.015);  // of normal numbers
    }
  }
}

TEST(Rabitq, MoreBitsHaveLessError) {
  constexpr std::size_t dim = 64;
  const std::vector<float> rows = normals(500 * dim, 1);
  double last = std::numeric_limits<double>::infinity();
  for (std::size_t bits = 1; bits <= 9; ++bits) {
    const auto codec = trained_codec(dim, Metric::l2, bits, rows);
    std::vector<float> decoded(rows.size());
    codec->decode(codes_of(*codec, rows).data(), 500, decoded.data());
    double error = 0;
    for (std::size_t i = 0; i < rows.size(); ++i) error += std::pow(double{rows[i]} - decoded[i], 2);
    error /= static_cast<double>(rows.size());
    EXPECT_LT(error, last * (bits == 1 ? 1 : 0.45)) << bits;
    if (bits == 1) {
      EXPECT_NEAR(error, 1 - 2 / 3.14159, 0.02);
    }
    last = error;
  }
}

// The search that decodes nothing it can rule out, and the estimate of every code on its own.
TEST(Rabitq, SearchRanksAllCodesByTheirEstimates) {
  for (const std::size_t dim : std::initializer_list<std::size_t>{1, 2, 7, 33, 128}) {
    for (const std::size_t bits : std::initializer_list<std::size_t>{1, 2, 5, 9}) {
      for (const Metric metric : std::initializer_list<Metric>{Metric::l2, Metric::inner_product, Metric::cosine}) {
        SCOPED_TRACE(testing::Message() << dim << " dimensions, " << bits << " bits, " << name_of(metric));
        constexpr std::size_t n = 1500;
        const std::vector<float> rows = clustered(n, dim, 1);
        const std::vector<float> queries = clustered(5, dim, 2);
        const auto codec = trained_codec(dim, metric, bits, rows);
        const std::vector<Byte> codes = codes_of(*codec, rows);
        ScanIndex index(make_rabitq_codec(dim, metric, {.bits = bits}));
        index.train(MatrixView(rows, dim));
        index.add(MatrixView(rows, dim));
        const Neighbors found = index.search(MatrixView(queries, dim), 20);
        for (std::size_t q = 0; q < 5; ++q) {
          std::vector<RabitqCodec::Estimate> estimates(n);
          dynamic_cast<const RabitqCodec&>(*codec).estimate(queries.data() + q * dim, codes.data(), n,
                                                            estimates.data());
          std::vector<Id> order(n);
          std::iota(order.begin(), order.end(), Id{0});
          std::stable_sort(order.begin(), order.end(), [&](Id a, Id b) {
            return estimates[static_cast<std::size_t>(a)].distance < estimates[static_cast<std::size_t>(b)].distance;
          });
          order.resize(20);
          EXPECT_TRUE(std::equal(order.begin(), order.end(), found.ids.begin() + static_cast<long>(q * 20)));
          const double best = estimates[static_cast<std::size_t>(order[0])].distance;
          EXPECT_EQ(found.distances[q * 20], static_cast<float>(metric == Metric::l2 ? best : -best));
        }
      }
    }
  }
}

TEST(Rabitq, RecallGrowsWithBits) {
  constexpr std::size_t dim = 100;
  constexpr std::size_t n = 4000;
  const std::vector<float> rows = clustered(n, dim, 1);
  const std::vector<float> queries = clustered(50, dim, 2);
  IndexFlatL2 exact(dim);
  exact.add(MatrixView(rows, dim));
  const Neighbors right = exact.search(MatrixView(queries, dim), 10);
  const std::vector<std::pair<std::size_t, double>> floors{{1, 0.25}, {2, 0.5}, {4, 0.78}, {7, 0.95}, {9, 0.98}};
  for (const auto& [bits, floor] : floors) {
    IndexRaBitQ index(dim, Metric::l2, bits);
    index.train(MatrixView(rows, dim));
    index.add(MatrixView(rows, dim));
    const Neighbors found = index.search(MatrixView(queries, dim), 10);
    double hits = 0;
    for (std::size_t q = 0; q < 50; ++q) {
      const auto at = static_cast<long>(q * 10);
      const std::set<Id> ids(right.ids.begin() + at, right.ids.begin() + at + 10);
      for (long i = 0; i < 10; ++i) hits += static_cast<double>(ids.count(found.ids[static_cast<std::size_t>(at + i)]));
    }
    EXPECT_GE(hits / 500, floor) << bits << " bits";
  }
}

TEST(Rabitq, OddRowsAreFoundOrNeverFound) {
  constexpr std::size_t dim = 20;
  std::vector<float> rows = normals(40 * dim, 1);
  std::fill_n(rows.begin(), dim, 0.0f);
  for (std::size_t j = 0; j < dim; ++j) {
    rows[dim + j] *= 1e25f;
    rows[2 * dim + j] *= 1e-30f;
  }
  for (const std::size_t bits : std::initializer_list<std::size_t>{1, 4}) {
    ScanIndex index(make_rabitq_codec(dim, Metric::l2, {.bits = bits, .centre = RabitqOptions::Centre::none}));
    EXPECT_TRUE(index.is_trained());
    index.add(MatrixView(rows, dim));
    std::vector<float> bad(dim, 1.0f);
    bad[3] = std::numeric_limits<float>::quiet_NaN();
    index.add(MatrixView(bad, dim), {.nan_policy = NanPolicy::keep});
    const Neighbors found = index.search(MatrixView(rows, dim).slice(0, 3), 41);
    for (std::size_t q = 0; q < 3; ++q) EXPECT_EQ(found.counts[q], 40u);
    EXPECT_EQ(found.ids[0], 0);
    EXPECT_EQ(found.ids[41], 1);  // the only one as far away
  }
}

TEST(Rabitq, TokensAndWrongOnes) {
  const auto spec_of = [](const std::string& text) { return index_factory(16, text)->spec(); };
  EXPECT_EQ(spec_of("RaBitQ"), "RaBitQ");
  EXPECT_EQ(spec_of("RaBitQ1,rotate=hadamard"), "RaBitQ");
  EXPECT_EQ(spec_of("RaBitQ4,centre=none,rotate=none"), "RaBitQ4,rotate=none,centre=none");
  EXPECT_THROW(spec_of("RaBitQ0"), Error);
  EXPECT_THROW(spec_of("RaBitQ10"), Error);
  EXPECT_THROW(spec_of("RaBitQ4x"), Error);
  EXPECT_THROW(spec_of("RaBitQ,rotate=maybe"), Error);
  EXPECT_EQ(make_rabitq_codec(784, Metric::l2)->code_bytes(), 106u);
  EXPECT_EQ(make_rabitq_codec(784, Metric::l2, {.bits = 4})->code_bytes(), 404u);
  Rng rng(1);
  std::vector<Byte> code(106);
  std::vector<float> query(784);
  RabitqCodec::Estimate estimate{};
  EXPECT_THROW(make_rabitq_codec(784, Metric::l1)->estimate(query.data(), code.data(), 1, &estimate), Error);
}

TEST(Rabitq, TrainingIsTheSameForAnyNumberOfThreadsAndRefusesWhatItCannotUse) {
  constexpr std::size_t dim = 12;
  const std::vector<float> rows = normals(9000 * dim, 3);
  TrainOptions one, many;
  one.run.num_threads = 1;
  many.run.num_threads = 7;
  IndexRaBitQ a(dim), b(dim);
  a.train(MatrixView(rows, dim), one);
  b.train(MatrixView(rows, dim), many);
  EXPECT_EQ(to_bytes(a), to_bytes(b));
  EXPECT_THROW(a.train(MatrixView(rows, dim).slice(0, 0)), Error);
}

TEST(Rabitq, DamagedFilesAreErrors) {
  constexpr std::size_t dim = 24;
  const std::vector<float> rows = normals(100 * dim, 3);
  IndexRaBitQ index(dim, Metric::l2, 4);
  index.train(MatrixView(rows, dim));
  index.add(MatrixView(rows, dim));
  const std::vector<Byte> good = to_bytes(index);
  EXPECT_EQ(from_bytes(good)->size(), 100u);
  for (std::size_t cut = 0; cut < good.size(); cut += 97) {
    EXPECT_THROW(from_bytes(std::span(good).first(cut)), Error) << cut;
  }
}

}  // namespace
}  // namespace knear
