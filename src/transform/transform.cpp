// What every transform gets for nothing.
#include "knear/transform.h"

#include "core/check.h"
#include "core/parallel_for.h"
#include "knear/index.h"
#include "metric/finite_rows.h"
#include "transform/apply_all.h"

namespace knear {

Transform::Transform(std::size_t dim_in, std::size_t dim_out) : dim_in_(dim_in), dim_out_(dim_out) {
  require(dim_in >= 1 && dim_in <= kMaxDim, "a transform takes 1 to ", kMaxDim, " dimensions, not ", dim_in);
  require(dim_out >= 1 && dim_out <= kMaxDim, "a transform gives 1 to ", kMaxDim, " dimensions, not ", dim_out);
}

std::unique_ptr<Transform> Transform::trained(MatrixView, const TrainOptions&) const { return nullptr; }

void Transform::reverse(const float*, std::size_t, float*) const {
  fail(Error::unsupported, "there is no way back through ", spec());
}

namespace {

void require_trained(const Transform& transform) {
  if (!transform.is_trained()) fail(Error::wrong_state, transform.spec(), " is not trained: call train first");
}

}  // namespace

Matrix apply_transform(const Transform& transform, MatrixView rows, const RunOptions& options) {
  require_trained(transform);
  require(rows.dim() == transform.dim_in(), transform.spec(), " takes ", transform.dim_in(), " dimensions, not ",
          rows.dim());
  return images_of(transform, transform.dim_out(), rows, options);
}

Matrix reverse_transform(const Transform& transform, MatrixView images, const RunOptions& options) {
  require_trained(transform);
  require(images.dim() == transform.dim_out(), transform.spec(), " gives ", transform.dim_out(), " dimensions, not ",
          images.dim());
  constexpr std::size_t kTaskRows = 768;
  Matrix rows(DType::f32, images.rows(), transform.dim_in());
  parallel_for((images.rows() + kTaskRows - 1) / kTaskRows, options, [&](std::size_t task, std::size_t) {
    const std::size_t first = task * kTaskRows;
    const std::size_t count = std::min(kTaskRows, images.rows() - first);
    Matrix some(DType::f32, count, images.dim());
    for (std::size_t i = 0; i < count; ++i) images.copy_row(first + i, some.floats() + i * images.dim());
    transform.reverse(some.floats(), count, rows.floats() + first * transform.dim_in());
  });
  return rows;
}

std::unique_ptr<Transform> train_transform(const Transform& transform, MatrixView rows, const TrainOptions& options) {
  require(rows.dim() == transform.dim_in(), transform.spec(), " takes ", transform.dim_in(), " dimensions, not ",
          rows.dim());
  reject_bad_rows(rows, options.run);
  return transform.trained(rows, options);
}

}  // namespace knear
