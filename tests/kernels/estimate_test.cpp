#include <algorithm>
#include <tuple>

#include "kernels_test.h"

namespace knear::kernels {
namespace {

// Codes, tables and terms that are whole numbers, so that float32 is exact; with the slow, obvious answer.
class EstimateCase {
 public:
  EstimateCase(std::size_t groups, std::size_t planes, std::size_t queries, bool with_spreads, unsigned seed)
      : groups_(groups), planes_(planes), queries_(queries), stride_((planes + 4) * kLookupRows), random_(seed) {
    codes_.resize(groups * stride_);
    tables_.resize(queries * planes * 32);
    for (std::uint8_t& code : codes_) code = static_cast<std::uint8_t>(random_());
    for (std::uint8_t& value : tables_) value = static_cast<std::uint8_t>(random_() % 64);
    biases_ = whole_numbers(groups * kLookupRows, 1000);
    factors_ = whole_numbers(groups * kLookupRows, 20);
    if (with_spreads) spreads_ = whole_numbers(groups * kLookupRows, 100);
    for (std::size_t q = 0; q < queries; ++q) {
      const std::vector<float> some = whole_numbers(4, 50);
      terms_.push_back({some[0], some[1], some[2] - 60.0f * static_cast<float>(planes), some[3]});
    }
    biases_[random_() % biases_.size()] = kNan;
  }

  void check(const Table& table) {
    std::vector<EstimateHit> hits(groups_ * kLookupRows * queries_ + 1, {7, 7, 7});
    const EstimateJob job{codes_.data(),   static_cast<std::ptrdiff_t>(stride_),
                          groups_,         planes_,
                          tables_.data(),  terms_.data(),
                          queries_,        biases_.data(),
                          factors_.data(), spreads_.empty() ? nullptr : spreads_.data(),
                          hits.data()};
    const std::size_t count = table.estimate(&job);
    EXPECT_EQ(hits.back().row, 7u) << "wrote behind the room for hits";
    std::vector<std::tuple<std::uint32_t, std::uint32_t, std::uint32_t>> found;
    for (std::size_t h = 0; h < count; ++h) found.emplace_back(hits[h].query, hits[h].row, hits[h].sum);
    std::sort(found.begin(), found.end());
    EXPECT_EQ(found, expected());
  }

 private:
  std::vector<float> whole_numbers(std::size_t n, unsigned below) {
    std::vector<float> numbers(n);
    for (float& number : numbers) number = static_cast<float>(random_() % below) - static_cast<float>(below / 2);
    return numbers;
  }

  std::vector<std::tuple<std::uint32_t, std::uint32_t, std::uint32_t>> expected() const {
    std::vector<std::tuple<std::uint32_t, std::uint32_t, std::uint32_t>> all;
    for (std::uint32_t q = 0; q < queries_; ++q) {
      for (std::uint32_t row = 0; row < groups_ * kLookupRows; ++row) {
        std::uint32_t sum = 0;
        for (std::size_t p = 0; p < planes_; ++p) {
          const std::uint8_t code = codes_[row / kLookupRows * stride_ + p * kLookupRows + row % kLookupRows];
          const std::uint8_t* table = tables_.data() + (q * planes_ + p) * 32;
          sum += table[code % 16] + table[16 + code / 16];
        }
        const EstimateQuery& term = terms_[q];
        float value = biases_[row] + term.bias + factors_[row] * (term.scale * static_cast<float>(sum) + term.offset);
        if (!spreads_.empty()) value += spreads_[row] * term.spread;
        if (!(value > 0)) all.emplace_back(q, row, sum);
      }
    }
    return all;
  }

  std::size_t groups_;
  std::size_t planes_;
  std::size_t queries_;
  std::size_t stride_;
  std::mt19937 random_;
  std::vector<std::uint8_t> codes_;
  std::vector<std::uint8_t> tables_;
  std::vector<float> biases_;
  std::vector<float> factors_;
  std::vector<float> spreads_;
  std::vector<EstimateQuery> terms_;
};

class Estimate : public EachTable {};
INSTANTIATE_TEST_SUITE_P(Kernels, Estimate, testing::ValuesIn(tables_under_test()), table_name);

TEST_P(Estimate, FindsWhatALoopFinds) {
  for (std::size_t planes = 1; planes <= 9; ++planes) {
    for (std::size_t queries = 1; queries <= 7; ++queries) {
      SCOPED_TRACE(testing::Message() << planes << " planes, " << queries << " queries");
      EstimateCase(3, planes, queries, false, static_cast<unsigned>(planes)).check(table());
      EstimateCase(2, planes, queries, true, static_cast<unsigned>(queries)).check(table());
    }
  }
}

TEST_P(Estimate, LongSumsDoNotOverflow) { EstimateCase(1, 520, 4, false, 3).check(table()); }

TEST_P(Estimate, FloatsComeOutOfPlanes) {
  constexpr std::size_t groups = 3;
  constexpr std::size_t stride = 7 * kLookupRows + 1;
  const std::vector<float> floats = normal_floats(groups * kLookupRows, 5);
  std::vector<std::uint8_t> planes(groups * stride);
  for (std::size_t i = 0; i < floats.size(); ++i) {
    const auto bits = std::bit_cast<std::uint32_t>(floats[i]);
    for (std::size_t b = 0; b < 4; ++b) {
      planes[i / kLookupRows * stride + b * kLookupRows + i % kLookupRows] = static_cast<std::uint8_t>(bits >> 8 * b);
    }
  }
  std::vector<float> out(floats.size());
  table().f32_from_planes(planes.data(), stride, groups, out.data());
  EXPECT_EQ(out, floats);
}

}  // namespace
}  // namespace knear::kernels
