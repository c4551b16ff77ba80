// What every transform gets for nothing.
#include "knear/transform.h"

#include "core/check.h"
#include "knear/index.h"

namespace knear {

Transform::Transform(std::size_t dim_in, std::size_t dim_out) : dim_in_(dim_in), dim_out_(dim_out) {
  require(dim_in >= 1 && dim_in <= kMaxDim, "a transform takes 1 to ", kMaxDim, " dimensions, not ", dim_in);
  require(dim_out >= 1 && dim_out <= kMaxDim, "a transform gives 1 to ", kMaxDim, " dimensions, not ", dim_out);
}

std::unique_ptr<Transform> Transform::trained(MatrixView, const TrainOptions&) const { return nullptr; }

void Transform::reverse(const float*, std::size_t, float*) const {
  fail(Error::unsupported, "there is no way back through ", spec());
}

}  // namespace knear
