#include "core/check.h"
#include "transform/linear_map.h"
#include "transform/orthonormal.h"
#include "transform/registry.h"

namespace knear {
namespace {

// The matrix is drawn when it is first needed: a rotation from a file never draws it. The file has it because the last
// bits of a QR may differ from machine to machine.
class RandomRotation final : public LinearTransform {
 public:
  RandomRotation(std::size_t dim_in, std::size_t dim_out, std::uint64_t seed)
      : LinearTransform({dim_in, dim_out, LinearMap::Kind::orthonormal, LinearMap::Shape::Origin::zero}), seed_(seed) {}

  bool is_trained() const noexcept override { return true; }
  std::string spec() const override {
    const std::string token = dim_out() == dim_in() ? "RR" : concat("RR", dim_out());
    return seed_ == kRotationSeed ? token : concat(token, ",seed=", seed_);
  }

 private:
  const LinearMap& map() const override {
    if (has_map()) return LinearTransform::map();
    std::call_once(drawn_, [&] {
      drawn_map_ = std::make_unique<LinearMap>(shape(), random_orthonormal(dim_out(), dim_in(), seed_),
                                               std::span<const double>{});
    });
    return *drawn_map_;
  }

  std::uint64_t seed_;
  mutable std::once_flag drawn_;
  mutable std::unique_ptr<const LinearMap> drawn_map_;
};

}  // namespace

MakeTransform read_random_rotation(StageReader& stage) {
  if (!stage.word("RR")) return nullptr;
  const auto dim_out = stage.number();
  const std::uint64_t seed = stage.number_option("seed").value_or(kRotationSeed);
  stage.done();
  return [=](std::size_t dim_in) { return make_random_rotation(dim_in, dim_out.value_or(dim_in), seed); };
}

std::unique_ptr<Transform> make_random_rotation(std::size_t dim_in, std::size_t dim_out, std::uint64_t seed) {
  return std::make_unique<RandomRotation>(dim_in, dim_out, seed);
}

}  // namespace knear
