#include "cluster/byte_images.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <optional>

#include "cluster/rounding.h"
#include "core/parallel_for.h"
#include "kernels/dispatch.h"

namespace knear {
namespace {

constexpr std::size_t kTaskRows = 1024;
constexpr double kSlack = 32 * 0x1p-24;  // of squares, for the roundings of the tile's test
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

}  // namespace

ByteImages::ByteImages(const Images& images, const RunOptions& run)
    : dim_(images.dim), mean_(dim_), scale_(1), codes_(images.values.size()), rows_(images.errors.size()) {
  std::vector<double> sums(dim_);
  for (std::size_t i = 0; i < images.values.size(); ++i) sums[i % dim_] += static_cast<double>(images.values[i]);
  for (std::size_t j = 0; j < dim_; ++j) mean_[j] = static_cast<float>(sums[j] / static_cast<double>(rows_.size()));
  std::vector<double> z(dim_);
  double spread = 0;
  for (std::size_t i = 0; i < rows_.size(); ++i) {
    centred(images.image(i), z.data());
    for (const double x : z) spread += x * x;
  }
  spread = std::sqrt(spread / static_cast<double>(images.values.size()));
  if (spread > 0 && std::isfinite(spread)) scale_ = std::ldexp(1.0, -std::clamp(std::ilogb(spread), -150, 150));
  parallel_for((rows_.size() + kTaskRows - 1) / kTaskRows, run, [&](std::size_t task, std::size_t) {
    for (std::size_t i = kTaskRows * task; i < std::min(rows_.size(), kTaskRows * (task + 1)); ++i) cast(images, i);
  });
}

void ByteImages::centred(const float* image, double* z) const {
  const kernels::ShadowCentreJob job{image, mean_.data(), 1, scale_, dim_, z};
  kernels::table().shadow_centre(&job);
}

void ByteImages::cast(const Images& images, std::size_t row) {
  std::vector<double> z(dim_);
  centred(images.image(row), z.data());
  const std::optional<ByteImage> image = round_to_bytes(z.data(), dim_, false, codes_.data() + row * dim_);
  rows_[row] = {kNan, 0, 0};
  if (image) rows_[row] = {static_cast<float>(image->step), well_above(image->error), image->square};
}

std::size_t ByteImages::stride() const noexcept { return dim_ + sizeof(kernels::ShadowFactors); }

// Let y be the row's image and z a centroid's, in bytes, with errors e and f. If the images are at most `apart` from
// each other, |y - z| <= apart + e + f = reach + f, which is
//   y z + (reach^2 - y^2) / 2 + reach f >= (z^2 - f^2) / 2.
// The tile tests it divided by z's step. Each of the three terms is less than the sum of the squares, so few roundings
// of them and of their sums are less than kSlack of these.
void ByteImages::put(std::size_t row, double apart, Byte* to) const {
  const Row& image = rows_[row];
  const double reach = apart * scale_ + static_cast<double>(image.error);
  const double weight = (reach * reach * (1 + kSlack) - image.square * (1 - kSlack)) / 2;
  const kernels::ShadowFactors factors{image.step, well_above(weight), well_above(reach)};
  std::memcpy(to, codes_.data() + row * dim_, dim_);
  std::memcpy(to + dim_, &factors, sizeof factors);
}

ByteImages::Packed ByteImages::pack(const Images& centroids, std::vector<std::uint32_t> numbers) const {
  const std::size_t width = kernels::table().tile_queries;
  const std::size_t padded = (numbers.size() + width - 1) / width * width;
  Packed packed{std::move(numbers), {}, {}, {}, {}};
  packed.panels = BytePanels(packed.numbers.size(), dim_);
  packed.weights.assign(padded, 0.0f);
  packed.errors.assign(padded, 0.0f);
  packed.limits.assign(padded, std::numeric_limits<float>::infinity());
  std::vector<double> z(dim_);
  std::vector<int> codes(dim_);
  for (std::size_t i = 0; i < packed.numbers.size(); ++i) {
    centred(centroids.image(packed.numbers[i]), z.data());
    double largest = 0;
    for (const double x : z) largest = x > largest || -x > largest ? std::abs(x) : largest;
    const bool usable = float32_holds(largest) && std::none_of(z.begin(), z.end(), [](double x) { return x != x; });
    if (!usable) {
      packed.limits[i] = kNan;
      continue;
    }
    const ByteImage image = packed.panels.set(i, z.data(), codes.data());
    const double limit = image.square * (1 - kSlack) - image.error * image.error * (1 + kSlack);
    packed.weights[i] = static_cast<float>(1 / image.step);
    packed.errors[i] = static_cast<float>(image.error / image.step);
    packed.limits[i] = static_cast<float>(limit / (2 * image.step));
  }
  return packed;
}

}  // namespace knear
