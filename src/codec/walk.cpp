#include "codec/walk.h"

#include <cmath>
#include <cstring>
#include <limits>

#include "codec/ranker.h"
#include "codec/rows.h"
#include "codec/shadow_queries.h"
#include "kernels/dispatch.h"

namespace knear {
namespace {

constexpr float kFar = std::numeric_limits<float>::infinity();

float known(float distance) { return std::isnan(distance) ? kFar : distance; }

kernels::ShadowFactors factors_of(const Byte* shadow, std::size_t codes) {
  kernels::ShadowFactors factors;
  std::memcpy(&factors, shadow + codes, sizeof factors);
  return factors;
}

// Sums of whole numbers, and few roundings, which are the same everywhere.
class ShadowWalker final : public Walker {
 public:
  ShadowWalker(const ByteShadow& shadow, MatrixView queries)
      : queries_(shadow, queries, ShadowQueries::For::groups_and_rest, 0, {.num_threads = 1}),
        codes_(shadow.codes()),
        is_product_(shadow.metric() == Metric::inner_product),
        scale_(static_cast<float>(shadow.scale())),
        dot_(kernels::table().shadow_dot),
        planes_(2 * ((codes_ + 31) / 32 * 32)) {}

  bool stand_at_query(std::size_t query) override {
    if (!queries_.safe(query)) return false;
    by_product_ = is_product_;
    coarse_ = queries_.coarse(query);
    fine_ = queries_.fine(query);
    start_ = queries_.start(query);
    step_ = static_cast<float>(queries_.step(query));
    square_ = static_cast<float>(queries_.square(query));
    return true;
  }

  bool stand_at_row(const WalkRow& row) override {
    const kernels::ShadowFactors factors = factors_of(row.shadow, codes_);
    if (std::isnan(factors.step)) return false;
    by_product_ = false;
    std::int8_t* const coarse = planes_.data();
    std::int8_t* const fine = coarse + planes_.size() / 2;
    int sum = 0;
    for (std::size_t j = 0; j < codes_; ++j) {
      const int code = row.shadow[j] - 128;
      const int whole = (code + 8 + 1024) / 16 - 64;
      coarse[j] = static_cast<std::int8_t>(whole);
      fine[j] = static_cast<std::int8_t>(code - 16 * whole);
      sum += code;
    }
    coarse_ = coarse;
    fine_ = fine;
    start_ = -128 * sum;
    step_ = factors.step / 2;
    square_ = square_of(factors);
    depth_ = row.depth;
    return true;
  }

  void fetch(const WalkRow& row) const noexcept override {
    for (std::size_t at = 0; at < codes_ + sizeof(kernels::ShadowFactors); at += 64) {
      __builtin_prefetch(row.shadow + at);
    }
    __builtin_prefetch(row.shadow + codes_ + sizeof(kernels::ShadowFactors) - 1);
  }

  void distances(std::span<const WalkRow> rows, float* out) override {
    for (std::size_t i = 0; i < rows.size(); ++i) {
      const kernels::ShadowFactors factors = factors_of(rows[i].shadow, codes_);
      const auto dot = static_cast<float>(dot_(rows[i].shadow, coarse_, fine_, start_, codes_));
      const float product = step_ * factors.step * dot;  // twice the inner product
      if (by_product_) {
        out[i] = known(-product);
        continue;
      }
      float distance = square_ + square_of(factors) - product;
      if (is_product_) {
        const float deeper = (depth_ - rows[i].depth) * scale_;
        distance += deeper * deeper;
      }
      out[i] = known(distance);
    }
  }

 private:
  float square_of(const kernels::ShadowFactors& factors) const noexcept {
    return is_product_ ? factors.weight * factors.weight : factors.weight + factors.error * factors.error;
  }

  ShadowQueries queries_;
  std::size_t codes_;
  bool is_product_;
  float scale_;
  std::int32_t (*dot_)(const std::uint8_t*, const std::int8_t*, const std::int8_t*, std::int32_t, std::size_t);
  std::vector<std::int8_t> planes_;  // of a row that it stands at
  const std::int8_t* coarse_ = nullptr;
  const std::int8_t* fine_ = nullptr;
  std::int32_t start_ = 0;
  float step_ = 0;
  float square_ = 0;
  float depth_ = 0;
  bool by_product_ = false;
};

class CodeWalker final : public Walker {
 public:
  CodeWalker(const Codec& codec, const SlotTable& table, MatrixView queries)
      : codec_(codec),
        table_(table),
        is_product_(codec.metric() == Metric::inner_product),
        by_codes_(queries.rows() ? codec.make_ranker(queries) : nullptr),
        exact_(kernels::table().exact[kernels::exact_l2]),
        ranker_(codec),
        reader_(codec),
        from_(codec.dim()) {}

  bool stand_at_query(std::size_t query) override {
    query_ = query;
    at_query_ = true;
    return true;
  }

  bool stand_at_row(const WalkRow& row) override {
    at_query_ = false;
    depth_ = static_cast<double>(row.depth);
    const float* values = nullptr;
    reader_.read(table_, std::span(&row.slot, 1), &values);
    std::copy_n(values, from_.size(), from_.data());
    return true;
  }

  void fetch(const WalkRow& row) const noexcept override {
    if (codec_.layout() == CodeLayout::rows) __builtin_prefetch(table_.code(row.slot, nullptr));
  }

  void distances(std::span<const WalkRow> rows, float* out) override {
    slots_.clear();
    for (const WalkRow& row : rows) slots_.push_back(row.slot);
    if (at_query_) {
      hits_.resize(rows.size());
      by_codes_->rank(query_, table_, slots_, hits_);
      for (std::size_t i = 0; i < rows.size(); ++i) out[i] = known(static_cast<float>(hits_[i].distance));
      return;
    }
    floats_.resize(rows.size());
    values_.resize(rows.size());
    reader_.read(table_, slots_, floats_.data());
    if (!is_product_) {
      ranker_.distances(from_.data(), floats_, values_.data());
    } else {
      exact_(from_.data(), floats_.data(), floats_.size(), from_.size(), 0, values_.data());
    }
    for (std::size_t i = 0; i < rows.size(); ++i) {
      const double deeper = is_product_ ? depth_ - static_cast<double>(rows[i].depth) : 0;
      out[i] = known(static_cast<float>(values_[i] + deeper * deeper));
    }
  }

 private:
  const Codec& codec_;
  const SlotTable& table_;
  bool is_product_;
  std::unique_ptr<CodeRanker> by_codes_;
  kernels::ExactFn exact_;
  Ranker ranker_;
  RowReader reader_;
  std::vector<float> from_;
  std::vector<Slot> slots_;
  std::vector<Hit> hits_;
  std::vector<const float*> floats_;
  std::vector<double> values_;
  std::size_t query_ = 0;
  double depth_ = 0;
  bool at_query_ = false;
};

}  // namespace

bool walks_by_shadows(const Codec& codec) {
  const Metric::Kind metric = codec.metric().kind;
  const bool possible = metric == Metric::l2 || metric == Metric::inner_product || metric == Metric::cosine;
  return possible && codec.exact() && codec.layout() == CodeLayout::rows;
}

std::unique_ptr<Walker> make_walker(const Codec& codec, const SlotTable& table, const Shadow* shadow,
                                    MatrixView queries) {
  if (const auto* bytes = dynamic_cast<const ByteShadow*>(shadow)) {
    return std::make_unique<ShadowWalker>(*bytes, queries);
  }
  return std::make_unique<CodeWalker>(codec, table, queries);
}

}  // namespace knear
