#include "cluster/projection.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "cluster/rounding.h"
#include "cluster/streams.h"
#include "kernels/dispatch.h"

namespace knear {
namespace {

constexpr std::size_t kSampleRows = 2048;
constexpr std::size_t kRounds = 3;
constexpr std::size_t kBlockRows = 96;

using Vectors = std::vector<std::vector<double>>;

double dot(const double* a, const double* b, std::size_t n) {
  double part[4] = {};
  std::size_t j = 0;
  for (; j + 4 <= n; j += 4) {
    for (std::size_t p = 0; p < 4; ++p) part[p] += a[j + p] * b[j + p];
  }
  for (; j < n; ++j) part[0] += a[j] * b[j];
  return (part[0] + part[1]) + (part[2] + part[3]);
}

// Gram and Schmidt's way, each vector twice. What depends on those before becomes 0.
void orthonormalize(Vectors& vectors) {
  for (std::size_t i = 0; i < vectors.size(); ++i) {
    std::vector<double>& v = vectors[i];
    const double before = dot(v.data(), v.data(), v.size());
    for (std::size_t pass = 0; pass < 2; ++pass) {
      for (std::size_t other = 0; other < i; ++other) {
        const double share = dot(v.data(), vectors[other].data(), v.size());
        for (std::size_t j = 0; j < v.size(); ++j) v[j] -= share * vectors[other][j];
      }
    }
    const double square = dot(v.data(), v.data(), v.size());
    const double scale = square > 1e-20 * before && square > 0 ? 1 / std::sqrt(square) : 0;
    for (double& x : v) x *= scale;
  }
}

Vectors random_vectors(std::size_t count, std::size_t dim, Rng& rng) {
  Vectors vectors(count, std::vector<double>(dim));
  for (auto& v : vectors) {
    for (double& x : v) x = rng.normal();
  }
  return vectors;
}

// out = a x b^T for row-major a (n x dim) and b (m x dim).
std::vector<float> product(const std::vector<float>& a, const std::vector<float>& b, std::size_t dim) {
  const std::size_t n = a.size() / dim;
  const std::size_t m = b.size() / dim;
  std::vector<float> out(n * m);
  Panels::for_products({b.data(), m, dim}, dim).products({a.data(), n, dim}, out.data(), m);
  return out;
}

std::vector<float> transposed(const std::vector<float>& a, std::size_t columns) {
  const std::size_t rows = a.size() / columns;
  std::vector<float> out(a.size());
  for (std::size_t i = 0; i < rows; ++i) {
    for (std::size_t j = 0; j < columns; ++j) out[j * rows + i] = a[i * columns + j];
  }
  return out;
}

std::vector<float> as_floats(const Vectors& vectors) {
  std::vector<float> floats;
  for (const auto& v : vectors) {
    for (const double x : v) floats.push_back(static_cast<float>(x));
  }
  return floats;
}

Vectors as_vectors(const std::vector<float>& floats, std::size_t dim) {
  Vectors vectors;
  for (auto it = floats.begin(); it != floats.end(); it += static_cast<std::ptrdiff_t>(dim)) {
    vectors.emplace_back(it, it + static_cast<std::ptrdiff_t>(dim));
  }
  return vectors;
}

// Rows evenly spread over all, and their mean, which is taken off them.
std::vector<float> centred_sample(const TrainingRows& rows, std::vector<float>& mean) {
  const std::size_t count = std::min(rows.count(), kSampleRows);
  const std::size_t dim = rows.dim();
  std::vector<double> sum(dim);
  std::vector<float> sample(count * dim);
  for (std::size_t i = 0; i < count; ++i) {
    std::copy_n(rows.row(i * rows.count() / count), dim, sample.begin() + static_cast<std::ptrdiff_t>(i * dim));
    for (std::size_t j = 0; j < dim; ++j) sum[j] += static_cast<double>(sample[i * dim + j]);
  }
  mean.resize(dim);
  for (std::size_t j = 0; j < dim; ++j) mean[j] = static_cast<float>(sum[j] / static_cast<double>(count));
  for (std::size_t i = 0; i < count; ++i) {
    for (std::size_t j = 0; j < dim; ++j) sample[i * dim + j] -= mean[j];
  }
  return sample;
}

// The basis with the direction of the greatest spread first.
std::vector<float> in_order(const std::vector<float>& sample, const std::vector<float>& basis, std::size_t dim) {
  const std::size_t count = basis.size() / dim;
  const std::vector<float> coordinates = product(sample, basis, dim);
  std::vector<double> spread(count);
  for (std::size_t i = 0; i < coordinates.size(); ++i) {
    spread[i % count] += static_cast<double>(coordinates[i]) * static_cast<double>(coordinates[i]);
  }
  std::vector<std::size_t> order(count);
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return spread[a] > spread[b]; });
  std::vector<float> sorted;
  for (const std::size_t i : order) {
    const auto from = basis.begin() + static_cast<std::ptrdiff_t>(i * dim);
    sorted.insert(sorted.end(), from, from + static_cast<std::ptrdiff_t>(dim));
  }
  return sorted;
}

double squared_distance(const float* a, const float* b, std::size_t dim) {
  double out = 0;
  kernels::table().exact[kernels::exact_l2](a, &b, 1, dim, 0, &out);
  return out;
}

}  // namespace

void Images::shorten(std::size_t directions) {
  const std::size_t count = errors.size();
  for (std::size_t i = 0; i < count; ++i) {
    const float* from = values.data() + i * dim;
    float* to = values.data() + i * (directions + 1);
    double square = 0;
    for (std::size_t j = directions; j < dim; ++j)
      square += static_cast<double>(from[j]) * static_cast<double>(from[j]);
    std::copy_n(from, directions, to);
    to[directions] = static_cast<float>(std::sqrt(square));
    errors[i] = well_above(static_cast<double>(errors[i]) + 0x1p-23 * std::sqrt(square));
  }
  dim = directions + 1;
  values.resize(count * dim);
}

Projection::Projection(const TrainingRows& rows, std::size_t directions, std::uint64_t seed)
    : dim_(rows.dim()), directions_(directions) {
  const std::vector<float> sample = centred_sample(rows, mean_);
  const std::vector<float> columns = transposed(sample, dim_);  // dim x sample
  const std::size_t count = sample.size() / dim_;
  Rng rng(seed, stream_of(Draw::projection));
  Vectors basis = random_vectors(directions, dim_, rng);
  for (std::size_t round = 0; round < kRounds; ++round) {
    orthonormalize(basis);
    const std::vector<float> coordinates = transposed(product(sample, as_floats(basis), dim_), directions);
    basis = as_vectors(product(coordinates, columns, count), dim_);
  }
  orthonormalize(basis);
  basis_ = in_order(sample, as_floats(basis), dim_);
  prepare();
}

Projection::Projection(std::vector<float> mean, std::vector<float> basis)
    : dim_(mean.size()), directions_(basis.size() / dim_), mean_(std::move(mean)), basis_(std::move(basis)) {
  prepare();
}

Projection Projection::shortened(std::size_t directions) const {
  return {mean_, {basis_.begin(), basis_.begin() + static_cast<std::ptrdiff_t>(directions * dim_)}};
}

Projection Projection::mixed(std::uint64_t seed) const {
  Rng rng(seed, stream_of(Draw::mixture));
  Vectors turn = random_vectors(directions_, directions_, rng);
  orthonormalize(turn);
  return {mean_, product(as_floats(turn), transposed(basis_, dim_), directions_)};
}

// By Gershgorin's circles, no eigenvalue of the basis' Gram matrix is farther from 1 than skew_; a direction that is 0
// drops out of both.
void Projection::prepare() {
  const Vectors basis = as_vectors(basis_, dim_);
  skew_ = 0;
  for (std::size_t a = 0; a < directions_; ++a) {
    double off = 0;
    for (std::size_t b = 0; b < directions_; ++b) {
      const double gram = dot(basis[a].data(), basis[b].data(), dim_);
      off += std::fabs(gram - (a == b && gram != 0 ? 1 : 0));
    }
    skew_ = std::max(skew_, off + 1e-12);
  }
  std::vector<float> bias(directions_);
  const std::vector<double> mean(mean_.begin(), mean_.end());
  for (std::size_t a = 0; a < directions_; ++a) bias[a] = static_cast<float>(-dot(basis[a].data(), mean.data(), dim_));
  mean_length_ = std::sqrt(dot(mean.data(), mean.data(), dim_)) * (1 + 1e-9);
  panels_ = Panels::for_products({basis_.data(), directions_, dim_}, dim_, bias);
}

// The error has three parts: of the coordinates, each a float32 sum; of the basis, which is not quite orthonormal; and
// of the remainder's length, which is the root of a difference.
void Projection::project(FloatSpan rows, std::size_t first, Images& images) const {
  const double share = sum_error(dim_) + 0x1p-22;
  const double roots = std::sqrt(static_cast<double>(directions_));
  for (std::size_t from = 0; from < rows.count; from += kBlockRows) {
    const std::size_t count = std::min(kBlockRows, rows.count - from);
    float* block = images.values.data() + (first + from) * image_dim();
    panels_->products({rows.data + from * rows.stride, count, rows.stride}, block, image_dim());
    for (std::size_t i = 0; i < count; ++i) {
      float* image = block + i * image_dim();
      const double square = squared_distance(rows.data + (from + i) * rows.stride, mean_.data(), dim_);
      const double length = std::sqrt(square) * (1 + 1e-9);
      double inside = 0;
      for (std::size_t j = 0; j < directions_; ++j)
        inside += static_cast<double>(image[j]) * static_cast<double>(image[j]);
      const double outside = std::sqrt(std::max(0.0, square - inside));
      const double coordinates = roots * share * (length + 2 * mean_length_) + skew_ * length + tiny_error(dim_);
      const double difference = coordinates * (2 * length + coordinates) * 1.01 + 1e-12 * square;
      const double remainder = difference > 0 ? difference / std::max(outside, std::sqrt(difference)) : 0;
      image[directions_] = static_cast<float>(outside);
      images.errors[first + from + i] = well_above(coordinates + remainder + 0x1p-23 * outside);
    }
  }
}

}  // namespace knear
