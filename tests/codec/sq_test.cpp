#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "core/rng.h"
#include "io/byte_fields.h"
#include "knear/knear.h"

namespace knear {
namespace {

// Each dimension with a centre and a spread of its own.
std::vector<float> normal_rows(std::size_t rows, std::size_t dim, std::uint64_t seed = 1) {
  Rng rng(seed);
  std::vector<float> values(rows * dim);
  for (std::size_t i = 0; i < values.size(); ++i) {
    const auto j = static_cast<double>(i % dim);
    values[i] = static_cast<float>(10 * j + (1 + j) * rng.normal());
  }
  return values;
}

std::unique_ptr<Codec> taught(const SqOptions& options, MatrixView rows, std::size_t threads = 0) {
  TrainOptions train;
  train.run.num_threads = threads;
  return make_sq_codec(rows.dim(), Metric::l2, options)->trained(rows, train);
}

std::vector<Byte> learned(const Codec& codec) {
  ByteSink sink;
  codec.write(sink);
  return {sink.bytes().begin(), sink.bytes().end()};
}

std::vector<float> there_and_back(const Codec& codec, MatrixView rows) {
  std::vector<Byte> codes(rows.rows() * codec.code_bytes());
  codec.encode(rows, codes.data());
  std::vector<float> back(rows.rows() * rows.dim());
  codec.decode(codes.data(), rows.rows(), back.data());
  return back;
}

double squared_error(const SqOptions& options, const std::vector<float>& rows, std::size_t dim) {
  const auto back = there_and_back(*taught(options, MatrixView(rows, dim)), MatrixView(rows, dim));
  double sum = 0;
  for (std::size_t i = 0; i < rows.size(); ++i) sum += (double{rows[i]} - back[i]) * (double{rows[i]} - back[i]);
  return sum;
}

// The first and the last value of dimension j's range.
std::pair<float, float> range_of(const Codec& codec, std::size_t j) {
  std::vector<Byte> codes(codec.code_bytes(), 0);
  std::vector<float> row(codec.dim());
  codec.decode(codes.data(), 1, row.data());
  const float low = row[j];
  std::fill(codes.begin(), codes.end(), Byte{255});
  codec.decode(codes.data(), 1, row.data());
  return {low, row[j]};
}

TEST(ScalarQuantizer, IsOffByHalfAStepAtMost) {
  for (const std::size_t bits : {4u, 6u, 8u}) {
    for (const std::size_t dim : {1u, 2u, 3u, 5u, 17u, 4096u}) {
      const auto rows = normal_rows(60, dim);
      const MatrixView view(rows, dim);
      const auto codec = taught({.bits = bits}, view);
      EXPECT_EQ(codec->code_bytes(), (bits * dim + 7) / 8);
      const auto back = there_and_back(*codec, view);
      for (std::size_t j = 0; j < dim; ++j) {
        const auto [low, high] = range_of(*codec, j);
        const double step = (double{high} - low) / static_cast<double>((1u << bits) - 1);
        for (std::size_t i = j; i < rows.size(); i += dim)
          ASSERT_LE(std::abs(rows[i] - back[i]), 0.501 * step + 1e-6 * std::abs(rows[i]));
      }
      EXPECT_EQ(there_and_back(*codec, MatrixView(back, dim)), back);
    }
  }
}

TEST(ScalarQuantizer, PacksTheFirstElementIntoTheLowestBits) {
  const std::vector<float> ends = {0, 0, 0, 0, 0, 15, 15, 15, 15, 15};
  const std::vector<float> row = {1, 2, 3, 4, 5};
  std::vector<Byte> code(3);
  taught({.bits = 4}, MatrixView(ends, 5))->encode(MatrixView(row, 5), code.data());
  EXPECT_EQ(code, (std::vector<Byte>{0x21, 0x43, 0x05}));
  const std::vector<float> wide = {0, 0, 0, 0, 0, 63, 63, 63, 63, 63};
  code.resize(4);
  taught({.bits = 6}, MatrixView(wide, 5))->encode(MatrixView(row, 5), code.data());
  EXPECT_EQ(code, (std::vector<Byte>{0x81, 0x30, 0x10, 0x05}));
}

TEST(ScalarQuantizer, KeepsConstantDimensions) {
  std::vector<float> rows = normal_rows(100, 3);
  for (std::size_t i = 0; i < 100; ++i) rows[3 * i + 1] = 0.1f;
  for (const SqStatistic statistic :
       {SqStatistic::minmax, SqStatistic::meanstd, SqStatistic::quantiles, SqStatistic::optim}) {
    const auto back = there_and_back(*taught({.statistic = statistic}, MatrixView(rows, 3)), MatrixView(rows, 3));
    for (std::size_t i = 0; i < 100; ++i) EXPECT_EQ(back[3 * i + 1], 0.1f);
  }
  const std::vector<float> one_row = {1, 2, 3};
  EXPECT_EQ(there_and_back(*taught({}, MatrixView(one_row, 3)), MatrixView(one_row, 3)), one_row);
}

TEST(ScalarQuantizer, StatisticsMakeTheRangesTheyName) {
  const auto rows = normal_rows(20000, 2);
  const MatrixView view(rows, 2);
  float low = rows[1], high = rows[1];
  for (std::size_t i = 1; i < rows.size(); i += 2) low = std::min(low, rows[i]), high = std::max(high, rows[i]);
  const auto near = [&](const SqOptions& options, double a, double b, double error) {
    const auto range = range_of(*taught(options, view), 1);
    EXPECT_NEAR(range.first, a, error);
    EXPECT_NEAR(range.second, b, error);
  };
  near({}, low, high, 1e-4);
  const double margin = 0.25 * (high - low);
  near({.argument = 0.25f}, low - margin, high + margin, 1e-4);
  near({.statistic = SqStatistic::meanstd, .argument = 2.0f}, 10 - 4, 10 + 4, 0.1);
  near({.statistic = SqStatistic::quantiles, .argument = 0.1f}, 10 - 2 * 1.2816, 10 + 2 * 1.2816, 0.1);
  const auto [all_low, all_high] = std::minmax_element(rows.begin(), rows.end());
  near({.range = SqRange::uniform}, *all_low, *all_high, 1e-4);
  for (const SqRange range : {SqRange::dimension, SqRange::uniform}) {
    const SqOptions optim{.bits = 4, .range = range, .statistic = SqStatistic::optim};
    EXPECT_LT(squared_error(optim, rows, 2), 0.9 * squared_error({.bits = 4, .range = range}, rows, 2));
  }
}

TEST(ScalarQuantizer, LearnsTheSameFromAnyKindOfRowsAndThreads) {
  Rng rng(3);
  std::vector<Byte> bytes(5000 * 7);
  for (Byte& b : bytes) b = static_cast<Byte>(rng.below(200));
  const MatrixView view(bytes.data(), DType::u8, 5000, 5, 7);
  std::vector<float> floats;
  for (std::size_t i = 0; i < 5000; ++i)
    floats.insert(floats.end(), bytes.begin() + static_cast<long>(7 * i), bytes.begin() + static_cast<long>(7 * i + 5));
  for (const SqStatistic statistic :
       {SqStatistic::minmax, SqStatistic::meanstd, SqStatistic::quantiles, SqStatistic::optim}) {
    for (const SqRange range : {SqRange::dimension, SqRange::uniform}) {
      const SqOptions options{.range = range, .statistic = statistic};
      const auto expected = learned(*taught(options, MatrixView(floats, 5), 1));
      EXPECT_EQ(learned(*taught(options, view, 1)), expected);
      EXPECT_EQ(learned(*taught(options, view, 4)), expected);
    }
  }
}

// Few queries are summed up over codes, many by the tile: neither may lose a neighbour, also where float32 is coarse.
TEST(ScalarQuantizer, FindsTheSameForFewQueriesAsForMany) {
  constexpr std::size_t kDim = 37;
  for (const Metric metric : {Metric::l2, Metric::inner_product}) {
    for (const float shift : {0.0f, 1e4f, 3e17f}) {
      std::vector<float> values = normal_rows(2000, kDim);
      std::vector<float> asked = normal_rows(64, kDim, 2);
      for (float& value : values) value += shift;
      for (float& value : asked) value += shift;
      for (const std::size_t bits : {4u, 6u, 8u}) {
        const auto index = index_factory(kDim, "SQ" + std::to_string(bits), metric);
        index->train(MatrixView(values, kDim));
        index->add(MatrixView(values, kDim));
        const MatrixView queries(asked, kDim);
        const Neighbors many = index->search(queries, 10);
        for (const std::size_t batch : {1u, 3u, 4u}) {
          for (std::size_t first = 0; first + batch <= 16; first += batch) {
            const Neighbors few = index->search(queries.slice(first, batch), 10);
            for (std::size_t i = 0; i < batch * 10; ++i) {
              ASSERT_EQ(few.ids[i], many.ids[first * 10 + i]) << "SQ" << bits << ", shift " << shift;
              ASSERT_EQ(few.distances[i], many.distances[first * 10 + i]);
            }
          }
        }
      }
    }
  }
}

TEST(ScalarQuantizer, StaysFiniteWhereFloatsEnd) {
  const float most = std::numeric_limits<float>::max();
  const std::vector<float> rows = {-most, most, 0, 1e-42f, most, -most, 1, 2e-42f};
  for (const SqStatistic statistic :
       {SqStatistic::minmax, SqStatistic::meanstd, SqStatistic::quantiles, SqStatistic::optim}) {
    for (const SqRange range : {SqRange::dimension, SqRange::uniform}) {
      for (const std::size_t bits : {4u, 6u, 8u}) {
        const auto codec = taught({bits, range, statistic, {}}, MatrixView(rows, 4));
        for (const float value : there_and_back(*codec, MatrixView(rows, 4))) EXPECT_TRUE(std::isfinite(value));
        const auto again = make_sq_codec(4, Metric::l2, {bits, range, statistic, {}});
        const auto bytes = learned(*codec);
        ByteSource source(bytes, "test");
        again->read(source);
        source.done();
        EXPECT_EQ(learned(*again), bytes);
      }
    }
  }
}

TEST(ScalarQuantizer, RefusesNumbersThatNoTrainingGives) {
  const float inf = std::numeric_limits<float>::infinity();
  for (const auto& [offset, step] : std::initializer_list<std::pair<float, float>>{
           {inf, 1.0f}, {NAN, 1.0f}, {2e38f, 1.0f}, {0.0f, -1.0f}, {0.0f, 1e37f}, {0.0f, 1e-40f}, {0.0f, NAN}}) {
    ByteSink sink;
    sink.floats(std::vector<float>{0, offset});
    sink.floats(std::vector<float>{1, step});
    ByteSource source(sink.bytes(), "test");
    EXPECT_THROW(make_sq_codec(2, Metric::l2)->read(source), Error) << offset << " " << step;
  }
  ByteSink few;
  few.floats(std::vector<float>{0, 1, 2});
  ByteSource source(few.bytes(), "test");
  EXPECT_THROW(make_sq_codec(2, Metric::l2)->read(source), Error);
}

TEST(ScalarQuantizer, HasOneSpellingForEachMeaning) {
  const auto spec = [](const char* text) { return index_factory(8, text)->spec(); };
  for (const char* text : {"SQ8", "SQ6", "SQ4,range=uniform", "SQ8,rangestat=optim", "SQ8,rangestat_arg=0.1",
                           "SQ4,range=uniform,rangestat=meanstd,rangestat_arg=2.5"}) {
    EXPECT_EQ(spec(text), text);
  }
  EXPECT_EQ(spec("SQ8,rangestat=minmax,rangestat_arg=0,range=dimension"), "SQ8");
  EXPECT_EQ(spec("SQ8,rangestat_arg=0.02,rangestat=quantiles"), "SQ8,rangestat=quantiles,rangestat_arg=0.02");
  EXPECT_EQ(spec("SQfp16"), "Flat,dtype=float16");
  EXPECT_EQ(spec("SQbf16"), "Flat,dtype=bfloat16");
  EXPECT_EQ(spec("SQ8_direct"), "Flat,dtype=uint8");
  EXPECT_EQ(spec("SQ8_direct_signed"), "Flat,dtype=int8");
  for (const char* text :
       {"SQ", "SQ5", "SQ8x", "SQ4_direct", "SQ8,range=all", "SQ8,rangestat=optim,rangestat_arg=1",
        "SQ8,rangestat_arg=-1", "SQ8,rangestat_arg=1e99", "SQ8,rangestat=quantiles,rangestat_arg=0.5",
        "SQfp16,range=uniform", "SQ8,rangestat_arg=x"}) {
    EXPECT_THROW(index_factory(8, text), Error) << text;
  }
}

TEST(ScalarQuantizer, MustLearnFirst) {
  IndexScalarQuantizer index(4);
  EXPECT_FALSE(index.is_trained());
  const auto rows = normal_rows(10, 4);
  EXPECT_THROW(index.add(MatrixView(rows, 4)), Error);
  EXPECT_THROW(index.train(MatrixView(rows, 4).slice(0, 0)), Error);
  index.train(MatrixView(rows, 4));
  EXPECT_EQ(index.add(MatrixView(rows, 4)), 10u);
}

TEST(ScalarQuantizer, MergesNoRowThatItCannotKeep) {
  auto rows = normal_rows(10, 4);
  IndexScalarQuantizer index(4);
  index.train(MatrixView(rows, 4));
  IndexFlatL2 other(4);
  rows[6 * 4 + 1] = std::numeric_limits<float>::quiet_NaN();
  other.add(MatrixView(rows, 4), {.nan_policy = NanPolicy::keep});
  try {
    index.merge(other);
    FAIL() << "NaN became a number";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), Error::invalid_argument);
    EXPECT_NE(std::string(error.what()).find("id 6"), std::string::npos) << error.what();
  }
  EXPECT_EQ(index.size(), 0u);
}

}  // namespace
}  // namespace knear
