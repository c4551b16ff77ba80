#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <optional>
#include <vector>

#include "codec/byte_shadow.h"
#include "codec/shadow_filter.h"
#include "codec/witness.h"
#include "knear/codecs.h"
#include "knear/error.h"
#include "support/hard_rows.h"

namespace knear {
namespace {

using enum ShadowFilter::GiveUp;

// Rows with their shadows, as a block.
struct Shadowed {
  std::vector<float> rows;
  std::size_t dim;
  ByteShadow shadow;
  std::vector<Byte> shadows;

  Shadowed(std::vector<float> values, std::size_t d, Metric metric)
      : rows(std::move(values)),
        dim(d),
        shadow(dim, metric.kind, DType::f32, reinterpret_cast<const Byte*>(rows.data()), rows.size() / dim) {
    cast();
  }
  // With a shadow that was written.
  Shadowed(std::vector<float> values, std::size_t d, Metric metric, ByteSource& source)
      : rows(std::move(values)), dim(d), shadow(dim, metric.kind, DType::f32, source) {
    cast();
  }

  void cast() {
    shadows.resize(count() * shadow.bytes());
    shadow.cast(reinterpret_cast<const Byte*>(rows.data()), count(), shadows.data());
  }
  std::size_t count() const { return rows.size() / dim; }
  MatrixView view() const { return MatrixView(rows, dim); }
  CodeBlock block() const {
    return {.codes = view().data(),
            .count = count(),
            .stride = view().row_stride(),
            .shadows = shadows.data(),
            .shadow = &shadow};
  }
};

class ShadowFilterTest : public testing::TestWithParam<std::tuple<Metric::Kind, int>> {};

TEST_P(ShadowFilterTest, LosesNoRowAndItsIntervalsHold) {
  const auto [metric, kind] = GetParam();
  for (const std::size_t dim : std::initializer_list<std::size_t>{1, 3, 17, 100, 1100}) {
    for (const std::size_t count : std::initializer_list<std::size_t>{1, 5, 23, 40}) {
      const Shadowed shadowed(hard_rows(kind, 130, dim, 1), dim, metric);
      const auto queries = hard_rows(kind, count, dim, 2);
      Witness witness = witness_of(metric, shadowed.view(), MatrixView(queries, dim));
      const auto codec = make_flat_codec(dim, metric);
      ShadowFilter filter(*codec, witness.queries, {10, 1000000, never});
      filter.run(shadowed.block(), witness);
      witness.expect_complete();
    }
  }
}

// The rows themselves as queries: distance zero, and bounds that meet.
TEST_P(ShadowFilterTest, FindsRowsByThemselves) {
  const auto [metric, kind] = GetParam();
  for (const std::size_t dim : std::initializer_list<std::size_t>{1, 7, 64}) {
    const Shadowed shadowed(hard_rows(kind, 90, dim, 1), dim, metric);
    Witness witness = witness_of(metric, shadowed.view(), shadowed.view());
    const auto codec = make_flat_codec(dim, metric);
    ShadowFilter filter(*codec, witness.queries, {10, 1000000, never});
    filter.run(shadowed.block(), witness);
    witness.expect_complete();
  }
}

INSTANTIATE_TEST_SUITE_P(HardData, ShadowFilterTest,
                         testing::Combine(testing::Values(Metric::l2, Metric::inner_product, Metric::cosine),
                                          testing::Range(0, kHardKinds)));

// Errors of row and query that point along their difference, so that the triangle inequality has no room: what is
// rounded off is half a step in all dimensions, and the query lies in just that direction.
TEST(ShadowFilter, HoldsWhereTheBoundIsTight) {
  for (const std::size_t dim : std::initializer_list<std::size_t>{4, 48, 256}) {
    ByteSink sink;
    sink.f64(1);
    sink.u32(0);
    sink.u64(0);
    sink.floats(std::vector<float>(dim));
    ByteSource source(sink.bytes(), "shadow");
    std::vector<float> rows;
    Rng rng(7);
    for (std::size_t i = 0; i < 64; ++i) {
      for (std::size_t j = 0; j < dim; ++j) {
        const auto code = static_cast<float>(rng.below(253)) - 126;
        rows.push_back(j == 0 ? 127.0f : code + (i % 2 ? 0.4999f : -0.4999f));
      }
    }
    const Shadowed shadowed(rows, dim, Metric::l2, source);
    for (const float far : {0.0f, 0.25f, 1.0f, 3.4999f, 40.0f}) {
      std::vector<float> queries = rows;
      for (std::size_t i = 0; i < queries.size(); ++i) queries[i] += i / dim % 4 < 2 ? far : -far;
      Witness witness = witness_of(Metric::l2, shadowed.view(), MatrixView(queries, dim));
      const auto codec = make_flat_codec(dim, Metric::l2);
      ShadowFilter filter(*codec, witness.queries, {10, 1000000, never});
      filter.run(shadowed.block(), witness);
      witness.expect_complete();
    }
  }
}

TEST(ByteShadow, HasNoErrorOnBytes) {
  const Shadowed shadowed(hard_rows(8, 300, 20, 1), 20, Metric::l2);
  EXPECT_TRUE(shadowed.shadow.lossless());
  for (std::size_t i = 0; i < shadowed.count(); ++i) {
    const Byte* codes = shadowed.shadows.data() + i * shadowed.shadow.bytes();
    for (std::size_t j = 0; j < 20; ++j) EXPECT_EQ(codes[j], shadowed.rows[i * 20 + j]);
  }
}

TEST(ByteShadow, TurnsRowsWithAnOutlyingDimension) {
  const Shadowed plain(hard_rows(0, 300, 100, 1), 100, Metric::l2);
  const Shadowed outlying(hard_rows(9, 300, 100, 1), 100, Metric::l2);
  EXPECT_EQ(plain.shadow.about(), "int8");
  EXPECT_EQ(outlying.shadow.about(), "int8, rotated");
}

TEST(ByteShadow, IsTheSameFromAFile) {
  for (const int kind : {0, 1, 8, 9}) {
    const Shadowed shadowed(hard_rows(kind, 300, 37, 1), 37, Metric::l2);
    ByteSink sink;
    shadowed.shadow.write(sink);
    ByteSource source(sink.bytes(), "shadow");
    const Shadowed again(shadowed.rows, 37, Metric::l2, source);
    source.done();
    EXPECT_EQ(again.shadows, shadowed.shadows);
  }
}

TEST(ByteShadow, RefusesAFileThatLies) {
  for (const double scale : {0.0, -1.0, 3.0, std::numeric_limits<double>::quiet_NaN(), 1e300}) {
    ByteSink sink;
    sink.f64(scale);
    sink.u32(0);
    sink.u64(0);
    sink.floats(std::vector<float>(5));
    ByteSource source(sink.bytes(), "shadow");
    EXPECT_THROW(ByteShadow(5, Metric::l2, DType::f32, source), Error);
  }
}

// Clusters far narrower than a step: every row of a cluster would be ranked.
TEST(ShadowFilter, GivesUpWhereItRulesOutTooLittle) {
  const std::size_t dim = 32;
  const Shadowed shadowed(hard_rows(12, 4000, dim, 1), dim, Metric::l2);
  const auto queries = hard_rows(12, 64, dim, 2);
  const auto codec = make_flat_codec(dim, Metric::l2);
  struct Sink {
    std::size_t taken = 0;
    double threshold(std::size_t) const { return 1e-9; }
    std::size_t ranked() const { return taken; }
    void take(std::size_t, std::size_t, const float*, Interval) { ++taken; }
  };
  Sink sink;
  {
    ShadowFilter filter(*codec, MatrixView(queries, dim), {10, 1000000, when_slower});
    for (int i = 0; i < 4; ++i) filter.run(shadowed.block(), sink);
  }
  EXPECT_EQ(shadowed.shadow.about(), "int8; given up for float32 in 1 of 1 scans");
  EXPECT_FALSE(shadowed.shadow.is_worth_trying(10));
}

}  // namespace
}  // namespace knear
