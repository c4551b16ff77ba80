#include "transform/linear_map.h"

#include <algorithm>
#include <cmath>

#include "core/check.h"
#include "transform/orthonormal.h"

namespace knear {
namespace {

constexpr std::size_t kRowsAtOnce = 192;

std::vector<float> floats_of(std::span<const double> values) {
  std::vector<float> floats(values.size());
  std::transform(values.begin(), values.end(), floats.begin(), [](double v) { return static_cast<float>(v); });
  return floats;
}

bool can_be_read_in_place(MatrixView rows) {
  return rows.dtype() == DType::f32 && rows.row_stride() >= 0 && rows.row_stride() % 4 == 0 &&
         reinterpret_cast<std::uintptr_t>(rows.data()) % 4 == 0;
}

// Are the lengths of the vectors that should be orthonormal 1?
void check_lengths(std::span<const float> matrix, const LinearMap::Shape& shape) {
  std::vector<double> lengths(std::min(shape.dim_in, shape.dim_out), 0.0);
  for (std::size_t i = 0; i < shape.dim_out; ++i) {
    for (std::size_t j = 0; j < shape.dim_in; ++j) {
      const double value = matrix[i * shape.dim_in + j];
      lengths[shape.dim_out <= shape.dim_in ? i : j] += value * value;
    }
  }
  for (std::size_t i = 0; i < lengths.size(); ++i) {
    if (std::abs(lengths[i] - 1) < 1e-3) continue;
    fail(Error::corrupt_file, "vector ", i, " of a rotation has the length ", std::sqrt(lengths[i]), ", not 1");
  }
}

}  // namespace

LinearMap::LinearMap(const Shape& shape, std::vector<float> matrix, std::vector<float> origin)
    : shape_(shape),
      matrix_(std::move(matrix)),
      origin_(std::move(origin)),
      panels_(Panels::for_products({matrix_.data(), shape.dim_out, shape.dim_in}, shape.dim_in)) {}

LinearMap::LinearMap(const Shape& shape, std::span<const double> matrix, std::span<const double> origin)
    : LinearMap(shape, floats_of(matrix), floats_of(origin)) {}

// The fields are read in the order in which a list is initialised.
LinearMap::LinearMap(const Shape& shape, ByteSource& source)
    : LinearMap{shape, source.floats(std::uint64_t{shape.dim_out} * shape.dim_in),
                source.floats(shape.origin == Shape::Origin::learned ? shape.dim_in : 0)} {
  if (shape.kind == Kind::orthonormal) check_lengths(matrix_, shape);
}

void LinearMap::write(ByteSink& sink) const {
  sink.floats(matrix_);
  sink.floats(origin_);
}

void LinearMap::apply(MatrixView rows, float* images) const {
  const std::size_t dim = shape_.dim_in;
  if (origin_.empty() && can_be_read_in_place(rows)) {
    const FloatSpan floats{reinterpret_cast<const float*>(rows.data()), rows.rows(),
                           static_cast<std::size_t>(rows.row_stride()) / 4};
    return panels_.products(floats, images, shape_.dim_out);
  }
  std::vector<float> some(std::min(kRowsAtOnce, rows.rows()) * dim);
  for (std::size_t first = 0; first < rows.rows(); first += kRowsAtOnce) {
    const std::size_t count = std::min(kRowsAtOnce, rows.rows() - first);
    for (std::size_t i = 0; i < count; ++i) {
      float* row = some.data() + i * dim;
      rows.copy_row(first + i, row);
      for (std::size_t j = 0; j < origin_.size(); ++j) row[j] -= origin_[j];
    }
    panels_.products({some.data(), count, dim}, images + first * shape_.dim_out, shape_.dim_out);
  }
}

LinearForm LinearMap::form() const {
  LinearForm form{Matrix(DType::f32, shape_.dim_out, shape_.dim_in),
                  std::vector<float>(origin_.empty() ? 0 : shape_.dim_out),
                  shape_.kind == Kind::orthonormal ? LinearForm::Rows::orthonormal : LinearForm::Rows::any};
  std::copy(matrix_.begin(), matrix_.end(), form.matrix.floats());
  for (std::size_t i = 0; i < form.bias.size(); ++i) {
    double sum = 0;
    for (std::size_t j = 0; j < shape_.dim_in; ++j) sum += double{matrix_[i * shape_.dim_in + j]} * origin_[j];
    form.bias[i] = static_cast<float>(-sum);
  }
  return form;
}

// Of an orthonormal matrix the pseudoinverse is the transpose.
const Panels& LinearMap::way_back() const {
  std::call_once(way_back_made_, [&] {
    const std::vector<double> matrix(matrix_.begin(), matrix_.end());
    const auto inverse = shape_.kind == Kind::orthonormal ? transposed : pseudoinverse;
    const std::vector<float> back = floats_of(inverse(matrix, shape_.dim_out, shape_.dim_in));
    way_back_ = Panels::for_products({back.data(), shape_.dim_in, shape_.dim_out}, shape_.dim_out, origin_);
  });
  return *way_back_;
}

void LinearMap::reverse(const float* images, std::size_t n, float* rows) const {
  way_back().products({images, n, shape_.dim_out}, rows, shape_.dim_in);
}

}  // namespace knear
