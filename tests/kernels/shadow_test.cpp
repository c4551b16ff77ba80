#include <algorithm>
#include <cstring>

#include "kernels_test.h"

namespace knear::kernels {
namespace {

// Shadows, queries and limits, with the calls and their slow, obvious counterparts.
class ShadowCase {
 public:
  ShadowCase(const Table& table, std::size_t rows, std::size_t dim, unsigned seed)
      : table_(table),
        count_(rows),
        dim_(dim),
        stride_(dim + sizeof(ShadowFactors) + std::size_t{4} * (seed % 3)),
        random_(seed),
        rows_(count_ * stride_),
        codes_(table.tile_queries * dim),
        weight_(normal_floats(table.tile_queries, seed + 1)),
        error_(normal_floats(table.tile_queries, seed + 2)),
        limit_(table.tile_queries) {
    for (std::uint8_t& byte : rows_) byte = static_cast<std::uint8_t>(random_());
    const std::vector<float> factors = normal_floats(3 * rows, seed + 3);
    for (std::size_t r = 0; r < rows; ++r) set_factors(r, {factors[3 * r], factors[3 * r + 1], factors[3 * r + 2]});
    for (std::size_t q = 0; q < table.tile_queries; ++q) draw_query(q);
    for (float& limit : limit_) limit = 2000;
  }

  // Every code as large as the sums allow.
  void use_extremes() {
    for (std::size_t r = 0; r < count_; ++r)
      for (std::size_t j = 0; j < dim_; ++j) rows_[r * stride_ + j] = (r + j) % 2 ? 255 : 0;
    for (std::size_t q = 0; q < table_.tile_queries; ++q) {
      const int most = table_.shadow_run ? std::min(table_.shadow_most, 255 / static_cast<int>(2 * run())) : 127;
      for (std::size_t j = 0; j < dim_; ++j) code(q, j) = static_cast<std::int8_t>((q + j) % 2 ? -most : most);
    }
  }
  void use_queries(std::size_t count) { query_count_ = count; }
  void set_factors(std::size_t r, ShadowFactors factors) {
    std::memcpy(rows_.data() + r * stride_ + dim_, &factors, sizeof factors);
  }
  void set_limits(float limit) { limit_.assign(limit_.size(), limit); }

  void check_tile() {
    const std::vector<std::int32_t> words = packed();
    AlignedFloats queries(words.size());
    std::memcpy(queries.data(), words.data(), words.size() * sizeof(std::int32_t));
    AlignedFloats scratch(std::max<std::size_t>(12, count_) * table_.tile_queries);
    std::vector<ShadowHit> hits(count_ * table_.tile_queries + 1, ShadowHit{77, 77, 77});
    const ShadowJob job{rows_.data(),
                        stride_,
                        count_,
                        dim_,
                        nullptr,
                        query_count_,
                        reinterpret_cast<const std::int32_t*>(queries.data()),
                        weight_.data(),
                        error_.data(),
                        limit_.data(),
                        reinterpret_cast<std::int32_t*>(scratch.data()),
                        hits.data()};
    const std::size_t found = table_.shadow_tile(&job);
    ASSERT_LE(found, count_ * table_.tile_queries);
    EXPECT_EQ(hits[count_ * table_.tile_queries].row, 77u) << "wrote behind the room for hits";
    hits.resize(found);
    std::erase_if(hits, [&](const ShadowHit& hit) { return hit.query >= query_count_; });
    std::size_t next = 0;
    for (std::uint32_t r = 0; r < count_; ++r) {
      for (std::uint32_t q = 0; q < query_count_; ++q) {
        const std::int64_t dot = dot_of(r, q);
        const bool is_found = next < hits.size() && hits[next].row == r && hits[next].query == q;
        if (is_found) {
          EXPECT_EQ(hits[next++].dot, dot) << "row " << r << ", query " << q;
        }
        expect_right(is_found, r, static_cast<double>(dot), q);
      }
    }
    EXPECT_EQ(next, hits.size());
  }

  void check_stream() {
    std::vector<std::int8_t> codes(dim_);
    std::int32_t sum = 0;
    for (std::int8_t& code : codes) {
      code = static_cast<std::int8_t>(static_cast<int>(random_() % 129) - 64);
      sum += code;
    }
    std::vector<float> values(count_ + 1, 77.0f);
    const ShadowStreamJob job{rows_.data(), stride_,    count_,    dim_,         codes.data(),
                              -128 * sum,   weight_[0], error_[0], values.data()};
    table_.shadow_stream(&job);
    EXPECT_EQ(values[count_], 77.0f);
    for (std::size_t r = 0; r < count_; ++r) {
      std::int64_t dot = 0;
      for (std::size_t j = 0; j < dim_; ++j) dot += std::int64_t{codes[j]} * row_code(r, j);
      const Value value = value_of(r, static_cast<double>(dot), 0);
      if (std::isnan(value.exact)) {
        EXPECT_TRUE(std::isnan(values[r])) << "row " << r;
      } else {
        EXPECT_NEAR(-values[r], value.exact, value.slack) << "row " << r;
      }
    }
  }

  void check_dots() {
    std::vector<std::int8_t> coarse(dim_);
    std::vector<std::int8_t> fine(dim_);
    std::int32_t sum = 0;
    for (std::size_t j = 0; j < dim_; ++j) {
      coarse[j] = static_cast<std::int8_t>(static_cast<int>(random_() % 129) - 64);
      fine[j] = static_cast<std::int8_t>(static_cast<int>(random_() % 17) - 8);
      sum += 16 * coarse[j] + fine[j];
    }
    for (std::size_t r = 0; r < count_; ++r) {
      std::int64_t dot = 0;
      for (std::size_t j = 0; j < dim_; ++j) dot += std::int64_t{16 * coarse[j] + fine[j]} * row_code(r, j);
      EXPECT_EQ(table_.shadow_dot(rows_.data() + r * stride_, coarse.data(), fine.data(), -128 * sum, dim_), dot);
    }
  }

 private:
  int row_code(std::size_t r, std::size_t j) const { return rows_[r * stride_ + j] - 128; }
  std::int8_t& code(std::size_t q, std::size_t j) { return codes_[q * dim_ + j]; }
  std::size_t run() const { return table_.shadow_run ? table_.shadow_run : (dim_ + 3) / 4; }

  // Codes whose sums fit.
  void draw_query(std::size_t q) {
    std::vector<int> left(2);
    for (std::size_t j = 0; j < dim_; ++j) {
      if (j % (4 * run()) == 0) left = {255, 255};
      int most = table_.shadow_most;
      int& budget = left[j % 4 / 2];
      if (table_.shadow_run) most = std::min(most, budget);
      const int value = static_cast<int>(random_() % static_cast<unsigned>(2 * most + 1)) - most;
      code(q, j) = static_cast<std::int8_t>(value);
      budget -= std::abs(value);
    }
  }

  std::vector<std::int32_t> packed() {
    const std::size_t width = table_.tile_queries;
    std::vector<std::int32_t> words;
    for (std::size_t first = 0; first < dim_; first += 4 * run()) {
      const std::size_t end = std::min(first + 4 * run(), dim_);
      for (std::size_t q = 0; q < width; ++q) words.push_back(start_word(q, first, end));
      for (std::size_t j = first; j < end; j += 4) {
        for (std::size_t q = 0; q < width; ++q) {
          std::int32_t word = 0;
          std::memcpy(&word, &code(q, j), 4);
          words.push_back(word);
        }
      }
    }
    return words;
  }

  std::int32_t start_word(std::size_t q, std::size_t first, std::size_t end) {
    std::int32_t sums[2] = {0, 0};
    for (std::size_t j = first; j < end; ++j) sums[j % 4 / 2] += code(q, j);
    if (!table_.shadow_run) return -128 * (sums[0] + sums[1]);
    const std::int16_t halves[2] = {static_cast<std::int16_t>(-128 * sums[0]),
                                    static_cast<std::int16_t>(-128 * sums[1])};
    std::int32_t word = 0;
    std::memcpy(&word, halves, 4);
    return word;
  }

  std::int64_t dot_of(std::size_t r, std::size_t q) {
    std::int64_t dot = 0;
    for (std::size_t j = 0; j < dim_; ++j) dot += std::int64_t{code(q, j)} * row_code(r, j);
    return dot;
  }

  // What a row is tested by, and how far float32 may be off.
  struct Value {
    double exact;
    double slack;
  };
  Value value_of(std::size_t r, double dot, std::size_t q) const {
    ShadowFactors factors;
    std::memcpy(&factors, rows_.data() + r * stride_ + dim_, sizeof factors);
    const double terms[3] = {dot * factors.step, static_cast<double>(factors.weight) * weight_[q],
                             static_cast<double>(factors.error) * error_[q]};
    return {terms[0] + terms[1] + terms[2], 0x1p-21 * (std::abs(terms[0]) + std::abs(terms[1]) + std::abs(terms[2]))};
  }

  void expect_right(bool found, std::size_t r, double dot, std::size_t q) {
    const Value value = value_of(r, dot, q);
    const bool must = std::isnan(value.exact) || value.exact > limit_[q] + value.slack;
    const bool must_not = value.exact < limit_[q] - value.slack;
    EXPECT_TRUE(found ? !must_not : !must) << "row " << r << ", query " << q;
  }

  const Table& table_;
  std::size_t count_;
  std::size_t dim_;
  std::size_t stride_;
  std::size_t query_count_ = table_.tile_queries;
  std::mt19937 random_;
  std::vector<std::uint8_t> rows_;
  std::vector<std::int8_t> codes_;
  std::vector<float> weight_;
  std::vector<float> error_;
  std::vector<float> limit_;
};

using ShadowKernel = EachTable;

TEST_P(ShadowKernel, TileFindsWhatPassesAtAnySize) {
  unsigned seed = 1;
  for (const std::size_t dim : {4u, 8u, 28u, 32u, 36u, 100u, 128u, 784u, 1024u, 1028u, 2500u})
    for (const std::size_t rows : {1u, 2u, 5u, 6u, 12u, 37u}) ShadowCase(table(), rows, dim, seed++).check_tile();
}

TEST_P(ShadowKernel, TileSumsTheLargestCodesWithoutOverflow) {
  for (const std::size_t dim : {4u, 64u, 1032u, 65536u}) {
    ShadowCase shadows(table(), 7, dim, 5);
    shadows.use_extremes();
    shadows.check_tile();
  }
}

TEST_P(ShadowKernel, TileTakesFewQueries) {
  for (std::size_t queries = 1; queries <= table().tile_queries; ++queries) {
    ShadowCase shadows(table(), 13, 48, static_cast<unsigned>(queries));
    shadows.use_queries(queries);
    shadows.check_tile();
  }
}

TEST_P(ShadowKernel, WhatIsNotANumberPasses) {
  ShadowCase shadows(table(), 9, 20, 3);
  shadows.set_limits(1e9f);
  shadows.set_factors(4, {kNan, 0, 0});
  shadows.set_factors(7, {1, kNan, 1});
  shadows.check_tile();
  shadows.check_stream();
}

TEST_P(ShadowKernel, StreamHasTheValuesAtAnySize) {
  unsigned seed = 1;
  for (const std::size_t dim : {4u, 8u, 28u, 32u, 36u, 100u, 128u, 784u, 8000u})
    for (const std::size_t rows : {0u, 1u, 5u, 64u}) ShadowCase(table(), rows, dim, seed++).check_stream();
}

TEST_P(ShadowKernel, DotsAreWhole) {
  unsigned seed = 1;
  for (const std::size_t dim : {4u, 8u, 28u, 32u, 36u, 100u, 128u, 784u, 8000u})
    ShadowCase(table(), 5, dim, seed++).check_dots();
}

INSTANTIATE_TEST_SUITE_P(Isa, ShadowKernel, testing::ValuesIn(tables_under_test()), table_name);

}  // namespace
}  // namespace knear::kernels
