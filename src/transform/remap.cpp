// Dimensions chosen, reordered or filled up with zeros.
#include <charconv>

#include "core/check.h"
#include "transform/registry.h"

namespace knear {
namespace {

constexpr std::int32_t kZero = -1;

class Remap final : public Transform {
 public:
  Remap(std::size_t dim_in, std::span<const std::int32_t> map, std::string spec)
      : Transform(dim_in, map.size()), map_(map.begin(), map.end()), spec_(std::move(spec)) {
    for (std::size_t j = 0; j < map_.size(); ++j) {
      require(map_[j] >= kZero && map_[j] < static_cast<std::int64_t>(dim_in), "dimension ", j, " of a remap is ",
              map_[j], " of ", dim_in);
    }
  }

  std::string spec() const override { return spec_; }
  Linearity linearity() const noexcept override { return Linearity::linear; }

  void apply(MatrixView rows, float* out) const override {
    std::vector<float> row(dim_in());
    for (std::size_t i = 0; i < rows.rows(); ++i, out += dim_out()) {
      rows.copy_row(i, row.data());
      for (std::size_t j = 0; j < map_.size(); ++j) {
        out[j] = map_[j] == kZero ? 0 : row[static_cast<std::size_t>(map_[j])];
      }
    }
  }

  // A dimension that is not in the image is 0.
  void reverse(const float* images, std::size_t n, float* rows) const override {
    std::fill(rows, rows + n * dim_in(), 0.0f);
    for (std::size_t i = 0; i < n; ++i, images += dim_out(), rows += dim_in()) {
      for (std::size_t j = 0; j < map_.size(); ++j) {
        if (map_[j] != kZero) rows[map_[j]] = images[j];
      }
    }
  }

 private:
  std::vector<std::int32_t> map_;
  std::string spec_;
};

}  // namespace

MakeTransform read_padding(StageReader& stage) {
  if (!stage.word("Pad")) return nullptr;
  const std::size_t dim_out = stage.number("how many dimensions it gives, as in Pad64");
  stage.done();
  return [=](std::size_t dim_in) { return make_padding(dim_in, dim_out); };
}

MakeTransform read_remap(StageReader& stage) {
  if (!stage.word("Remap(")) return nullptr;
  std::vector<std::int32_t> map;
  do {
    const bool zero = stage.word("-1");
    map.push_back(zero ? kZero : static_cast<std::int32_t>(stage.number("the number of a dimension, or -1")));
  } while (stage.word(","));
  require(stage.word(")"), "a remap has numbers of dimensions between commas, not '", stage.rest(), "'");
  stage.done();
  return [map](std::size_t dim_in) { return make_remap(dim_in, map); };
}

std::unique_ptr<Transform> make_padding(std::size_t dim_in, std::size_t dim_out) {
  require(dim_out >= dim_in, "Pad", dim_out, " of ", dim_in, " dimensions: it cannot give less than it takes");
  std::vector<std::int32_t> map(dim_out, kZero);
  for (std::size_t j = 0; j < dim_in; ++j) map[j] = static_cast<std::int32_t>(j);
  return std::make_unique<Remap>(dim_in, map, concat("Pad", dim_out));
}

std::unique_ptr<Transform> make_remap(std::size_t dim_in, std::span<const std::int32_t> map) {
  std::string spec = "Remap(";
  for (std::size_t j = 0; j < map.size(); ++j) spec += concat(j ? "," : "", map[j]);
  return std::make_unique<Remap>(dim_in, map, spec + ")");
}

}  // namespace knear
