#include "codec/polysemous.h"

#include <bit>
#include <cmath>
#include <numeric>

#include "core/rng.h"

namespace knear {
namespace {

constexpr std::size_t kStepsPerPlace = 400;  // 256 centroids: below half a second
constexpr double kFirstTemperature = 0.7;    // share of the worse swaps that are made nevertheless
constexpr double kLastTemperature = 1e-6;

struct Moments {
  double mean = 0;
  double deviation = 0;
};

// Of what stands beside the diagonal.
Moments moments_of(const std::vector<double>& matrix, std::size_t count) {
  const double pairs = static_cast<double>(count) * static_cast<double>(count - 1);
  const double mean = std::accumulate(matrix.begin(), matrix.end(), 0.0) / pairs;
  double squares = 0;
  for (std::size_t i = 0; i < matrix.size(); ++i) {
    if (i / count != i % count) squares += (matrix[i] - mean) * (matrix[i] - mean);
  }
  return {mean, std::sqrt(squares / pairs)};
}

}  // namespace

PolysemousLoss::PolysemousLoss(std::span<const float> centroids, std::size_t dim)
    : count_(centroids.size() / dim),
      bits_(count_ * count_),
      wanted_(count_ * count_),
      weights_(count_ * count_),
      order_(count_) {
  std::iota(order_.begin(), order_.end(), 0u);
  for (std::size_t i = 0; i < count_; ++i) {
    for (std::size_t j = 0; j < count_; ++j) {
      double sum = 0;
      for (std::size_t l = 0; l < dim; ++l) {
        const double difference = double{centroids[i * dim + l]} - centroids[j * dim + l];
        sum += difference * difference;
      }
      wanted_[i * count_ + j] = std::sqrt(sum);
      bits_[i * count_ + j] = std::popcount(i ^ j);
    }
  }
  const Moments bits = moments_of(bits_, count_);
  const Moments distances = moments_of(wanted_, count_);
  const double scale = distances.deviation > 0 ? bits.deviation / distances.deviation : 0;
  for (std::size_t i = 0; i < wanted_.size(); ++i) {
    wanted_[i] = bits.mean + scale * (wanted_[i] - distances.mean);
    weights_[i] = i / count_ == i % count_ ? 0 : std::exp2(-wanted_[i]);
  }
}

double PolysemousLoss::value() const {
  double sum = 0;
  for (std::size_t i = 0; i < bits_.size(); ++i) {
    sum += weights_[i] * (bits_[i] - wanted_[i]) * (bits_[i] - wanted_[i]);
  }
  return sum;
}

double PolysemousLoss::change(std::size_t a, std::size_t b) const {
  const double *bits_a = row(bits_, a), *bits_b = row(bits_, b);
  const double *wanted_a = row(wanted_, a), *wanted_b = row(wanted_, b);
  const double *weights_a = row(weights_, a), *weights_b = row(weights_, b);
  double sum = 0;
  for (std::size_t i = 0; i < count_; ++i) {
    const double sure = i == a || i == b ? 0 : bits_b[i] - bits_a[i];  // their own distance stays
    const double both = bits_a[i] + bits_b[i];
    sum += sure * (weights_a[i] * (both - 2 * wanted_a[i]) - weights_b[i] * (both - 2 * wanted_b[i]));
  }
  return 2 * sum;
}

void PolysemousLoss::swap(std::size_t a, std::size_t b) {
  std::swap(order_[a], order_[b]);
  for (std::vector<double>* matrix : {&wanted_, &weights_}) {
    double* values = matrix->data();
    for (std::size_t i = 0; i < count_; ++i) std::swap(values[a * count_ + i], values[b * count_ + i]);
    for (std::size_t i = 0; i < count_; ++i) std::swap(values[i * count_ + a], values[i * count_ + b]);
  }
}

std::vector<std::uint32_t> polysemous_order(std::span<const float> centroids, std::size_t dim, std::uint64_t seed) {
  PolysemousLoss loss(centroids, dim);
  const std::size_t count = loss.count();
  if (count < 4) return loss.order();
  Rng rng(seed);
  const std::size_t steps = kStepsPerPlace * count;
  const double cooling = std::pow(kLastTemperature / kFirstTemperature, 1 / static_cast<double>(steps));
  double temperature = kFirstTemperature;
  for (std::size_t step = 0; step < steps; ++step, temperature *= cooling) {
    const std::size_t a = rng.below(count);
    std::size_t b = rng.below(count - 1);
    if (b >= a) ++b;
    if (loss.change(a, b) < 0 || rng.uniform_double() < temperature) loss.swap(a, b);
  }
  return loss.order();
}

}  // namespace knear
