#include "storage/shadows.h"
#include "knear/codecs.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "knear/spec.h"
#include "support/hard_rows.h"
#include "support/reference.h"

namespace knear {
namespace {

constexpr std::size_t kDim = 24;
constexpr std::size_t kRows = 200;

// One chunk of float32 rows and their shadows.
struct Shadowed {
  Shadowed(std::vector<float> values, Metric metric)
      : rows(std::move(values)), codec(make_flat_codec(kDim, metric, DType::f32, ExactBy::int8)) {
    snapshot.code_bytes = codec->code_bytes();
    snapshot.stride = static_cast<std::ptrdiff_t>(codec->code_bytes());
    Chunk chunk;
    chunk.codes = reinterpret_cast<const Byte*>(rows.data());
    chunk.first_id = 1000;
    chunk.count = rows.size() / kDim;
    snapshot.chunks.push_back(chunk);
    snapshot.shadow = learn_shadow(*codec, snapshot);
    shadows.resize(chunk.count * snapshot.shadow_bytes());
    const Draft::Casting job{*snapshot.shadow, chunk.codes, chunk.count, shadows.data()};
    cast_shadows(std::span(&job, 1), codec->code_bytes(), {});
    snapshot.chunks.edit(0).shadows = shadows.data();
  }

  std::vector<float> rows;
  std::unique_ptr<Codec> codec;
  Snapshot snapshot;
  std::vector<Byte> shadows;
};

TEST(Shadows, HoldForTheirRows) {
  for (const Metric::Kind metric : {Metric::l2, Metric::inner_product, Metric::cosine}) {
    for (int kind = 0; kind < kHardKinds; ++kind) {
      const Shadowed shadowed(hard_rows(kind, kRows, kDim, 1), metric);
      EXPECT_EQ(problems_of_shadows(shadowed.snapshot), std::vector<std::string>{}) << kind;
    }
  }
}

TEST(Shadows, ThatAreNotTheirsAreFound) {
  for (const std::size_t place : {std::size_t{3}, kDim, kDim + 4, kDim + 8}) {  // a code and the factors
    Shadowed shadowed(hard_rows(0, kRows, kDim, 1), Metric::l2);
    for (const std::size_t row : {17u, 90u})
      shadowed.shadows[row * shadowed.snapshot.shadow_bytes() + place + 2] ^= 0x20;
    EXPECT_EQ(problems_of_shadows(shadowed.snapshot),
              std::vector<std::string>{"2 rows have shadows that are not theirs, first that of id 1017"})
        << place;
  }
}

TEST(Shadows, AreLearnedAgainOnlyWhereErrorsBecomeMuchLess) {
  const Shadowed shadowed(hard_rows(0, 400, kDim, 1), Metric::l2);
  EXPECT_EQ(learn_better_shadow(*shadowed.codec, shadowed.snapshot, *shadowed.snapshot.shadow), nullptr);
  const Shadowed elsewhere(hard_rows(1, 400, kDim, 1), Metric::l2);
  const auto better = learn_better_shadow(*elsewhere.codec, elsewhere.snapshot, *shadowed.snapshot.shadow);
  ASSERT_NE(better, nullptr);
  const auto* rows = reinterpret_cast<const Byte*>(elsewhere.rows.data());
  EXPECT_LT(10 * better->error(rows, 400), shadowed.snapshot.shadow->error(rows, 400));
}

// The first rows are few of those to come, and far from them.
TEST(Shadows, FollowRowsThatComeLater) {
  const auto some = hard_rows(0, 500, kDim, 1);
  const auto others = hard_rows(1, 4000, kDim, 2);
  const auto queries = hard_rows(1, 30, kDim, 3);
  std::uint64_t ranked[2];
  for (const bool at_once : {false, true}) {
    const auto index = index_factory(kDim, "Flat,exact=int8");
    if (!at_once) index->add(MatrixView(some, kDim));
    index->add(MatrixView(others, kDim));
    if (at_once) index->add(MatrixView(some, kDim));
    SearchStats stats;
    SearchOptions options;
    options.stats = &stats;
    const Neighbors found = index->search(MatrixView(queries, kDim), 10, options);
    EXPECT_EQ(found.ids, reference_knn(*index, MatrixView(queries, kDim), 10).ids);
    EXPECT_TRUE(index->verify().ok);
    ranked[at_once] = stats.rows_reranked;
  }
  EXPECT_LT(ranked[false], 2 * ranked[true]);
}

}  // namespace
}  // namespace knear
