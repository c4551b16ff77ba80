#include <cmath>

#include "core/call_limits.h"
#include "core/check.h"
#include "transform/apply_all.h"
#include "transform/linear_map.h"
#include "transform/moments.h"
#include "transform/orthonormal.h"
#include "transform/registry.h"

namespace knear {
namespace {

constexpr std::size_t kDefaultTurns = ItqOptions().niter;
constexpr std::size_t kMaxRows = 65536;

using Clock = std::chrono::steady_clock;

class Itq final : public LinearTransform {
 public:
  Itq(std::size_t dim_in, std::size_t dim_out, const ItqOptions& options)
      : LinearTransform({dim_in, dim_out, LinearMap::Kind::orthonormal, LinearMap::Shape::Origin::learned}),
        options_(options) {
    require(dim_out <= dim_in, "ITQ", dim_out, " of ", dim_in, " dimensions: it cannot give more than it takes");
  }

  std::string spec() const override {
    const std::string token = dim_out() == dim_in() ? "ITQ" : concat("ITQ", dim_out());
    return options_.niter == kDefaultTurns ? token : concat(token, ",niter=", options_.niter);
  }

  std::unique_ptr<Transform> trained(MatrixView rows, const TrainOptions& options) const override {
    require(rows.rows() >= dim_out(), spec(), " needs at least ", dim_out(), " rows to learn from, not ", rows.rows());
    const auto start = Clock::now();
    const RowSet sample(rows, kMaxRows);
    const std::vector<double> mean = mean_of(sample, options.run);
    std::vector<double> components = eigenpairs(scatter_of(sample, mean, options.run), dim_in()).vectors;
    components.resize(dim_out() * dim_in());
    Itq directions(dim_in(), dim_out(), options_);
    directions.set_map(components, mean);
    const RunOptions rest = remaining(options.run, start);
    const std::vector<double> rotation = learn_rotation(images_of(directions, dim_out(), sample.floats(), rest), rest);
    auto taught = std::make_unique<Itq>(dim_in(), dim_out(), options_);
    taught->set_map(product(rotation, components, dim_out()), mean);
    return taught;
  }

 private:
  // In turns: the corner nearest to each rotated row, the rotation nearest to those corners.
  std::vector<double> learn_rotation(const Matrix& rows, const RunOptions& options) const {
    const auto start = Clock::now();
    const std::size_t dim = dim_out();
    std::vector<double> rotation = random_orthonormal(dim, dim, kRotationSeed);
    for (std::size_t turn = 0; turn < options_.niter; ++turn) {
      const RunOptions rest = remaining(options, start);
      const LinearMap map({dim, dim, LinearMap::Kind::orthonormal, LinearMap::Shape::Origin::zero}, rotation, {});
      Matrix corners = images_of(map, dim, rows, rest);
      for (std::size_t i = 0; i < rows.rows() * dim; ++i) corners.floats()[i] = corners.floats()[i] < 0 ? -1.0f : 1.0f;
      rotation = orthogonal_factor(cross_products(RowSet(corners), RowSet(rows), rest), dim, dim);
    }
    return rotation;
  }

  ItqOptions options_;
};

}  // namespace

MakeTransform read_itq(StageReader& stage) {
  if (!stage.word("ITQ")) return nullptr;
  const auto dim_out = stage.number();
  ItqOptions options;
  options.niter = stage.number_option("niter").value_or(options.niter);
  stage.done();
  return [=](std::size_t dim_in) { return make_itq(dim_in, dim_out.value_or(dim_in), options); };
}

std::unique_ptr<Transform> make_itq(std::size_t dim_in, std::size_t dim_out, const ItqOptions& options) {
  return std::make_unique<Itq>(dim_in, dim_out, options);
}

}  // namespace knear
