// Which transforms there are, and how a factory string names them.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <span>

#include "core/stage_reader.h"
#include "knear/transform.h"

namespace knear {

using MakeTransform = std::function<std::unique_ptr<Transform>(std::size_t dim_in)>;

struct TransformRow {
  const char* grammar;  // "OPQ<M>[_<n>]"
  const char* about;    // one line
  // Null when the stage is another's. Error::invalid_argument when it is this one's, but wrong.
  MakeTransform (*read)(StageReader& stage);
};

// In the order in which they are tried.
std::span<const TransformRow> transform_rows();

// Null when no transform has this token.
MakeTransform read_transform(const Stage& stage);

// One function for each row, beside its transform.
MakeTransform read_pca(StageReader& stage);
MakeTransform read_random_rotation(StageReader& stage);
MakeTransform read_hadamard(StageReader& stage);
MakeTransform read_l2_normalization(StageReader& stage);
MakeTransform read_centring(StageReader& stage);
MakeTransform read_linear(StageReader& stage);
MakeTransform read_padding(StageReader& stage);
MakeTransform read_remap(StageReader& stage);
MakeTransform read_itq(StageReader& stage);
MakeTransform read_opq(StageReader& stage);

}  // namespace knear
