// Rows as they are, or rounded to a narrower element type. A decoded row is the stored one, so that the scans over
// decoded rows, which every codec has, are exact here.
#include <algorithm>
#include <vector>

#include "codec/byte_shadow.h"
#include "codec/decoded_scan.h"
#include "codec/filter_scan.h"
#include "codec/registry.h"
#include "codec/rows.h"
#include "codec/shadow_filter.h"
#include "core/check.h"
#include "kernels/dispatch.h"
#include "knear/codecs.h"

namespace knear {
namespace {

// Below, float32 is as fast.
constexpr std::size_t kLeastShadowDim = 16;
constexpr std::size_t kLeastShadowRows = 4000;

// Their shadows are made once.
class ShadowedQueries final : public PreparedQueries {
 public:
  ShadowedQueries(const Codec& codec, MatrixView queries, const ByteShadow& shadow, ShadowFilter::GiveUp give_up,
                  const RunOptions& run)
      : codec_(codec),
        queries_(queries),
        give_up_(give_up),
        ready_(std::make_shared<ShadowQueries>(shadow, queries, ShadowQueries::For::both, 0, run)) {}

  std::unique_ptr<Scan> make_knn_scan(std::span<const std::uint32_t> which, std::size_t k,
                                      const SlotTable& table) const override {
    return std::make_unique<FilteredKnn<ShadowFilter>>(codec_, filters(which, k, table.rows()),
                                                       rows_of(queries_, which), k, table);
  }
  std::unique_ptr<Scan> make_range_scan(std::span<const std::uint32_t> which, double radius,
                                        const SlotTable& table) const override {
    return std::make_unique<FilteredRange<ShadowFilter>>(codec_, filters(which, 0, table.rows()),
                                                         rows_of(queries_, which), radius, table);
  }

 private:
  MakeFilter<ShadowFilter> filters(std::span<const std::uint32_t> which, std::size_t k, std::size_t rows) const {
    const ShadowFilter::Task task{k, rows, give_up_};
    return [this, task, prepared = ShadowFilter::Prepared{ready_, {which.begin(), which.end()}}](MatrixView queries) {
      return std::make_unique<ShadowFilter>(codec_, queries, task, prepared);
    };
  }

  const Codec& codec_;
  MatrixView queries_;
  ShadowFilter::GiveUp give_up_;
  std::shared_ptr<const ShadowQueries> ready_;
};

class FlatCodec final : public Codec {
 public:
  FlatCodec(std::size_t dim, Metric metric, DType stored, ExactBy by)
      : Codec(dim, metric, dim * bytes_of(stored)), stored_(stored), by_(by) {}

  std::string spec() const override {
    const char* by = by_ == ExactBy::automatic ? "" : by_ == ExactBy::int8 ? ",exact=int8" : ",exact=fp32";
    return concat("Flat", stored_ == DType::f32 ? "" : concat(",dtype=", name_of(stored_)), by);
  }
  DType dtype() const noexcept override { return stored_; }
  bool exact() const noexcept override { return true; }

  void encode(MatrixView rows, Byte* codes) const override {
    if (rows.dtype() == stored_ && rows.contiguous()) {
      std::copy_n(rows.data(), rows.rows() * code_bytes(), codes);
      return;
    }
    std::vector<float> row(dim());
    for (std::size_t i = 0; i < rows.rows(); ++i, codes += code_bytes()) {
      if (rows.dtype() == stored_) {
        std::copy_n(rows.row(i), code_bytes(), codes);
        continue;
      }
      rows.copy_row(i, row.data());
      narrow(stored_, row.data(), dim(), codes);
    }
  }

  void decode(const Byte* codes, std::size_t n, float* rows) const override { widen(stored_, codes, n * dim(), rows); }

  std::size_t casts_shadows_from() const noexcept override {
    const bool possible = metric() == Metric::l2 || metric() == Metric::inner_product || metric() == Metric::cosine;
    if (!possible || by_ == ExactBy::fp32) return ~std::size_t{0};
    if (by_ == ExactBy::int8) return 1;
    const bool pays = kernels::table().shadow_pays && dim() >= kLeastShadowDim && stored_ == DType::f32;
    return pays ? kLeastShadowRows : ~std::size_t{0};
  }
  std::shared_ptr<const Shadow> make_shadow(const Byte* codes, std::size_t n) const override {
    return std::make_shared<ByteShadow>(dim(), metric().kind, stored_, codes, n);
  }
  std::shared_ptr<const Shadow> read_shadow(ByteSource& source) const override {
    return std::make_shared<ByteShadow>(dim(), metric().kind, stored_, source);
  }

  std::unique_ptr<PreparedQueries> prepare(MatrixView queries, const Shadow* shadow,
                                           const RunOptions& run) const override {
    if (!shadow) return Codec::prepare(queries, shadow, run);
    return std::make_unique<ShadowedQueries>(*this, queries, static_cast<const ByteShadow&>(*shadow), give_up(), run);
  }

  std::unique_ptr<Scan> make_knn_scan(MatrixView queries, std::size_t k, const SlotTable& table) const override {
    if (casts_shadows_from() == ~std::size_t{0}) return make_decoded_knn(*this, queries, k, table);
    return std::make_unique<FilteredKnn<ShadowFilter>>(*this, filters(k, table.rows()), queries, k, table);
  }
  std::unique_ptr<Scan> make_range_scan(MatrixView queries, double radius, const SlotTable& table) const override {
    if (casts_shadows_from() == ~std::size_t{0}) return make_decoded_range(*this, queries, radius, table);
    return std::make_unique<FilteredRange<ShadowFilter>>(*this, filters(0, table.rows()), queries, radius, table);
  }

 private:
  ShadowFilter::GiveUp give_up() const noexcept {
    return by_ == ExactBy::int8 ? ShadowFilter::GiveUp::never : ShadowFilter::GiveUp::when_slower;
  }
  MakeFilter<ShadowFilter> filters(std::size_t k, std::size_t rows) const {
    const ShadowFilter::Task task{k, rows, give_up()};
    return [this, task](MatrixView queries) { return std::make_unique<ShadowFilter>(*this, queries, task); };
  }

  DType stored_;
  ExactBy by_;
};

}  // namespace

MakeCodec read_flat_codec(StageReader& stage) {
  if (!stage.word("Flat")) return nullptr;
  const auto name = stage.option("dtype");
  const auto by = stage.choice_option("exact", {"auto", "int8", "fp32"});
  stage.done();
  const DType stored = name ? dtype_of(*name) : DType::f32;
  return [stored, by](std::size_t dim, Metric metric) {
    return make_flat_codec(dim, metric, stored, static_cast<ExactBy>(by.value_or(0)));
  };
}

std::unique_ptr<Codec> make_flat_codec(std::size_t dim, Metric metric, DType stored, ExactBy by) {
  return std::make_unique<FlatCodec>(dim, metric, stored, by);
}

}  // namespace knear
