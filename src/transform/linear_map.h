// image = matrix (row - origin): what PCA, the rotations and OPQ learn.
#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <vector>

#include "io/byte_fields.h"
#include "knear/transform.h"
#include "metric/panels.h"

namespace knear {

// Never changes once made.
class LinearMap {
 public:
  enum class Kind {
    orthonormal,  // the rows of the matrix are, or its columns when it has more rows
    general,
  };
  struct Shape {
    std::size_t dim_in;
    std::size_t dim_out;
    Kind kind;
    enum class Origin { zero, learned } origin;
  };

  // dim_out x dim_in; an empty origin is zero.
  LinearMap(const Shape& shape, std::span<const double> matrix, std::span<const double> origin);
  // Error::corrupt_file for what no such map has.
  LinearMap(const Shape& shape, ByteSource& source);
  void write(ByteSink& sink) const;

  void apply(MatrixView rows, float* images) const;
  LinearForm form() const;
  // The row of least distance to the origin among those with this image.
  void reverse(const float* images, std::size_t n, float* rows) const;

 private:
  LinearMap(const Shape& shape, std::vector<float> matrix, std::vector<float> origin);
  const Panels& way_back() const;

  Shape shape_;
  std::vector<float> matrix_;
  std::vector<float> origin_;
  Panels panels_;
  mutable std::once_flag way_back_made_;  // few ever ask for it
  mutable std::optional<Panels> way_back_;
};

// A transform that is such a map.
class LinearTransform : public Transform {
 public:
  bool is_trained() const noexcept override { return map_ != nullptr; }
  void write(ByteSink& sink) const override { map().write(sink); }
  void read(ByteSource& source) override { map_ = std::make_shared<LinearMap>(shape_, source); }
  std::optional<LinearForm> linear_form() const override {
    return is_trained() ? std::optional(map().form()) : std::nullopt;
  }
  Linearity linearity() const noexcept override {
    return shape_.origin == LinearMap::Shape::Origin::zero ? Linearity::linear : Linearity::affine;
  }
  void apply(MatrixView rows, float* out) const override { map().apply(rows, out); }
  void reverse(const float* images, std::size_t n, float* rows) const override { map().reverse(images, n, rows); }

 protected:
  explicit LinearTransform(const LinearMap::Shape& shape) : Transform(shape.dim_in, shape.dim_out), shape_(shape) {}

  virtual const LinearMap& map() const { return *map_; }
  const LinearMap::Shape& shape() const noexcept { return shape_; }
  bool has_map() const noexcept { return map_ != nullptr; }
  void set_map(std::span<const double> matrix, std::span<const double> origin) {
    map_ = std::make_shared<LinearMap>(shape_, matrix, origin);
  }

 private:
  LinearMap::Shape shape_;
  std::shared_ptr<const LinearMap> map_;
};

}  // namespace knear
