#include "metric/hadamard.h"

#include "core/check.h"
#include "transform/registry.h"

namespace knear {
namespace {

class Hadamard final : public Transform {
 public:
  Hadamard(std::size_t dim, std::uint64_t seed) : Transform(dim, dim), seed_(seed), rotation_(dim, seed) {}

  std::string spec() const override { return seed_ == kRotationSeed ? "HR" : concat("HR", seed_); }
  Linearity linearity() const noexcept override { return Linearity::linear; }

  void apply(MatrixView rows, float* out) const override {
    for (std::size_t i = 0; i < rows.rows(); ++i, out += dim_out()) {
      rows.copy_row(i, out);
      rotation_.apply(out);
    }
  }

  void reverse(const float* images, std::size_t n, float* rows) const override {
    std::copy_n(images, n * dim_in(), rows);
    for (std::size_t i = 0; i < n; ++i, rows += dim_in()) rotation_.revert(rows);
  }

 private:
  std::uint64_t seed_;
  HadamardRotation rotation_;
};

}  // namespace

MakeTransform read_hadamard(StageReader& stage) {
  if (!stage.word("HR")) return nullptr;
  const std::uint64_t seed = stage.number().value_or(kRotationSeed);
  stage.done();
  return [=](std::size_t dim_in) { return make_hadamard_rotation(dim_in, seed); };
}

std::unique_ptr<Transform> make_hadamard_rotation(std::size_t dim, std::uint64_t seed) {
  return std::make_unique<Hadamard>(dim, seed);
}

}  // namespace knear
