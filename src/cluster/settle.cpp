#include "cluster/settle.h"

#include "kernels/dispatch.h"

namespace knear {
namespace {

constexpr std::size_t kAtOnce = 64;

}  // namespace

Settler::Settler(const Matrix& centroids, Nearness nearness) : dim_(centroids.dim()), nearness_(nearness) {
  for (std::size_t c = 0; c < centroids.rows(); ++c) rows_.push_back(centroids.floats() + c * dim_);
}

std::uint32_t Settler::settle(const float* row) const {
  std::vector<std::uint32_t> all(rows_.size());
  for (std::size_t c = 0; c < all.size(); ++c) all[c] = static_cast<std::uint32_t>(c);
  return settle(row, all);
}

std::uint32_t Settler::settle(const float* row, std::span<const std::uint32_t> numbers) const {
  const auto kind = nearness_ == Nearness::distance ? kernels::exact_l2 : kernels::exact_inner_product;
  const double sign = nearness_ == Nearness::distance ? 1 : -1;
  const float* picked[kAtOnce];
  double values[kAtOnce];
  std::uint32_t best = numbers[0];
  double least = 0;
  for (std::size_t first = 0; first < numbers.size(); first += kAtOnce) {
    const std::size_t count = std::min(kAtOnce, numbers.size() - first);
    for (std::size_t i = 0; i < count; ++i) picked[i] = rows_[numbers[first + i]];
    kernels::table().exact[kind](row, picked, count, dim_, 0, values);
    for (std::size_t i = 0; i < count; ++i) {
      if (first + i != 0 && !(sign * values[i] < least)) continue;
      best = numbers[first + i];
      least = sign * values[i];
    }
  }
  return best;
}

}  // namespace knear
