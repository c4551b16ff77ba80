#include <algorithm>

#include "kernels_test.h"

namespace knear::kernels {
namespace {

// Codes, tables and bounds, with the call and its slow, obvious counterpart.
class LookupCase {
 public:
  LookupCase(std::size_t groups, std::size_t planes, std::size_t queries, unsigned seed)
      : groups_(groups), planes_(planes), queries_(queries), stride_(planes * kLookupRows + seed % 3) {
    std::mt19937 random(seed);
    codes_.resize(groups * stride_);
    tables_.resize(queries * planes * 32);
    for (std::uint8_t& code : codes_) code = static_cast<std::uint8_t>(random());
    const unsigned most = seed % 2 ? 256 : 24;  // most sums saturate, or none
    for (std::uint8_t& value : tables_) value = static_cast<std::uint8_t>(random() % most);
    for (std::size_t q = 0; q < queries; ++q) {
      const std::size_t row = random() % (groups * kLookupRows);
      bounds_.push_back(static_cast<std::uint16_t>(sum(q, row) + (q % 3 == 0 ? 1 : 0)));
      if (planes <= kLookupPlanes) bounds_[q] = std::min<std::uint16_t>(bounds_[q], 255);
      if (q % 5 == 4) bounds_[q] = 0;
    }
  }

  std::uint32_t sum(std::size_t q, std::size_t row) const {
    std::uint32_t total = 0;
    for (std::size_t first = 0, run = 0; first < planes_; first += run) {
      run = planes_ <= kLookupPlanes ? planes_ : first + kLookupRun <= planes_ ? kLookupRun : 1;
      std::uint32_t some = 0;
      for (std::size_t p = first; p < first + run; ++p) {
        const std::uint8_t code = codes_[row / kLookupRows * stride_ + p * kLookupRows + row % kLookupRows];
        const std::uint8_t* table = tables_.data() + (q * planes_ + p) * 32;
        some = std::min(255u, some + table[code % 16] + table[16 + code / 16]);
      }
      total = std::min(65535u, total + some);
    }
    return total;
  }

  void check(const Table& table) {
    std::vector<LookupHit> hits(groups_ * queries_ + 1, {7, 7, 7});
    const LookupJob job{
        codes_.data(), static_cast<std::ptrdiff_t>(stride_), groups_, planes_, tables_.data(), bounds_.data(), queries_,
        hits.data()};
    const std::size_t count = table.lookup(&job);
    ASSERT_LE(count, groups_ * queries_);
    EXPECT_EQ(hits.back().query, 7u);
    std::vector<std::uint32_t> found(groups_ * queries_);
    for (std::size_t h = 0; h < count; ++h) {
      ASSERT_LT(hits[h].query, queries_);
      ASSERT_LT(hits[h].group, groups_);
      EXPECT_NE(hits[h].rows, 0u);
      std::uint32_t& rows = found[hits[h].query * groups_ + hits[h].group];
      EXPECT_EQ(rows, 0u) << "found twice";
      rows = hits[h].rows;
    }
    for (std::size_t q = 0; q < queries_; ++q) {
      for (std::size_t row = 0; row < groups_ * kLookupRows; ++row) {
        const bool below = (found[q * groups_ + row / kLookupRows] >> (row % kLookupRows) & 1) != 0;
        ASSERT_EQ(below, sum(q, row) < bounds_[q]) << "query " << q << ", row " << row;
      }
    }
  }

 private:
  std::size_t groups_;
  std::size_t planes_;
  std::size_t queries_;
  std::size_t stride_;
  std::vector<std::uint8_t> codes_;
  std::vector<std::uint8_t> tables_;
  std::vector<std::uint16_t> bounds_;
};

class Lookup : public EachTable {};
INSTANTIATE_TEST_SUITE_P(Kernels, Lookup, testing::ValuesIn(tables_under_test()), table_name);

TEST_P(Lookup, FindsWhatALoopFindsForAnyNumberOfPlanes) {
  for (std::size_t planes = 1; planes <= 40; ++planes) {
    SCOPED_TRACE(planes);
    LookupCase(5, planes, 7, static_cast<unsigned>(planes)).check(table());
    LookupCase(4, planes, 3, static_cast<unsigned>(planes + 1)).check(table());
  }
}

TEST_P(Lookup, FindsWhatALoopFindsForAnyNumberOfGroupsAndQueries) {
  for (std::size_t groups = 1; groups <= 5; ++groups) {
    for (std::size_t queries = 1; queries <= 9; ++queries) {
      LookupCase(groups, 3, queries, static_cast<unsigned>(groups)).check(table());
      LookupCase(groups, 11, queries, static_cast<unsigned>(groups)).check(table());
    }
  }
}

TEST_P(Lookup, LongSumsSaturate) {
  LookupCase many(1, 8 * 300, 2, 3);
  many.check(table());
  EXPECT_EQ(many.sum(0, 0), 65535u);
}

TEST_P(Lookup, SumsOfAGroupAreThoseOfItsRows) {
  std::mt19937 random(5);
  for (const std::size_t planes : {1u, 2u, 3u, 8u, 17u, 64u}) {
    std::vector<std::uint8_t> codes(planes * kLookupRows);
    std::vector<float> tables(planes * 32);
    for (std::uint8_t& code : codes) code = static_cast<std::uint8_t>(random());
    for (float& value : tables) value = static_cast<float>(random() % 1000);  // sums are exact
    float sums[kLookupRows];
    const std::uint32_t rows = planes == 8 ? 0x00210000u : planes == 3 ? 0x8000u : 0xffffffffu;
    GetParam()->lookup_sums(codes.data(), planes, tables.data(), rows, sums);
    for (std::size_t i = 0; i < kLookupRows; ++i) {
      if ((rows >> i & 1) == 0) continue;
      float sum = 0;
      for (std::size_t p = 0; p < planes; ++p) {
        const std::uint8_t code = codes[p * kLookupRows + i];
        sum += tables[p * 32 + code % 16] + tables[p * 32 + 16 + code / 16];
      }
      ASSERT_EQ(sums[i], sum) << planes << " planes, row " << i;
    }
  }
}

}  // namespace
}  // namespace knear::kernels
