#include "metric/panels.h"

#include <algorithm>
#include <limits>

#include "kernels/dispatch.h"

namespace knear {
namespace {

// Rows that stay in the first-level cache beside a block of a panel.
std::size_t rows_at_once(std::size_t dim) {
  constexpr std::size_t kBytes = 64 << 10;
  return std::clamp<std::size_t>(kBytes / (dim * sizeof(float)) / 12 * 12, 12, kernels::kTileRows);
}

// Up to here rows go into the lanes: turning them costs less than what it saves.
constexpr std::size_t kFewDims = 64;

struct Scratch {
  alignas(64) float floats[kernels::kTileRows * kernels::kMaxTileQueries];
};

}  // namespace

Panels::Panels(std::size_t count, std::size_t dim)
    : count_(count),
      dim_(dim),
      width_(kernels::table().tile_queries),
      groups_((count + width_ - 1) / width_),
      panels_(DType::f32, groups_ * dim, width_),
      bias_(groups_ * width_, 0.0f) {
  std::fill_n(panels_.floats(), groups_ * dim * width_, 0.0f);
}

void Panels::pack(FloatSpan vectors, float scale) {
  for (std::size_t c = 0; c < count_; ++c) {
    const float* vector = vectors.data + c * vectors.stride;
    float* lane = panels_.floats() + c / width_ * dim_ * width_ + c % width_;
    for (std::size_t j = 0; j < dim_; ++j) lane[j * width_] = scale * vector[j];
  }
}

Panels Panels::for_products(FloatSpan vectors, std::size_t dim, std::span<const float> bias) {
  Panels panels(vectors.count, dim);
  panels.pack(vectors, 1);
  std::copy(bias.begin(), bias.end(), panels.bias_.begin());
  return panels;
}

Panels Panels::for_nearest(FloatSpan vectors, std::size_t dim) {
  Panels panels = for_largest_product(vectors, dim);
  for (std::size_t c = 0; c < vectors.count; ++c) {
    const float* vector = vectors.data + c * vectors.stride;
    double norm = 0;
    kernels::table().exact[kernels::exact_inner_product](vector, &vector, 1, dim, 0, &norm);
    panels.bias_[c] = static_cast<float>(norm / 2);
  }
  return panels;
}

Panels Panels::for_largest_product(FloatSpan vectors, std::size_t dim) {
  Panels panels(vectors.count, dim);
  panels.pack(vectors, -1);
  if (dim <= kFewDims) {
    panels.rows_.resize(vectors.count * dim);
    for (std::size_t c = 0; c < vectors.count; ++c) {
      for (std::size_t j = 0; j < dim; ++j) panels.rows_[c * dim + j] = -vectors.data[c * vectors.stride + j];
    }
  }
  std::fill(panels.bias_.begin() + static_cast<std::ptrdiff_t>(vectors.count), panels.bias_.end(),
            std::numeric_limits<float>::infinity());
  return panels;
}

void Panels::products(FloatSpan rows, float* out, std::size_t out_stride) const {
  Scratch scratch;
  const std::size_t step = rows_at_once(dim_);
  for (std::size_t first = 0; first < rows.count; first += step) {
    const kernels::ProductsJob job{rows.data + first * rows.stride,
                                   rows.stride,
                                   std::min(step, rows.count - first),
                                   dim_,
                                   panels_.floats(),
                                   bias_.data(),
                                   count_,
                                   out + first * out_stride,
                                   out_stride,
                                   scratch.floats};
    kernels::table().products(&job);
  }
}

void Panels::nearest_in_lanes(FloatSpan rows, std::uint32_t* numbers, float* values, float* seconds) const {
  struct {
    alignas(64) float floats[kFewDims * kernels::kMaxTileQueries];
  } scratch;
  for (std::size_t first = 0; first < rows.count; first += width_) {
    const kernels::NearestInLanesJob job{rows.data + first * rows.stride,
                                         rows.stride,
                                         std::min(width_, rows.count - first),
                                         dim_,
                                         rows_.data(),
                                         bias_.data(),
                                         count_,
                                         values + first,
                                         numbers + first,
                                         seconds ? seconds + first : nullptr,
                                         scratch.floats};
    kernels::table().nearest_in_lanes(&job);
  }
}

void Panels::nearest(FloatSpan rows, std::uint32_t* numbers, float* values, float* seconds) const {
  if (!rows_.empty() && rows.count >= width_ / 2) return nearest_in_lanes(rows, numbers, values, seconds);
  Scratch best;
  Scratch where;
  Scratch second_best;
  Scratch scratch;
  const std::size_t step = rows_at_once(dim_);
  for (std::size_t first = 0; first < rows.count; first += step) {
    const kernels::NearestJob job{rows.data + first * rows.stride,
                                  rows.stride,
                                  std::min(step, rows.count - first),
                                  dim_,
                                  panels_.floats(),
                                  bias_.data(),
                                  groups_,
                                  values + first,
                                  numbers + first,
                                  seconds ? seconds + first : nullptr,
                                  best.floats,
                                  where.floats,
                                  seconds ? second_best.floats : nullptr,
                                  scratch.floats};
    kernels::table().nearest(&job);
  }
}

}  // namespace knear
