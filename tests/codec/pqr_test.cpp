// Two product quantizers, the second for what the first leaves.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>

#include "codec/product_quantizer.h"
#include "codec/two_table_filter.h"
#include "core/expect_error.h"
#include "core/rng.h"
#include "io/byte_fields.h"
#include "knear/knear.h"
#include "support/reference.h"
#include "witness.h"

namespace knear {
namespace {

constexpr std::size_t kDim = 24;
constexpr std::size_t kRows = 2000;

Matrix normal_rows(std::size_t n, std::uint64_t seed, double scale = 1, double offset = 0) {
  Rng rng(seed);
  Matrix rows(DType::f32, n, kDim);
  for (std::size_t i = 0; i < n * kDim; ++i) rows.floats()[i] = static_cast<float>(offset + scale * rng.normal());
  return rows;
}

PqrOptions options_of(std::size_t subs, std::size_t bits, std::size_t fine_subs, std::size_t fine_bits) {
  PqrOptions options;
  options.coarse = {.subs = subs, .bits = bits, .niter = 6};
  options.fine = {.subs = fine_subs, .bits = fine_bits, .niter = 6};
  return options;
}

double error_of(const Codec& codec, const Matrix& rows) {
  std::vector<Byte> codes(rows.rows() * codec.code_bytes());
  codec.encode(rows, codes.data());
  Matrix decoded(DType::f32, rows.rows(), kDim);
  codec.decode(codes.data(), rows.rows(), decoded.floats());
  double sum = 0;
  for (std::size_t i = 0; i < rows.rows(); ++i) {
    sum += reference_distance(Metric::l2, rows.floats() + i * kDim, decoded.floats() + i * kDim, kDim);
  }
  return sum / static_cast<double>(rows.rows());
}

TEST(Pqr, TheSecondQuantizerTakesErrorAway) {
  const Matrix rows = normal_rows(kRows, 1);
  const auto one = make_pq_codec(kDim, Metric::l2, {.subs = 4, .bits = 6})->trained(rows, {});
  const auto two = make_pqr_codec(kDim, Metric::l2, options_of(4, 6, 6, 6))->trained(rows, {});
  const auto more = make_pqr_codec(kDim, Metric::l2, options_of(4, 6, 12, 6))->trained(rows, {});
  EXPECT_LT(error_of(*two, rows), 0.6 * error_of(*one, rows));
  EXPECT_LT(error_of(*more, rows), 0.5 * error_of(*two, rows));
}

TEST(Pqr, UnderL2ACodeEndsWithItsSquaredLength) {
  const Matrix rows = normal_rows(300, 1);
  const auto codec = make_pqr_codec(kDim, Metric::l2, options_of(4, 8, 3, 5))->trained(rows, {});
  EXPECT_EQ(codec->code_bytes(), 4u + 2u + 4u);
  EXPECT_EQ(make_pqr_codec(kDim, Metric::cosine, options_of(4, 8, 3, 5))->code_bytes(), 6u);
  std::vector<Byte> codes(300 * 10);
  codec->encode(rows, codes.data());
  const std::vector<float> zero(kDim);
  for (std::size_t i = 0; i < 300; ++i) {
    std::vector<float> row(kDim);
    codec->decode(codes.data() + i * 10, 1, row.data());
    float square;
    std::memcpy(&square, codes.data() + i * 10 + 6, 4);
    EXPECT_NEAR(square, reference_distance(Metric::l2, zero.data(), row.data(), kDim), 1e-5);
  }
}

TEST(TwoTableFilter, LosesNoRowAndItsIntervalsHold) {
  struct Values {
    double scale;
    double offset;
  };
  for (const auto& [scale, offset] : {Values{1, 0}, {1e-3, 1e3}, {1e15, 0}, {1e18, 0}, {1e19, 0}, {1e-22, 0}, {0, 5}}) {
    for (const Metric metric : {Metric::l2, Metric::inner_product}) {
      for (const std::size_t bits : {5u, 8u}) {
        if (bits == 8 && scale != 1) continue;
        SCOPED_TRACE(testing::Message() << bits << " bits, scale " << scale);
        const PqrOptions options = options_of(6, bits, 8, bits);
        const Matrix rows = normal_rows(kRows, 3, scale, offset);
        const Matrix queries = normal_rows(9, 4, scale, offset);
        const auto codec = make_pqr_codec(kDim, metric, options)->trained(rows, {});
        ByteSink learned;
        codec->write(learned);
        ByteSource source(learned.bytes(), "codec");
        ProductQuantizer coarse(kDim, 6, bits), fine(kDim, 8, bits);
        coarse.read(source);
        fine.read(source);
        std::vector<Byte> codes(kRows * codec->code_bytes());
        codec->encode(rows, codes.data());
        Matrix decoded(DType::f32, kRows, kDim);
        codec->decode(codes.data(), kRows, decoded.floats());
        Witness witness{metric, decoded, queries, {}, {}};
        std::vector<double> orders = witness.distances;
        for (std::size_t q = 0; q < 9; ++q) {
          const auto first = orders.begin() + static_cast<std::ptrdiff_t>(q * kRows);
          std::sort(first, first + static_cast<std::ptrdiff_t>(kRows));
        }
        for (const std::size_t place : {0u, 1u, 20u, 500u, 1999u}) {
          witness.thresholds.clear();
          for (std::size_t q = 0; q < 9; ++q) witness.thresholds.push_back(orders[q * kRows + place]);
          witness.passed.assign(9, std::vector<bool>(kRows));
          TwoTableFilter filter(coarse, fine, metric.kind, queries);
          filter.run({codes.data(), kRows, static_cast<std::ptrdiff_t>(codec->code_bytes())}, witness);
          witness.expect_complete();
          if (scale == 1 && place == 0) {
            std::size_t passed = 0;
            for (const auto& row : witness.passed) passed += static_cast<std::size_t>(std::ranges::count(row, true));
            EXPECT_LT(passed, 30u) << "few but the nearest";
          }
        }
      }
    }
  }
}

TEST(Pqr, TrainsTheSameByAnyThreadsAndFromRowsOfAnyType) {
  const Matrix rows = normal_rows(1500, 5, 20);
  const auto untrained = make_pqr_codec(kDim, Metric::l2, options_of(6, 5, 8, 5));
  std::vector<std::int8_t> small(1500 * kDim);
  Matrix plain(DType::f32, 1500, kDim);
  Matrix wide(DType::f32, 1500, kDim + 3);
  for (std::size_t i = 0; i < small.size(); ++i) {
    small[i] = static_cast<std::int8_t>(rows.floats()[i]);
    plain.floats()[i] = small[i];
    wide.floats()[i / kDim * (kDim + 3) + i % kDim] = small[i];
  }
  const auto learned = [&](MatrixView view, std::size_t threads) {
    TrainOptions options;
    options.run.num_threads = threads;
    const auto codec = untrained->trained(view, options);
    std::vector<Byte> bytes = learned_bytes(*codec);
    const std::size_t at = bytes.size();
    bytes.resize(at + 1500 * codec->code_bytes());
    codec->encode(view, bytes.data() + at);
    return bytes;
  };
  const std::vector<Byte> expected = learned(plain, 1);
  EXPECT_EQ(learned(plain, 4), expected);
  EXPECT_EQ(learned(MatrixView(small.data(), DType::i8, 1500, kDim), 2), expected);
  EXPECT_EQ(learned(MatrixView(wide.data(), DType::f32, 1500, kDim, (kDim + 3) * 4), 2), expected);
}

TEST(Pqr, FewQueriesAndManyFindTheSame) {
  const Matrix rows = normal_rows(kRows, 7);
  const Matrix queries = normal_rows(60, 8);
  for (const char* spec : {"PQ4+8", "PQ4x5+6x9", "PQ4x11+6", "IVF9,nprobe=3,PQ4+8", "IVF9,by_residual=off,PQ4+8"}) {
    for (const Metric metric : {Metric::l2, Metric::inner_product}) {
      const auto index = index_factory(kDim, spec, metric);
      index->train(normal_rows(2500, 9));
      index->add(rows);
      const Neighbors all = index->search(queries, 10);
      for (std::size_t q = 0; q < 60; ++q) {
        const Neighbors one = index->search(MatrixView(queries).slice(q, 1), 10);
        ASSERT_TRUE(std::equal(one.ids.begin(), one.ids.end(), all.ids.begin() + static_cast<long>(q * 10))) << spec;
        ASSERT_EQ(0, std::memcmp(one.distances.data(), all.distances.data() + q * 10, 40)) << spec;
      }
    }
  }
}

TEST(Pqr, RowsOfOneValueTrainAndSearch) {
  const auto index = index_factory(kDim, "PQ6x4+4x5");
  const Matrix same = normal_rows(300, 1, 0, 7);
  index->train(same);
  index->add(same);
  const Neighbors found = index->search(MatrixView(same).slice(0, 1), 3);
  EXPECT_EQ(found.ids, (std::vector<Id>{0, 1, 2}));
  EXPECT_EQ(found.distances[0], 0);
}

TEST(Pqr, RowsOfAnySizeAndNoNumbersGetCodes) {
  constexpr float most = std::numeric_limits<float>::max();
  Matrix rows = normal_rows(400, 1, 5e37);
  const auto codec = make_pqr_codec(kDim, Metric::l2, options_of(4, 4, 4, 4))->trained(rows, {});
  for (std::size_t j = 0; j < kDim; ++j) rows.floats()[j] = j % 2 ? most : -most;
  rows.floats()[kDim] = std::numeric_limits<float>::quiet_NaN();
  rows.floats()[2 * kDim] = std::numeric_limits<float>::infinity();
  std::vector<Byte> codes(400 * codec->code_bytes());
  codec->encode(rows, codes.data());
  Matrix decoded(DType::f32, 400, kDim);
  codec->decode(codes.data(), 400, decoded.floats());
  for (std::size_t i = 0; i < 400 * kDim; ++i) EXPECT_TRUE(std::isfinite(decoded.floats()[i]));
}

TEST(Pqr, ErrorsSayWhatIsWrong) {
  const auto kind = Error::invalid_argument;
  expect_error(kind, "multiple of 7", [] { index_factory(24, "PQ7+8"); });
  expect_error(kind, "multiple of 7", [] { index_factory(24, "PQ8+7"); });
  expect_error(kind, "1 to 16 bits, not 17", [] { index_factory(24, "PQ6+6x17"); });
  expect_error(kind, "not 0", [] { index_factory(24, "PQ6x0+6"); });
  expect_error(kind, "not 0", [] { index_factory(24, "PQ0+8"); });
  expect_error(kind, "not 25", [] { index_factory(24, "PQ6+25"); });
  expect_error(kind, "lacks", [] { index_factory(24, "PQ8+"); });
  expect_error(kind, "lacks", [] { index_factory(24, "PQ+8"); });
  for (const char* spec : {"PQ8x4fs+8", "PQ8+8x4fs", "PQ8+8+8", "PQ8-8+8", "PQ8+8np", "PQ8+8,order=polysemous"}) {
    expect_error(kind, "", [&] { index_factory(24, spec); });
  }
  expect_error(kind, "256", [] { index_factory(24, "PQ6x4+6")->train(normal_rows(255, 1)); });
  expect_error(kind, "other searches", [] {
    const auto index = index_factory(24, "PQ6x4+6x4");
    index->train(normal_rows(50, 1));
    index->search(normal_rows(1, 1), 1, {.pq = PqSearch{.by = PqSearch::By::symmetric}});
  });
  PqrOptions fast;
  fast.fine.layout = CodeLayout::planes;
  expect_error(kind, "row by row", [&] { make_pqr_codec(24, Metric::l2, fast); });
}

TEST(Pqr, KnowsTheNamesOfTheField) {
  EXPECT_EQ(index_factory(24, "PQ6+8")->spec(), "PQ6x8+8x8");
  EXPECT_EQ(index_factory(24, "PQ6x4+8x10")->spec(), "PQ6x4+8x10");
  EXPECT_EQ(index_factory(24, "PQ6x4fs")->spec(), "PQ6x4fs");
  EXPECT_EQ(IndexIVFPQR(std::make_shared<IndexFlatL2>(24), 24, 10, 6, 8, 12, 4).spec(), "IVF10,PQ6x8+12x4");
}

TEST(Pqr, DamagedCentroidsAreCorruptFiles) {
  const auto untrained = make_pqr_codec(kDim, Metric::l2, options_of(6, 4, 8, 3));
  std::vector<Byte> bytes = learned_bytes(*untrained->trained(normal_rows(100, 1), {}));
  const auto read = [&](std::span<const Byte> some) {
    ByteSource source(some, "codec");
    make_pqr_codec(kDim, Metric::l2, options_of(6, 4, 8, 3))->read(source);
    source.done();
  };
  read(bytes);
  expect_error(Error::corrupt_file, "too early", [&] { read(std::span(bytes).first(bytes.size() - 1)); });
  bytes.push_back(0);
  expect_error(Error::corrupt_file, "more", [&] { read(bytes); });
  bytes.pop_back();
  for (std::size_t i = 0; i < 4; ++i) bytes[bytes.size() - 4 + i] = 0xff;
  expect_error(Error::corrupt_file, "nan", [&] { read(bytes); });
}

}  // namespace
}  // namespace knear
