// The codec: centre, rotation and what its codes are for. rabitq.h says what they are.
#include <algorithm>
#include <cmath>
#include <numeric>
#include <optional>

#include "codec/rabitq.h"
#include "codec/rabitq_scan.h"
#include "codec/registry.h"
#include "core/check.h"
#include "core/parallel_for.h"
#include "io/byte_fields.h"
#include "kernels/dispatch.h"
#include "knear/codecs.h"
#include "metric/hadamard.h"

namespace knear {
namespace {

using Rotation = RabitqOptions::Rotation;
using Centre = RabitqOptions::Centre;

constexpr std::uint64_t kSeed = 0x5261426974512031;  // of all rotations: codes of one spec and centre can be merged
constexpr std::size_t kMeanRows = 4096;              // whose sums are made together

double product_of(const float* a, const float* b, std::size_t dim) {
  double product = 0;
  kernels::table().exact[kernels::exact_inner_product](a, &b, 1, dim, 0, &product);
  return product;
}

void normalize(float* row, std::size_t dim) {
  const double length = std::sqrt(product_of(row, row, dim));
  if (!(length > 0)) return;
  for (std::size_t j = 0; j < dim; ++j) row[j] = static_cast<float>(row[j] / length);
}

class EstimateRanker final : public CodeRanker {
 public:
  EstimateRanker(const RabitqCodec& codec, MatrixView queries)
      : codec_(codec), queries_(queries), query_(codec.dim()), scratch_(codec.code_bytes()) {}

  void rank(std::size_t query, const SlotTable& table, std::span<const Slot> slots, std::span<Hit> hits) override {
    queries_.copy_row(query, query_.data());
    codes_.resize(slots.size() * scratch_.size());
    estimates_.resize(slots.size());
    for (std::size_t i = 0; i < slots.size(); ++i) {
      std::copy_n(table.code(slots[i], scratch_.data()), scratch_.size(), codes_.data() + i * scratch_.size());
    }
    codec_.estimate(query_.data(), codes_.data(), slots.size(), estimates_.data());
    for (std::size_t i = 0; i < slots.size(); ++i) hits[i] = {estimates_[i].distance, table.id(slots[i])};
  }

 private:
  const RabitqCodec& codec_;
  MatrixView queries_;
  std::vector<float> query_;
  std::vector<Byte> scratch_;
  std::vector<Byte> codes_;
  std::vector<RabitqCodec::Estimate> estimates_;
};

class Rabitq final : public RabitqCodec {
 public:
  Rabitq(std::size_t dim, Metric metric, const RabitqOptions& options, std::vector<float> centre)
      : RabitqCodec(dim, metric, RabitqLayout(dim, options.bits).code_bytes()),
        options_(options),
        centre_(std::move(centre)),
        estimator_(RabitqLayout(dim, options.bits), metric.kind) {
    if (options.rotation == Rotation::hadamard) rotation_.emplace(dim, kSeed);
    if (options.centre == Centre::none) centre_.assign(dim, 0.0f);
  }

  std::string spec() const override {
    std::string text = "RaBitQ";
    if (options_.bits != 1) text += std::to_string(options_.bits);
    if (options_.rotation == Rotation::none) text += ",rotate=none";
    if (options_.centre == Centre::none) text += ",centre=none";
    return text;
  }
  CodeLayout layout() const noexcept override { return CodeLayout::planes; }
  bool keeps_bad_rows() const noexcept override { return true; }  // their factors are NaN
  bool is_trained() const noexcept override { return !centre_.empty(); }
  bool suits_residuals() const noexcept override { return true; }

  std::unique_ptr<Codec> trained(MatrixView rows, const TrainOptions& options) const override {
    if (options_.centre == Centre::none) return nullptr;
    require(rows.rows() >= 1, "RaBitQ learns the mean of the rows, and takes one row at least");
    return std::make_unique<Rabitq>(dim(), metric(), options_, mean_of(rows, options.run));
  }

  void write(ByteSink& sink) const override {
    if (options_.centre == Centre::mean) sink.floats(centre_);
  }
  void read(ByteSource& source) override {
    if (options_.centre == Centre::mean) centre_ = source.floats(dim());
  }

  void encode(MatrixView rows, Byte* codes) const override {
    std::vector<float> row(dim());
    for (std::size_t i = 0; i < rows.rows(); ++i, codes += code_bytes()) {
      rows.copy_row(i, row.data());
      make_unit(row.data());
      for (std::size_t j = 0; j < dim(); ++j) row[j] -= centre_[j];
      const double product = product_of(row.data(), centre_.data(), dim());
      if (rotation_) rotation_->apply(row.data());
      encode_rabitq(estimator_.layout(), row.data(), codes);
      if (estimator_.knows_product()) put_product(estimator_.layout(), product, codes);
    }
  }

  // The point nearest to the row in the direction of its code.
  void decode(const Byte* codes, std::size_t n, float* rows) const override {
    const RabitqLayout& layout = estimator_.layout();
    std::vector<float> w(layout.plane_bytes * 8);
    for (std::size_t i = 0; i < n; ++i, codes += code_bytes(), rows += dim()) {
      const RabitqCode code{codes, 1};
      const RabitqFactors factors = factors_of(layout, code);
      vector_of(code, w.data());
      const double squares = product_of(w.data(), w.data(), dim());
      const double length = estimator_.squared_length_of(factors.known, {factors.all, squares, layout.bits});
      const double scale = factors.all == 0 ? 0 : length / (factors.all * squares);
      for (std::size_t j = 0; j < dim(); ++j) rows[j] = static_cast<float>(scale * w[j]);
      if (rotation_) rotation_->revert(rows);
      for (std::size_t j = 0; j < dim(); ++j) rows[j] += centre_[j];
    }
  }

  std::unique_ptr<Scan> make_knn_scan(MatrixView queries, std::size_t k, const SlotTable& table) const override {
    if (!estimates()) return Codec::make_knn_scan(queries, k, table);
    return make_rabitq_knn(estimator_, prepared(queries), k, table);
  }
  std::unique_ptr<Scan> make_range_scan(MatrixView queries, double radius, const SlotTable& table) const override {
    if (!estimates()) return Codec::make_range_scan(queries, radius, table);
    return make_rabitq_range(estimator_, prepared(queries), radius, table);
  }
  std::unique_ptr<CodeRanker> make_ranker(MatrixView queries) const override {
    if (!estimates()) return Codec::make_ranker(queries);
    return std::make_unique<EstimateRanker>(*this, queries);
  }

  void estimate(const float* query, const Byte* codes, std::size_t n, Estimate* out) const override {
    require(estimates(), "RaBitQ estimates distances under l2, inner_product and cosine, not ", name_of(metric()));
    const RabitqLayout& layout = estimator_.layout();
    RabitqQuery prepared = this->prepared(query);
    std::vector<Byte> sums(layout.plane_bytes * 32);
    std::vector<float> w(layout.plane_bytes * 8);
    estimator_.fill(prepared, sums);
    for (std::size_t i = 0; i < n; ++i, codes += code_bytes()) {
      const RabitqCode code{codes, 1};
      const RabitqFactors factors = factors_of(layout, code);
      const double least = estimator_.least(prepared, factors, estimator_.sum_of(prepared, code));
      vector_of(code, w.data());
      const double squares = product_of(w.data(), w.data(), dim());
      out[i] = {estimator_.distance(prepared, factors, least, code, w.data()),
                1.9 * estimator_.deviation(prepared, factors.known, {factors.all, squares, layout.bits})};
    }
  }

 private:
  bool estimates() const {
    return metric() == Metric::l2 || metric() == Metric::inner_product || metric() == Metric::cosine;
  }

  void vector_of(RabitqCode code, float* w) const {
    numbers_of(estimator_.layout(), code, w);
    for (std::size_t j = 0; j < dim(); ++j) w[j] -= estimator_.layout().middle();
  }

  void make_unit(float* row) const {
    if (metric() == Metric::cosine) normalize(row, dim());
  }

  std::vector<float> mean_of(MatrixView rows, const RunOptions& options) const {
    const std::size_t tasks = (rows.rows() + kMeanRows - 1) / kMeanRows;
    std::vector<double> sums(tasks * dim());
    parallel_for(tasks, options, [&](std::size_t task, std::size_t) {
      std::vector<float> row(dim());
      double* sum = sums.data() + task * dim();
      const std::size_t end = std::min(rows.rows(), (task + 1) * kMeanRows);
      for (std::size_t i = task * kMeanRows; i < end; ++i) {
        rows.copy_row(i, row.data());
        make_unit(row.data());
        for (std::size_t j = 0; j < dim(); ++j) sum[j] += row[j];
      }
    });
    std::vector<float> mean(dim());
    for (std::size_t j = 0; j < dim(); ++j) {
      double sum = 0;
      for (std::size_t task = 0; task < tasks; ++task) sum += sums[task * dim() + j];
      mean[j] = static_cast<float>(sum / static_cast<double>(rows.rows()));
    }
    return mean;
  }

  RabitqQuery prepared(const float* query) const {
    RabitqQuery prepared{};
    std::vector<float>& q = prepared.turned;
    q.assign(query, query + dim());
    make_unit(q.data());
    const double product = product_of(q.data(), centre_.data(), dim());
    for (std::size_t j = 0; j < dim(); ++j) q[j] -= centre_[j];
    const double squares = product_of(q.data(), q.data(), dim());
    prepared.base = estimator_.knows_product() ? -product : squares;
    prepared.length = std::sqrt(squares);
    if (rotation_) rotation_->apply(q.data());
    return prepared;
  }

  std::vector<RabitqQuery> prepared(MatrixView queries) const {
    std::vector<RabitqQuery> all;
    std::vector<float> query(dim());
    for (std::size_t q = 0; q < queries.rows(); ++q) {
      queries.copy_row(q, query.data());
      all.push_back(prepared(query.data()));
    }
    return all;
  }

  RabitqOptions options_;
  std::vector<float> centre_;  // empty: not yet trained
  std::optional<HadamardRotation> rotation_;
  RabitqEstimator estimator_;
};

}  // namespace

MakeCodec read_rabitq_codec(StageReader& stage) {
  if (!stage.word("RaBitQ")) return nullptr;
  RabitqOptions options;
  options.bits = stage.number().value_or(1);
  options.rotation = static_cast<Rotation>(
      stage.choice_option("rotate", {"none", "hadamard"}).value_or(static_cast<std::size_t>(options.rotation)));
  options.centre = static_cast<Centre>(
      stage.choice_option("centre", {"none", "mean"}).value_or(static_cast<std::size_t>(options.centre)));
  stage.done();
  return [options](std::size_t dim, Metric metric) { return make_rabitq_codec(dim, metric, options); };
}

std::unique_ptr<RabitqCodec> make_rabitq_codec(std::size_t dim, Metric metric, const RabitqOptions& options) {
  require(options.bits >= 1 && options.bits <= kMostRabitqBits, "RaBitQ has 1 to ", kMostRabitqBits,
          " bits for each dimension, not ", options.bits);
  return std::make_unique<Rabitq>(dim, metric, options, std::vector<float>());
}

}  // namespace knear
