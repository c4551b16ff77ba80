#include <algorithm>

#include "kernels_test.h"

namespace knear::kernels {
namespace {

// Rows, queries and thresholds, with the call and its slow, obvious counterpart.
class TileCase {
 public:
  TileCase(const Table& table, std::size_t rows, std::size_t dim, unsigned seed)
      : table_(table),
        count_(rows),
        dim_(dim),
        stride_(dim + seed % 3),
        rows_(normal_floats(count_ * stride_, seed)),
        row_bias_(normal_floats(count_, seed + 1)),
        query_bias_(normal_floats(table.tile_queries, seed + 2)),
        limit_(table.tile_queries),
        queries_(dim * table.tile_queries),
        scratch_(kTileRows * table.tile_queries) {
    const std::vector<float> values = normal_floats(dim * table.tile_queries, seed + 3);
    std::copy(values.begin(), values.end(), queries_.data());
    for (float& limit : limit_) limit = -static_cast<float>(std::sqrt(static_cast<double>(dim) + 1));
  }

  float& row(std::size_t r, std::size_t j) { return rows_[r * stride_ + j]; }
  float& query(std::size_t q, std::size_t j) { return queries_[j * table_.tile_queries + q]; }
  float& row_bias(std::size_t r) { return row_bias_[r]; }
  float& query_bias(std::size_t q) { return query_bias_[q]; }
  float& limit(std::size_t q) { return limit_[q]; }
  std::size_t queries() const { return query_count_; }
  void use_queries(std::size_t count) { query_count_ = count; }

  std::vector<TileHit> hits() {
    std::vector<TileHit> hits(count_ * table_.tile_queries + 1, TileHit{77, 77, 77});
    const TileJob job{rows_.data(),
                      stride_,
                      count_,
                      dim_,
                      nullptr,
                      query_count_,
                      queries_.data(),
                      row_bias_.data(),
                      query_bias_.data(),
                      limit_.data(),
                      scratch_.data(),
                      hits.data()};
    const std::size_t found = table_.tile(&job);
    EXPECT_LE(found, count_ * table_.tile_queries);
    EXPECT_EQ(hits[count_ * table_.tile_queries].row, 77u) << "wrote behind the room for hits";
    hits.resize(found);
    std::erase_if(hits, [&](const TileHit& hit) { return hit.query >= query_count_; });
    return hits;
  }

  // Hits are complete, true and in order, as far as float32 can tell.
  void check() {
    std::size_t next = 0;
    const std::vector<TileHit> found = hits();
    for (std::uint32_t r = 0; r < count_; ++r) {
      for (std::uint32_t q = 0; q < queries(); ++q) {
        const bool is_hit = next < found.size() && found[next].row == r && found[next].query == q;
        check_pair(r, q, is_hit ? &found[next] : nullptr);
        if (is_hit) ++next;
      }
    }
    EXPECT_EQ(next, found.size()) << "hits out of order or repeated";
  }

 private:
  void check_pair(std::size_t r, std::size_t q, const TileHit* hit) {
    double dot = 0;
    double magnitudes = 0;
    for (std::size_t j = 0; j < dim_; ++j) {
      const double term = double{row(r, j)} * query(q, j);
      dot += term;
      magnitudes += std::fabs(term);
    }
    const double bias = double{row_bias_[r]} * query_bias_[q];
    const double error = rounding_bound(dim_, magnitudes);
    const double value_error = error + 0x1p-23 * (std::fabs(bias) + std::fabs(dot) + error);
    const bool must = bias + dot + value_error < limit_[q];
    const bool may = !(bias + dot - value_error > limit_[q]);
    EXPECT_TRUE(hit != nullptr || !must) << "missed row " << r << ", query " << q;
    EXPECT_TRUE(hit == nullptr || may) << "wrong row " << r << ", query " << q;
    EXPECT_NEAR(hit != nullptr ? hit->dot : dot, dot, error);
  }

  const Table& table_;
  std::size_t count_;
  std::size_t query_count_ = table_.tile_queries;
  std::size_t dim_;
  std::size_t stride_;
  std::vector<float> rows_;
  std::vector<float> row_bias_;
  std::vector<float> query_bias_;
  std::vector<float> limit_;
  AlignedFloats queries_;
  AlignedFloats scratch_;
};

class Tile : public EachTable {};
INSTANTIATE_TEST_SUITE_P(Kernels, Tile, testing::ValuesIn(tables_under_test()), table_name);

TEST_P(Tile, GroupsFitTheWidestScratch) {
  EXPECT_GE(table().tile_queries, 1u);
  EXPECT_LE(table().tile_queries, kMaxTileQueries);
}

TEST_P(Tile, FindsTheSamePairsAsBruteForceForAnyNumberOfRows) {
  for (std::size_t rows = 1; rows <= kTileRows; ++rows) TileCase(table(), rows, 7, static_cast<unsigned>(rows)).check();
}

TEST_P(Tile, FindsTheSamePairsAsBruteForceInAnyDimension) {
  for (const std::size_t dim : dims_to_test()) {
    SCOPED_TRACE(dim);
    TileCase(table(), 23, dim, static_cast<unsigned>(dim)).check();
  }
}

TEST_P(Tile, FindsTheSamePairsAsBruteForceForAnyNumberOfQueries) {
  for (std::size_t queries = 1; queries <= table().tile_queries; ++queries) {
    for (const std::size_t dim : {1u, 9u, 300u}) {
      TileCase job(table(), 41, dim, static_cast<unsigned>(queries));
      job.use_queries(queries);
      job.check();
    }
  }
}

TEST_P(Tile, WithoutRowsFindsNothing) { EXPECT_TRUE(TileCase(table(), 0, 5, 1).hits().empty()); }

TEST_P(Tile, AnInfiniteLimitReportsEveryPair) {
  for (const std::size_t dim : {1u, 300u}) {
    TileCase job(table(), 13, dim, 5);
    for (std::size_t q = 0; q < job.queries(); ++q) job.limit(q) = kInf;
    job.check();
    EXPECT_EQ(job.hits().size(), 13 * job.queries());
  }
}

TEST_P(Tile, ALowestLimitReportsNothing) {
  TileCase job(table(), 13, 9, 5);
  for (std::size_t q = 0; q < job.queries(); ++q) job.limit(q) = -kInf;
  EXPECT_TRUE(job.hits().empty());
}

TEST_P(Tile, AValueEqualToTheLimitIsReported) {
  TileCase job(table(), 1, 1, 5);
  for (std::size_t q = 0; q < job.queries(); ++q) {
    job.query(q, 0) = 2;
    job.query_bias(q) = 1;
    job.limit(q) = q % 2 == 0 ? 7.0f : std::nextafter(7.0f, 0.0f);
  }
  job.row(0, 0) = 3;
  job.row_bias(0) = 1;
  EXPECT_EQ(job.hits().size(), job.queries() / 2);
}

TEST_P(Tile, NanAnywhereIsReported) {
  const std::size_t dim = 300;
  for (const std::size_t where : {0u, 1u, 2u, 3u, 4u}) {
    TileCase job(table(), 19, dim, 5);
    const std::size_t q = job.queries() - 2;
    for (std::size_t each = 0; each < job.queries(); ++each) job.limit(each) = -kInf;
    if (where == 0) job.row(17, 280) = kNan;
    if (where == 1) job.query(q, 3) = kNan;
    if (where == 2) job.row_bias(17) = kNan;
    if (where == 3) job.query_bias(q) = kNan;
    if (where == 4) job.limit(q) = kNan;
    const bool whole_row = where == 0 || where == 2;
    const std::vector<TileHit> hits = job.hits();
    ASSERT_EQ(hits.size(), whole_row ? job.queries() : 19) << where;
    for (const TileHit& hit : hits) EXPECT_EQ(whole_row ? hit.row : hit.query, whole_row ? 17 : q) << where;
  }
}

TEST_P(Tile, InfinitiesThatCancelAreReported) {
  TileCase job(table(), 8, 4, 5);
  for (std::size_t q = 0; q < job.queries(); ++q) job.limit(q) = -kInf;
  job.row(6, 0) = kInf;
  job.row(6, 1) = -kInf;
  job.query(0, 0) = job.query(0, 1) = 1;
  bool found = false;
  for (const TileHit& hit : job.hits()) found |= hit.row == 6 && hit.query == 0 && std::isnan(hit.dot);
  EXPECT_TRUE(found);
}

}  // namespace
}  // namespace knear::kernels
