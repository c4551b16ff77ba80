#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

#include "core/rng.h"
#include "io/byte_fields.h"
#include "knear/knear.h"

namespace knear {
namespace {

std::vector<float> normal_rows(std::size_t rows, std::size_t dim, double centre = 0, std::uint64_t seed = 1) {
  Rng rng(seed);
  std::vector<float> values(rows * dim);
  for (float& value : values) value = static_cast<float>(centre + rng.normal());
  return values;
}

std::vector<Byte> codes_of(const Codec& codec, MatrixView rows) {
  std::vector<Byte> codes(rows.rows() * codec.code_bytes());
  codec.encode(rows, codes.data());
  return codes;
}

TEST(Lsh, ABitIsTheSignOfItsElement) {
  const auto codec = make_lsh_codec(10, Metric::l2);
  const std::vector<float> row = {1, -1, 0, -0.0f, -3, 4, -1, 1, -1, 1e-40f};
  EXPECT_EQ(codes_of(*codec, MatrixView(row, 10)), (std::vector<Byte>{0b10101101, 0b10}));
  const auto fewer = make_lsh_codec(10, Metric::l2, {.bits = 3});
  EXPECT_EQ(codes_of(*fewer, MatrixView(row, 10)), (std::vector<Byte>{0b101}));
  std::vector<float> back(10);
  fewer->decode(codes_of(*fewer, MatrixView(row, 10)).data(), 1, back.data());
  EXPECT_EQ(back, (std::vector<float>{1, -1, 1, 0, 0, 0, 0, 0, 0, 0}));
}

TEST(Lsh, SearchCountsDifferentBits) {
  for (const char* spec : {"LSH", "LSH20", "LSH100r", "LSHrt"}) {
    const std::size_t dim = 33;
    auto index = index_factory(dim, spec);
    const auto base = normal_rows(600, dim);
    const auto queries = normal_rows(20, dim, 0, 2);
    index->train(MatrixView(base, dim));
    index->add(MatrixView(base, dim));
    const auto codes = index->encode(MatrixView(base, dim));
    const auto query_codes = index->encode(MatrixView(queries, dim));
    const std::size_t bytes = index->code_bytes();
    const Neighbors found = index->search(MatrixView(queries, dim), 600);
    for (std::size_t q = 0; q < 20; ++q) {
      std::vector<std::pair<int, Id>> expected;
      for (std::size_t i = 0; i < 600; ++i) {
        int ones = 0;
        for (std::size_t b = 0; b < bytes; ++b)
          ones += std::popcount(static_cast<Byte>(codes[i * bytes + b] ^ query_codes[q * bytes + b]));
        expected.emplace_back(ones, static_cast<Id>(i));
      }
      std::sort(expected.begin(), expected.end());
      for (std::size_t i = 0; i < 600; ++i) {
        ASSERT_EQ(found.ids[q * 600 + i], expected[i].second);
        ASSERT_EQ(found.distances[q * 600 + i], static_cast<float>(expected[i].first));
      }
    }
  }
}

// Of two random directions, the share of different bits is the angle between them over pi.
TEST(Lsh, DistancesFollowTheAngle) {
  const std::size_t dim = 24;
  const auto codec = make_lsh_codec(dim, Metric::l2, {.bits = 4096, .rotated = true});
  std::vector<float> rows(3 * dim, 0.0f);
  rows[0] = 1;
  rows[dim] = 5, rows[dim + 1] = 5;
  rows[2 * dim + 1] = 0.1f;
  const auto codes = codes_of(*codec, MatrixView(rows, dim));
  const auto share = [&](std::size_t a, std::size_t b) {
    int ones = 0;
    for (std::size_t i = 0; i < 512; ++i)
      ones += std::popcount(static_cast<Byte>(codes[a * 512 + i] ^ codes[b * 512 + i]));
    return ones / 4096.0;
  };
  EXPECT_NEAR(share(0, 1), 0.25, 0.03);
  EXPECT_NEAR(share(0, 2), 0.5, 0.03);
}

TEST(Lsh, LearnsMediansAndHowFarValuesAreFromThem) {
  const auto rows = normal_rows(5000, 4, 10);
  for (const bool rotated : {false, true}) {
    const auto codec =
        make_lsh_codec(4, Metric::l2, {.rotated = rotated, .thresholds = true})->trained(MatrixView(rows, 4), {});
    const auto codes = codes_of(*codec, MatrixView(rows, 4));
    for (std::size_t b = 0; b < 4; ++b) {
      const auto above = std::count_if(codes.begin(), codes.end(), [&](Byte code) { return (code >> b & 1) != 0; });
      EXPECT_EQ(above, 2500);
    }
    std::vector<float> back(rows.size());
    codec->decode(codes.data(), 5000, back.data());
    double error = 0;
    for (std::size_t i = 0; i < rows.size(); ++i) error += std::pow(double{rows[i]} - back[i], 2);
    EXPECT_NEAR(error / static_cast<double>(rows.size()), 1 - 2 / 3.14159, 0.03);  // the best that one bit can do
  }
}

TEST(Lsh, HasOneSpellingAndSaysWhatIsWrong) {
  for (const char* text : {"LSH", "LSH8", "LSHr", "LSHt", "LSHrt", "LSH64r", "LSH64rt"}) {
    EXPECT_EQ(index_factory(16, text)->spec(), text);
  }
  EXPECT_EQ(index_factory(16, "LSH16r")->spec(), "LSHr");
  EXPECT_EQ(IndexLSH(16, 64).spec(), "LSH64r");
  for (const char* text : {"LSH17", "LSH0", "LSH8tr", "LSHx", "LSH70000r", "LSH,range=uniform"}) {
    EXPECT_THROW(index_factory(16, text), Error) << text;
  }
  for (const Metric metric : {Metric::inner_product, Metric::cosine, Metric::l1}) {
    EXPECT_THROW(index_factory(16, "LSH", metric), Error);
  }
}

TEST(Lsh, StaysFiniteWhereFloatsEnd) {
  const float most = std::numeric_limits<float>::max();
  const std::vector<float> rows = {most, -most, most, most, -most, most, most, -most};
  const auto codec =
      make_lsh_codec(4, Metric::l2, {.rotated = true, .thresholds = true})->trained(MatrixView(rows, 4), {});
  ByteSink sink;
  codec->write(sink);
  ByteSource source(sink.bytes(), "test");
  make_lsh_codec(4, Metric::l2, {.rotated = true, .thresholds = true})->read(source);
  source.done();
}

TEST(Lsh, RefusesNumbersThatNoTrainingGives) {
  for (const float reach : {-1.0f, std::numeric_limits<float>::infinity(), std::nanf("")}) {
    ByteSink sink;
    sink.floats(std::vector<float>{0, 1, 1, reach});
    ByteSource source(sink.bytes(), "test");
    EXPECT_THROW(make_lsh_codec(2, Metric::l2, {.thresholds = true})->read(source), Error) << reach;
  }
}

}  // namespace
}  // namespace knear
