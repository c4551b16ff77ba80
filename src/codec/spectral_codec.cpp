// Spectral hashing: a bit for each element, which says in which half of a wave it lies.
#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <vector>

#include "codec/hamming_scan.h"
#include "codec/median.h"
#include "codec/near_rows.h"
#include "codec/registry.h"
#include "core/check.h"
#include "core/parallel_for.h"
#include "core/row_set.h"
#include "io/byte_fields.h"
#include "knear/codecs.h"

namespace knear {
namespace {

using Threshold = SpectralOptions::Threshold;

constexpr std::size_t kMostTrainingRows = std::size_t{1} << 16;
constexpr std::size_t kMostTrainingValues = std::size_t{1} << 24;
constexpr std::size_t kMostTrialRows = 4096;
constexpr std::size_t kMostTrialValues = std::size_t{1} << 20;
constexpr double kPeriods[] = {8, 6, 5, 4, 3, 2};  // to try, in standard deviations
constexpr double kMost = std::numeric_limits<float>::max();
constexpr double kLeast = std::numeric_limits<float>::min();

std::size_t checked_dim(std::size_t dim, Metric metric, const SpectralOptions& options) {
  require(metric == Metric::l2, "SH compares codes by Hamming distance, so its metric has to be l2, not ",
          text_of(metric));
  const float period = options.period.value_or(1);
  require(period > 0 && std::isfinite(period), "the period of SH is more than 0 and finite, not ", period);
  return dim;
}

std::string digits_of(float value) {
  char digits[32];
  return {digits, std::to_chars(digits, digits + sizeof(digits), value).ptr};
}

float as_float(double value) { return static_cast<float>(std::clamp(value, -kMost, kMost)); }

// Sum, and sum of squares from the first value on, which keeps small deviations from a large mean apart.
double variance_of(std::span<const float> values) {
  double sum = 0;
  double squares = 0;
  for (const float value : values) {
    const double rest = double{value} - values.front();
    sum += rest;
    squares += rest * rest;
  }
  const auto n = static_cast<double>(values.size());
  return std::max(0.0, squares / n - sum / n * (sum / n));
}

class SpectralCodec final : public Codec {
 public:
  SpectralCodec(std::size_t dim, Metric metric, const SpectralOptions& options)
      : Codec(dim, metric, (checked_dim(dim, metric, options) + 7) / 8), options_(options) {}

  std::string spec() const override {
    const char* const suffix = options_.threshold == Threshold::median ? "m"
                               : options_.threshold == Threshold::half ? "h"
                                                                       : "";
    return concat("SH", options_.period ? digits_of(*options_.period) : "", suffix);
  }

  bool is_trained() const noexcept override { return !thresholds_.empty(); }

  std::unique_ptr<Codec> trained(MatrixView rows, const TrainOptions& options) const override {
    require(rows.rows() >= 1, "SH learns from at least 1 row");
    const std::size_t most = std::clamp<std::size_t>(kMostTrainingValues / dim(), 1024, kMostTrainingRows);
    const Matrix sample = RowSet(rows, most).floats();
    const std::vector<std::vector<float>> columns = columns_of(sample, options.run);
    auto taught = std::make_unique<SpectralCodec>(dim(), metric(), options_);
    taught->thresholds_.resize(dim());
    if (options_.threshold == Threshold::median) {
      parallel_for(dim(), options.run,
                   [&](std::size_t j, std::size_t) { taught->thresholds_[j] = median_of(columns[j]); });
    }
    if (options_.period) {
      taught->use(*options_.period);
    } else {
      taught->choose_period(sample, deviation_of(columns, options.run), options.run);
    }
    taught->means_.resize(2 * dim());
    parallel_for(dim(), options.run, [&](std::size_t j, std::size_t) { taught->learn_means(j, columns[j]); });
    return taught;
  }

  void write(ByteSink& sink) const override {
    sink.f32(period_);
    sink.floats(thresholds_);
    sink.floats(means_);
  }

  void read(ByteSource& source) override {
    const float period = source.f32();
    if (!(period > 0 && std::isfinite(period)) || period != options_.period.value_or(period)) {
      fail(Error::corrupt_file, spec(), " with a period of ", period);
    }
    std::vector<float> thresholds = source.floats(dim());
    means_ = source.floats(2 * dim());
    thresholds_ = std::move(thresholds);
    period_ = period;
  }

  void encode(MatrixView rows, Byte* codes) const override {
    std::vector<float> row(dim());
    std::fill_n(codes, rows.rows() * code_bytes(), Byte{0});
    for (std::size_t i = 0; i < rows.rows(); ++i, codes += code_bytes()) {
      rows.copy_row(i, row.data());
      for (std::size_t j = 0; j < dim(); ++j) {
        codes[j / 8] = static_cast<Byte>(codes[j / 8] | (bit(j, row[j]) ? 1u : 0u) << (j % 8));
      }
    }
  }

  void decode(const Byte* codes, std::size_t n, float* rows) const override {
    for (std::size_t i = 0; i < n; ++i, codes += code_bytes(), rows += dim()) {
      for (std::size_t j = 0; j < dim(); ++j) rows[j] = means_[2 * j + (codes[j / 8] >> (j % 8) & 1)];
    }
  }

  std::unique_ptr<Scan> make_knn_scan(MatrixView queries, std::size_t k, const SlotTable& table) const override {
    return make_hamming_knn(*this, queries, k, table);
  }
  std::unique_ptr<Scan> make_range_scan(MatrixView queries, double radius, const SlotTable& table) const override {
    return make_hamming_range(*this, queries, radius, table);
  }
  std::unique_ptr<PreparedQueries> prepare(MatrixView queries, const Shadow*, const RunOptions&) const override {
    return prepare_hamming(*this, queries);
  }
  std::unique_ptr<CodeRanker> make_ranker(MatrixView queries) const override {
    return make_hamming_ranker(*this, queries);
  }

 private:
  // Is the value in the second half of its wave? Of NaN and Inf it is not.
  bool bit(std::size_t j, float value) const {
    const double waves = (double{value} - double{thresholds_[j]}) / double{period_};
    return waves - std::floor(waves) >= 0.5;
  }

  std::vector<std::vector<float>> columns_of(const Matrix& rows, const RunOptions& run) const {
    std::vector<std::vector<float>> columns(dim());
    parallel_for(dim(), run, [&](std::size_t j, std::size_t) {
      columns[j].resize(rows.rows());
      for (std::size_t i = 0; i < rows.rows(); ++i) {
        const float value = rows.floats()[i * dim() + j];
        columns[j][i] = std::isfinite(value) ? value : 0.0f;
      }
    });
    return columns;
  }

  // The root of the variances' mean over dimensions.
  double deviation_of(const std::vector<std::vector<float>>& columns, const RunOptions& run) const {
    std::vector<double> variances(dim());
    parallel_for(dim(), run, [&](std::size_t j, std::size_t) { variances[j] = variance_of(columns[j]); });
    double sum = 0;
    for (const double variance : variances) sum += variance;
    return std::sqrt(sum / static_cast<double>(dim()));
  }

  void use(float period) {
    period_ = period;
    if (options_.threshold == Threshold::half) thresholds_.assign(dim(), -period / 4);
  }

  // That whose codes find the most of the nearest rows of a sample; of equal ones, or of few rows, the longest.
  void choose_period(MatrixView rows, double deviation, const RunOptions& run) {
    if (!(deviation > 0)) return use(1);
    const auto of = [&](double factor) { return static_cast<float>(std::clamp(factor * deviation, kLeast, kMost)); };
    const std::size_t most = std::clamp<std::size_t>(kMostTrialValues / dim(), 256, kMostTrialRows);
    const Matrix some = RowSet(rows, most).floats();
    const NearRows near(some, run);
    std::vector<Byte> codes(some.rows() * code_bytes());
    double best = -1;
    float chosen = of(kPeriods[0]);
    for (const double factor : kPeriods) {
      if (!near.can_tell()) break;
      use(of(factor));
      encode(some, codes.data());
      const double found = near.found(codes, run);
      if (found > best) chosen = period_;
      best = std::max(best, found);
    }
    use(chosen);
  }

  // A bit that no training row has decodes to the threshold.
  void learn_means(std::size_t j, const std::vector<float>& column) {
    double sums[2] = {0, 0};
    std::size_t counts[2] = {0, 0};
    for (const float value : column) {
      const std::size_t half = bit(j, value) ? 1 : 0;
      sums[half] += value;
      ++counts[half];
    }
    for (std::size_t half = 0; half < 2; ++half) {
      means_[2 * j + half] = counts[half] ? as_float(sums[half] / static_cast<double>(counts[half])) : thresholds_[j];
    }
  }

  SpectralOptions options_;
  float period_ = 0;
  std::vector<float> thresholds_;  // of each element; empty: not trained
  std::vector<float> means_;       // of each element: of those in the first half of a wave, of those in the second
};

std::optional<float> read_period(StageReader& stage) {
  const std::string_view rest = stage.rest();
  if (rest.empty() || std::string_view("0123456789.-").find(rest.front()) == std::string_view::npos)
    return std::nullopt;
  float period = 0;
  const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), period);
  require(error == std::errc() && period > 0, "'SH", rest, "': the period is a number above 0, as in SH1.5");
  stage.word(rest.substr(0, static_cast<std::size_t>(end - rest.data())));
  return period;
}

}  // namespace

MakeCodec read_spectral_codec(StageReader& stage) {
  if (!stage.word("SH")) return nullptr;
  SpectralOptions options;
  options.period = read_period(stage);
  require(stage.rest() != "c", "SH with thresholds at centroids, 'c', takes cells: IVF256,ITQ64,SH1.5c");
  if (stage.word("m")) {
    options.threshold = Threshold::median;
  } else if (stage.word("h")) {
    options.threshold = Threshold::half;
  } else {
    stage.word("g");
  }
  stage.done();
  return [options](std::size_t dim, Metric metric) { return make_spectral_codec(dim, metric, options); };
}

std::unique_ptr<Codec> make_spectral_codec(std::size_t dim, Metric metric, const SpectralOptions& options) {
  return std::make_unique<SpectralCodec>(dim, metric, options);
}

}  // namespace knear
