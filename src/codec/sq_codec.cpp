// Scalar quantizer: each element is a code of 4, 6 or 8 bits, by itself. Few queries are compared with codes, many with
// decoded rows, by the tile.
#include <array>
#include <charconv>
#include <cmath>
#include <vector>

#include "codec/decoded_scan.h"
#include "codec/filter_scan.h"
#include "codec/registry.h"
#include "codec/scalar_filter.h"
#include "codec/sq_ranges.h"
#include "core/check.h"
#include "io/byte_fields.h"
#include "kernels/dispatch.h"
#include "knear/codecs.h"

namespace knear {
namespace {

constexpr std::array kStatistics{"minmax", "meanstd", "quantiles", "optim"};

std::string text_of(float value) {
  std::array<char, 32> text;
  const auto [end, error] = std::to_chars(text.data(), text.data() + text.size(), value);
  return {text.data(), end};
}

void check(const SqOptions& options) {
  require(options.bits == 4 || options.bits == 6 || options.bits == 8,
          "a scalar quantizer has 4, 6 or 8 bits an element, not ", options.bits);
  if (!options.argument) return;
  const float argument = *options.argument;
  require(options.statistic != SqStatistic::optim, "rangestat optim takes no rangestat_arg");
  require(argument >= 0 && std::isfinite(argument), "rangestat_arg must be finite and not negative, not ", argument);
  require(options.statistic != SqStatistic::quantiles || argument < 0.5f,
          "rangestat quantiles leaves out less than half of the values at each end, not ", argument);
}

// bytes: one code each. Packed, the first of those that share a byte in its lowest bits.
void pack_nibbles(const std::vector<Byte>& bytes, std::size_t dim, Byte* code) {
  for (std::size_t j = 0; j < dim / 2; ++j) code[j] = static_cast<Byte>(bytes[2 * j] | bytes[2 * j + 1] << 4);
  if (dim % 2) code[dim / 2] = bytes[dim - 1];
}

void pack_sixes(const std::vector<Byte>& bytes, std::size_t dim, Byte* code) {
  const std::size_t code_bytes = (6 * dim + 7) / 8;
  for (std::size_t j = 0, at = 0; j < dim; j += 4) {
    std::uint32_t word = 0;
    for (std::size_t i = 0; i < 4 && j + i < dim; ++i) word |= static_cast<std::uint32_t>(bytes[j + i]) << (6 * i);
    for (std::size_t b = 0; b < 3 && at < code_bytes; ++b) code[at++] = static_cast<Byte>(word >> (8 * b));
  }
}

class SqCodec final : public Codec {
 public:
  SqCodec(std::size_t dim, Metric metric, const SqOptions& options)
      : Codec(dim, metric, (options.bits * dim + 7) / 8), options_(options) {}

  std::string spec() const override {
    std::string text = concat("SQ", options_.bits);
    if (options_.range == SqRange::uniform) text += ",range=uniform";
    const auto statistic = static_cast<std::size_t>(options_.statistic);
    if (statistic) text += concat(",rangestat=", kStatistics[statistic]);
    const float argument = sq_argument(options_);
    const float usual = sq_argument({.statistic = options_.statistic});
    if (argument != usual) text += ",rangestat_arg=" + text_of(argument);
    return text;
  }

  bool is_trained() const noexcept override { return !offsets_.empty(); }
  bool suits_residuals() const noexcept override { return true; }

  std::unique_ptr<Codec> trained(MatrixView rows, const TrainOptions& options) const override {
    require(rows.rows() >= 1, "a scalar quantizer learns its ranges from at least 1 row");
    auto taught = std::make_unique<SqCodec>(dim(), metric(), options_);
    taught->take(learned_ranges(rows, options_, options.run));
    return taught;
  }

  void write(ByteSink& sink) const override {
    const std::size_t n = learned();
    sink.floats(std::span(offsets_).first(n));
    sink.floats(std::span(steps_).first(n));
  }

  void read(ByteSource& source) override {
    SqRanges ranges;
    ranges.offsets = source.floats(learned());
    ranges.steps = source.floats(learned());
    const float width = 2 * kMostSqValue / most() * 1.001f;
    for (std::size_t j = 0; j < learned(); ++j) {
      const bool good = std::abs(ranges.offsets[j]) <= kMostSqValue &&
                        (ranges.steps[j] == 0 || (ranges.steps[j] >= kLeastSqStep && ranges.steps[j] <= width));
      if (!good) {
        fail(Error::corrupt_file, "a scalar quantizer with the offset ", ranges.offsets[j], " and the step ",
             ranges.steps[j]);
      }
    }
    take(std::move(ranges));
  }

  void encode(MatrixView rows, Byte* codes) const override {
    const kernels::Table& table = kernels::table();
    std::vector<float> row(dim());
    std::vector<Byte> bytes(dim());
    for (std::size_t i = 0; i < rows.rows(); ++i, codes += code_bytes()) {
      rows.copy_row(i, row.data());
      Byte* out = options_.bits == 8 ? codes : bytes.data();
      table.quantize(row.data(), offsets_.data(), scales_.data(), dim(), most(), out);
      if (options_.bits == 6) pack_sixes(bytes, dim(), codes);
      if (options_.bits == 4) pack_nibbles(bytes, dim(), codes);
    }
  }

  void decode(const Byte* codes, std::size_t n, float* rows) const override {
    const kernels::Table& table = kernels::table();
    const kernels::CodesJob job{codes, code_bytes(), n, dim(), offsets_.data(), steps_.data(), rows};
    if (options_.bits == 8) table.rows_from_8bit(&job);
    if (options_.bits == 6) table.rows_from_6bit(&job);
    if (options_.bits == 4) table.rows_from_4bit(&job);
  }

  std::unique_ptr<Scan> make_knn_scan(MatrixView queries, std::size_t k, const SlotTable& table) const override {
    if (!adds_up(queries)) return make_decoded_knn(*this, queries, k, table);
    return std::make_unique<FilteredKnn<ScalarFilter>>(*this, filters(), queries, k, table);
  }
  std::unique_ptr<Scan> make_range_scan(MatrixView queries, double radius, const SlotTable& table) const override {
    if (!adds_up(queries)) return make_decoded_range(*this, queries, radius, table);
    return std::make_unique<FilteredRange<ScalarFilter>>(*this, filters(), queries, radius, table);
  }

 private:
  // Are there too few queries for the tile?
  bool adds_up(MatrixView queries) const {
    return (metric() == Metric::l2 || metric() == Metric::inner_product) &&
           queries.rows() <= kernels::table().tile_queries / 4;
  }
  MakeFilter<ScalarFilter> filters() const {
    return [this](MatrixView queries) {
      return std::make_unique<ScalarFilter>(ScalarCodes{options_.bits, offsets_, steps_}, metric().kind, queries);
    };
  }
  float most() const noexcept { return static_cast<float>((1u << options_.bits) - 1); }
  // Offsets that are learned.
  std::size_t learned() const noexcept { return options_.range == SqRange::uniform ? 1 : dim(); }

  void take(SqRanges ranges) {
    offsets_ = std::move(ranges.offsets);
    steps_ = std::move(ranges.steps);
    offsets_.resize(dim(), offsets_[0]);
    steps_.resize(dim(), steps_[0]);
    scales_.clear();
    for (const float step : steps_) scales_.push_back(step > 0 ? 1 / step : 0.0f);
  }

  SqOptions options_;
  // Of each dimension.
  std::vector<float> offsets_;
  std::vector<float> steps_;
  std::vector<float> scales_;  // 1 / step; 0 for a single value
};

}  // namespace

MakeCodec read_sq_codec(StageReader& stage) {
  if (!stage.word("SQ")) return nullptr;
  const auto flat = [&](DType stored) -> MakeCodec {
    stage.done();
    return [stored](std::size_t dim, Metric metric) { return make_flat_codec(dim, metric, stored); };
  };
  if (stage.word("fp16")) return flat(DType::f16);
  if (stage.word("bf16")) return flat(DType::bf16);
  SqOptions options;
  options.bits = stage.number("its bits");
  if (options.bits == 8 && stage.word("_direct")) return flat(stage.word("_signed") ? DType::i8 : DType::u8);
  options.range = static_cast<SqRange>(stage.choice_option("range", {"dimension", "uniform"}).value_or(0));
  const auto statistic = stage.choice_option("rangestat", {"minmax", "meanstd", "quantiles", "optim"});
  options.statistic = static_cast<SqStatistic>(statistic.value_or(0));
  options.argument = stage.real_option("rangestat_arg");
  stage.done();
  check(options);
  return [options](std::size_t dim, Metric metric) { return make_sq_codec(dim, metric, options); };
}

std::unique_ptr<Codec> make_sq_codec(std::size_t dim, Metric metric, const SqOptions& options) {
  check(options);
  return std::make_unique<SqCodec>(dim, metric, options);
}

}  // namespace knear
