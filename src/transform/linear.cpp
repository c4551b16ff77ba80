// A matrix and a bias that somebody gives.
#include <algorithm>
#include <cmath>

#include "core/check.h"
#include "transform/linear_map.h"
#include "transform/registry.h"

namespace knear {
namespace {

class Linear final : public LinearTransform {
 public:
  Linear(std::size_t dim_in, std::size_t dim_out)
      : LinearTransform({dim_in, dim_out, LinearMap::Kind::general, LinearMap::Shape::Origin::zero}) {}
  Linear(MatrixView matrix, std::span<const float> bias) : Linear(matrix.dim(), matrix.rows()) {
    bias_.assign(bias.begin(), bias.end());
    bias_.resize(dim_out());
    std::vector<double> values(dim_in() * dim_out());
    std::vector<float> row(dim_in());
    for (std::size_t i = 0; i < dim_out(); ++i) {
      matrix.copy_row(i, row.data());
      std::copy(row.begin(), row.end(), values.begin() + static_cast<std::ptrdiff_t>(i * dim_in()));
    }
    set_map(values, {});
  }

  std::string spec() const override { return concat("Linear", dim_out()); }

  std::unique_ptr<Transform> trained(MatrixView, const TrainOptions&) const override {
    if (!is_trained()) fail(Error::wrong_state, spec(), " learns nothing from rows: its matrix has to be given");
    return nullptr;
  }
  void write(ByteSink& sink) const override {
    if (!is_trained()) return;
    LinearTransform::write(sink);
    sink.floats(bias_);
  }
  void read(ByteSource& source) override {
    LinearTransform::read(source);
    bias_ = source.floats(dim_out());
  }

  std::optional<LinearForm> linear_form() const override {
    auto form = LinearTransform::linear_form();
    if (form) form->bias = bias_;
    return form;
  }

  // Whatever its bias: one that is read later is not known yet.
  Linearity linearity() const noexcept override { return Linearity::affine; }

  void apply(MatrixView rows, float* out) const override {
    LinearTransform::apply(rows, out);
    for (std::size_t i = 0; i < rows.rows(); ++i, out += dim_out()) {
      for (std::size_t j = 0; j < dim_out(); ++j) out[j] += bias_[j];
    }
  }

  void reverse(const float* images, std::size_t n, float* rows) const override {
    std::vector<float> unbiased(images, images + n * dim_out());
    for (std::size_t i = 0; i < unbiased.size(); ++i) unbiased[i] -= bias_[i % dim_out()];
    LinearTransform::reverse(unbiased.data(), n, rows);
  }

 private:
  std::vector<float> bias_;
};

}  // namespace

MakeTransform read_linear(StageReader& stage) {
  if (!stage.word("Linear")) return nullptr;
  const std::size_t dim_out = stage.number("how many dimensions it gives, as in Linear64");
  stage.done();
  return [=](std::size_t dim_in) { return std::make_unique<Linear>(dim_in, dim_out); };
}

std::unique_ptr<Transform> make_linear(MatrixView matrix, std::span<const float> bias) {
  require(matrix.rows() >= 1 && matrix.dim() >= 1, "a linear transform of ", matrix.rows(), " x ", matrix.dim(),
          " numbers");
  require(bias.empty() || bias.size() == matrix.rows(), "a bias of ", bias.size(), " numbers for a matrix of ",
          matrix.rows(), " rows");
  std::vector<float> row(matrix.dim());
  const auto finite = [](float value) { return std::isfinite(value); };
  for (std::size_t i = 0; i < matrix.rows(); ++i) {
    matrix.copy_row(i, row.data());
    require(std::all_of(row.begin(), row.end(), finite), "row ", i, " of the matrix holds NaN or Inf");
  }
  require(std::all_of(bias.begin(), bias.end(), finite), "the bias holds NaN or Inf");
  return std::make_unique<Linear>(matrix, bias);
}

}  // namespace knear
