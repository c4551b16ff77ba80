// The mean taken away, the length set to 1: what needs no matrix.
#include <algorithm>
#include <cmath>

#include "core/check.h"
#include "io/byte_fields.h"
#include "kernels/dispatch.h"
#include "transform/moments.h"
#include "transform/registry.h"

namespace knear {
namespace {

class Centring final : public Transform {
 public:
  Centring(std::size_t dim, std::vector<float> mean) : Transform(dim, dim), mean_(std::move(mean)) {}

  std::string spec() const override { return "Centre"; }
  Linearity linearity() const noexcept override { return Linearity::affine; }
  bool is_trained() const noexcept override { return !mean_.empty(); }

  std::unique_ptr<Transform> trained(MatrixView rows, const TrainOptions& options) const override {
    require(rows.rows() >= 1, "Centre needs at least 1 row to learn from");
    const std::vector<double> mean = mean_of(RowSet(rows), options.run);
    std::vector<float> floats(dim_in());
    std::transform(mean.begin(), mean.end(), floats.begin(), [](double m) { return static_cast<float>(m); });
    return std::make_unique<Centring>(dim_in(), std::move(floats));
  }

  void write(ByteSink& sink) const override { sink.floats(mean_); }
  void read(ByteSource& source) override { mean_ = source.floats(dim_in()); }

  void apply(MatrixView rows, float* out) const override {
    for (std::size_t i = 0; i < rows.rows(); ++i, out += dim_in()) {
      rows.copy_row(i, out);
      for (std::size_t j = 0; j < mean_.size(); ++j) out[j] -= mean_[j];
    }
  }

  void reverse(const float* images, std::size_t n, float* rows) const override {
    for (std::size_t i = 0; i < n; ++i, images += dim_in(), rows += dim_in()) {
      for (std::size_t j = 0; j < mean_.size(); ++j) rows[j] = images[j] + mean_[j];
    }
  }

 private:
  std::vector<float> mean_;
};

class L2Normalization final : public Transform {
 public:
  explicit L2Normalization(std::size_t dim) : Transform(dim, dim) {}

  std::string spec() const override { return "L2norm"; }

  // A row whose length is neither finite nor zero has no image: that of NaN and Inf is NaN.
  void apply(MatrixView rows, float* out) const override {
    for (std::size_t i = 0; i < rows.rows(); ++i, out += dim_in()) {
      rows.copy_row(i, out);
      const float* row = out;
      double squares = 0;
      kernels::table().exact[kernels::exact_inner_product](row, &row, 1, dim_in(), 0, &squares);
      if (squares == 0) continue;
      const double factor = 1 / std::sqrt(squares);
      for (std::size_t j = 0; j < dim_in(); ++j) out[j] = static_cast<float>(out[j] * factor);
    }
  }

  // The lengths are gone.
  void reverse(const float* images, std::size_t n, float* rows) const override {
    std::copy_n(images, n * dim_in(), rows);
  }
};

}  // namespace

MakeTransform read_centring(StageReader& stage) {
  if (!stage.word("Centre")) return nullptr;
  stage.done();
  return make_centring;
}

MakeTransform read_l2_normalization(StageReader& stage) {
  if (!stage.word("L2norm") && !stage.word("L2Norm")) return nullptr;
  stage.done();
  return make_l2_normalization;
}

std::unique_ptr<Transform> make_centring(std::size_t dim) {
  return std::make_unique<Centring>(dim, std::vector<float>());
}

std::unique_ptr<Transform> make_l2_normalization(std::size_t dim) { return std::make_unique<L2Normalization>(dim); }

}  // namespace knear
