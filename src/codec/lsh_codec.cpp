// Locality-sensitive hashing: a bit for each element, of the rows or of rotated ones.
#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>
#include <vector>

#include "codec/hamming_scan.h"
#include "codec/median.h"
#include "codec/registry.h"
#include "core/check.h"
#include "core/parallel_for.h"
#include "core/row_set.h"
#include "io/byte_fields.h"
#include "knear/codecs.h"
#include "knear/index.h"
#include "metric/hadamard.h"

namespace knear {
namespace {

constexpr std::uint64_t kRotationSeed = 1234;
constexpr std::size_t kMostTrainingRows = std::size_t{1} << 16;
constexpr std::size_t kMostTrainingValues = std::size_t{1} << 24;

std::size_t checked_bits(std::size_t dim, Metric metric, const LshOptions& options) {
  const std::size_t bits = options.bits ? options.bits : dim;
  require(metric == Metric::l2, "LSH compares codes by Hamming distance, so its metric has to be l2, not ",
          text_of(metric));
  require(bits <= kMaxDim, "LSH has at most ", kMaxDim, " bits, not ", bits);
  require(options.rotated || bits <= dim, "LSH without rotation has at most one bit per dimension: ", dim, ", not ",
          bits);
  return bits;
}

float mean_distance(const std::vector<float>& values, float from) {
  double sum = 0;
  for (const float value : values) sum += std::abs(double{value} - from);
  constexpr double most = std::numeric_limits<float>::max();
  return static_cast<float>(std::min(sum / static_cast<double>(values.size()), most));
}

class LshCodec final : public Codec {
 public:
  LshCodec(std::size_t dim, Metric metric, const LshOptions& options)
      : Codec(dim, metric, (checked_bits(dim, metric, options) + 7) / 8),
        options_(options),
        bits_(options.bits ? options.bits : dim) {
    if (options.rotated) rotation_.emplace(std::max(dim, bits_), kRotationSeed);
    if (options.thresholds) return;
    thresholds_.assign(bits_, 0.0f);
    reaches_.assign(bits_, 1.0f);
  }

  std::string spec() const override {
    return concat("LSH", bits_ == dim() ? "" : std::to_string(bits_), options_.rotated ? "r" : "",
                  options_.thresholds ? "t" : "");
  }

  bool is_trained() const noexcept override { return !thresholds_.empty(); }

  std::unique_ptr<Codec> trained(MatrixView rows, const TrainOptions& options) const override {
    if (!options_.thresholds) return nullptr;
    require(rows.rows() >= 1, "LSH learns its thresholds from at least 1 row");
    const Matrix sample =
        RowSet(rows, std::clamp<std::size_t>(kMostTrainingValues / width(), 1024, kMostTrainingRows)).floats();
    const std::size_t n = sample.rows();
    std::vector<float> columns(n * bits_);
    parallel_for((n + kRowsOfTask - 1) / kRowsOfTask, options.run, [&](std::size_t task, std::size_t) {
      std::vector<float> image(width());
      for (std::size_t i = task * kRowsOfTask; i < std::min(n, (task + 1) * kRowsOfTask); ++i) {
        project(sample, i, image.data());
        for (std::size_t b = 0; b < bits_; ++b) columns[b * n + i] = image[b];
      }
    });
    auto taught = std::make_unique<LshCodec>(dim(), metric(), options_);
    taught->thresholds_.resize(bits_);
    taught->reaches_.resize(bits_);
    parallel_for(bits_, options.run, [&](std::size_t b, std::size_t) {
      const auto column = columns.begin() + static_cast<std::ptrdiff_t>(b * n);
      std::vector<float> values(column, column + static_cast<std::ptrdiff_t>(n));
      for (float& value : values) value = std::isnan(value) ? 0.0f : value;
      taught->thresholds_[b] = median_of(values);
      taught->reaches_[b] = mean_distance(values, taught->thresholds_[b]);
    });
    return taught;
  }

  void write(ByteSink& sink) const override {
    if (!options_.thresholds) return;
    sink.floats(thresholds_);
    sink.floats(reaches_);
  }

  void read(ByteSource& source) override {
    if (!options_.thresholds) return;
    std::vector<float> thresholds = source.floats(bits_);
    std::vector<float> reaches = source.floats(bits_);
    for (const float reach : reaches) {
      if (!(reach >= 0)) fail(Error::corrupt_file, "LSH with a mean distance of ", reach, " from a threshold");
    }
    thresholds_ = std::move(thresholds);
    reaches_ = std::move(reaches);
  }

  void encode(MatrixView rows, Byte* codes) const override {
    std::vector<float> image(width());
    std::fill_n(codes, rows.rows() * code_bytes(), Byte{0});
    for (std::size_t i = 0; i < rows.rows(); ++i, codes += code_bytes()) {
      project(rows, i, image.data());
      for (std::size_t b = 0; b < bits_; ++b) {
        codes[b / 8] = static_cast<Byte>(codes[b / 8] | (image[b] >= thresholds_[b] ? 1u : 0u) << (b % 8));
      }
    }
  }

  void decode(const Byte* codes, std::size_t n, float* rows) const override {
    std::vector<float> image(width());
    for (std::size_t i = 0; i < n; ++i, codes += code_bytes(), rows += dim()) {
      std::fill(image.begin(), image.end(), 0.0f);
      for (std::size_t b = 0; b < bits_; ++b) {
        const bool above = (codes[b / 8] >> (b % 8) & 1) != 0;
        image[b] = thresholds_[b] + (above ? reaches_[b] : -reaches_[b]);
      }
      if (rotation_) rotation_->revert(image.data());
      std::copy_n(image.begin(), dim(), rows);
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
  static constexpr std::size_t kRowsOfTask = 1024;

  // Elements of a row as it is looked at: of more bits than dimensions, filled up with zeros before it is rotated.
  std::size_t width() const noexcept { return std::max(dim(), bits_); }

  void project(MatrixView rows, std::size_t i, float* image) const {
    rows.copy_row(i, image);
    std::fill(image + dim(), image + width(), 0.0f);
    if (rotation_) rotation_->apply(image);
  }

  LshOptions options_;
  std::size_t bits_;
  std::optional<HadamardRotation> rotation_;
  // Of each bit.
  std::vector<float> thresholds_;
  std::vector<float> reaches_;
};

}  // namespace

MakeCodec read_lsh_codec(StageReader& stage) {
  if (!stage.word("LSH")) return nullptr;
  LshOptions options;
  const auto bits = stage.number();
  require(!bits || *bits >= 1, "LSH needs at least 1 bit");
  options.bits = bits.value_or(0);
  options.rotated = stage.word("r");
  options.thresholds = stage.word("t");
  stage.done();
  return [options](std::size_t dim, Metric metric) { return make_lsh_codec(dim, metric, options); };
}

std::unique_ptr<Codec> make_lsh_codec(std::size_t dim, Metric metric, const LshOptions& options) {
  return std::make_unique<LshCodec>(dim, metric, options);
}

}  // namespace knear
