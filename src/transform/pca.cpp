#include <charconv>
#include <cmath>

#include "core/check.h"
#include "transform/linear_map.h"
#include "transform/moments.h"
#include "transform/orthonormal.h"
#include "transform/registry.h"

namespace knear {
namespace {

constexpr float kWhitening = -0.5f;
constexpr std::size_t kMaxRowsPerDim = 1000;
constexpr double kNoVariance = 1e-9;  // as a share of the largest variance

std::string text_of(float value) {
  char digits[32];
  const auto end = std::to_chars(digits, digits + sizeof(digits), value).ptr;
  return {digits, end};
}

LinearMap::Shape shape_of(std::size_t dim_in, std::size_t dim_out, const PcaOptions& options) {
  return {dim_in, dim_out, options.eigen_power == 0 ? LinearMap::Kind::orthonormal : LinearMap::Kind::general,
          LinearMap::Shape::Origin::learned};
}

class Pca final : public LinearTransform {
 public:
  Pca(std::size_t dim_in, std::size_t dim_out, const PcaOptions& options)
      : LinearTransform(shape_of(dim_in, dim_out, options)), options_(options) {
    require(dim_out <= dim_in, "PCA", dim_out, " of ", dim_in, " dimensions: it cannot give more than it takes");
    require(std::isfinite(options.eigen_power), "the eigen power of a PCA is ", options.eigen_power);
  }

  std::string spec() const override {
    const bool whitened = options_.eigen_power == kWhitening;
    const std::string power =
        whitened || options_.eigen_power == 0 ? "" : ",eigen_power=" + text_of(options_.eigen_power);
    return concat("PCA", whitened ? "W" : "", options_.random_rotation ? "R" : "", dim_out(), power);
  }

  std::unique_ptr<Transform> trained(MatrixView rows, const TrainOptions& options) const override {
    require(rows.rows() >= dim_out(), spec(), " needs at least ", dim_out(), " rows to learn from, not ", rows.rows());
    const RowSet sample(rows, kMaxRowsPerDim * dim_in());
    const std::vector<double> mean = mean_of(sample, options.run);
    Eigenpairs pairs = eigenpairs(scatter_of(sample, mean, options.run), dim_in());
    pairs.vectors.resize(dim_out() * dim_in());
    if (options_.eigen_power != 0) scale(pairs, sample.count());
    if (options_.random_rotation) {
      pairs.vectors = product(random_orthonormal(dim_out(), dim_out(), kRotationSeed), pairs.vectors, dim_out());
    }
    auto taught = std::make_unique<Pca>(dim_in(), dim_out(), options_);
    taught->set_map(pairs.vectors, mean);
    return taught;
  }

 private:
  // Eigenvalues are sums over so many rows.
  void scale(Eigenpairs& pairs, std::size_t rows) const {
    for (std::size_t i = 0; i < dim_out(); ++i) {
      const bool varies = pairs.values[i] > kNoVariance * pairs.values[0];
      const double variance = pairs.values[i] / static_cast<double>(rows);
      const double factor = varies ? std::pow(variance, double{options_.eigen_power}) : 0;
      for (std::size_t j = 0; j < dim_in(); ++j) pairs.vectors[i * dim_in() + j] *= factor;
    }
  }

  PcaOptions options_;
};

}  // namespace

MakeTransform read_pca(StageReader& stage) {
  if (!stage.word("PCA")) return nullptr;
  PcaOptions options;
  const bool whitened = stage.word("W");
  options.random_rotation = stage.word("R");
  const std::size_t dim_out = stage.number("how many dimensions PCA gives, as in PCA64");
  if (const auto text = stage.option("eigen_power")) {
    const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), options.eigen_power);
    require(error == std::errc() && end == text->data() + text->size() && std::isfinite(options.eigen_power),
            "the option eigen_power=", *text, " is not a number");
    require(!whitened, "PCAW means eigen_power=-0.5; leave out the W for eigen_power=", *text);
  }
  if (whitened) options.eigen_power = kWhitening;
  stage.done();
  return [=](std::size_t dim_in) { return make_pca(dim_in, dim_out, options); };
}

std::unique_ptr<Transform> make_pca(std::size_t dim_in, std::size_t dim_out, const PcaOptions& options) {
  return std::make_unique<Pca>(dim_in, dim_out, options);
}

}  // namespace knear
