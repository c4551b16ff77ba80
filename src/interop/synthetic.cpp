#include <algorithm>
#include <cmath>

#include "core/check.h"
#include "core/parallel_for.h"
#include "core/rng.h"
#include "knear/dataset.h"
#include "knear/index.h"

namespace knear {
namespace {

constexpr std::size_t kRowsPerTask = 1024;

// What random numbers are drawn for. Each thing has a stream of its own.
enum class Draw : std::uint64_t { row, centre, direction, choice };
constexpr std::uint64_t kStreamsOfADraw = std::uint64_t{1} << 62;

Rng rng_for(std::uint64_t seed, Draw draw, std::uint64_t number) {
  return Rng(seed, static_cast<std::uint64_t>(draw) * kStreamsOfADraw + number);
}

void check(const SyntheticOptions& o) {
  require(o.dim >= 1 && o.dim <= kMaxDim, "dim = ", o.dim, " is not within 1 and ", kMaxDim);
  require(o.clusters >= 1, "clusters = 0: rows need a cluster to belong to");
  require(o.intrinsic_dim <= o.dim, "intrinsic_dim = ", o.intrinsic_dim, " is more than dim = ", o.dim);
  require(std::isfinite(o.spread) && o.spread >= 0, "spread = ", o.spread, " is no standard deviation");
  require(std::isfinite(o.noise) && o.noise >= 0, "noise = ", o.noise, " is no standard deviation");
  require(o.first_row < kStreamsOfADraw && o.rows <= kStreamsOfADraw - o.first_row, "rows end at 2^62: there are no ",
          o.rows, " from row ", o.first_row);
}

// The distribution that rows are drawn from.
class Mixture {
 public:
  explicit Mixture(const SyntheticOptions& options)
      : options_(options),
        centres_(normal_rows(Draw::centre, options.clusters, 1)),
        directions_(normal_rows(Draw::direction, 2 * options.intrinsic_dim, direction_scale(options))) {}

  void draw_row(std::uint64_t number, float* out) const {
    Rng rng = rng_for(options_.seed, Draw::row, number);
    const std::size_t cluster = rng.below(options_.clusters);
    std::copy_n(centres_.floats() + cluster * options_.dim, options_.dim, out);
    if (options_.intrinsic_dim > 0) add_directions(rng, cluster, out);
    if (options_.noise > 0) add_noise(rng, out);
  }

 private:
  // Makes a sum of intrinsic_dim directions, each times a normal number, as long as `spread` says.
  static float direction_scale(const SyntheticOptions& options) {
    return options.spread / std::sqrt(static_cast<float>(std::max<std::size_t>(options.intrinsic_dim, 1)));
  }

  Matrix normal_rows(Draw draw, std::size_t rows, float scale) const {
    Matrix matrix(DType::f32, rows, options_.dim);
    parallel_for(rows, options_.run, [&](std::size_t row, std::size_t) {
      Rng rng = rng_for(options_.seed, draw, row);
      float* out = matrix.floats() + row * options_.dim;
      for (std::size_t j = 0; j < options_.dim; ++j) out[j] = static_cast<float>(rng.normal()) * scale;
    });
    return matrix;
  }

  // A cluster's directions are intrinsic_dim consecutive ones of all, counted in a circle.
  void add_directions(Rng& rng, std::size_t cluster, float* out) const {
    const std::size_t first = rng_for(options_.seed, Draw::choice, cluster).below(directions_.rows());
    for (std::size_t i = 0; i < options_.intrinsic_dim; ++i) {
      const float* direction = directions_.floats() + (first + i) % directions_.rows() * options_.dim;
      const auto factor = static_cast<float>(rng.normal());
      for (std::size_t j = 0; j < options_.dim; ++j) out[j] += factor * direction[j];
    }
  }

  void add_noise(Rng& rng, float* out) const {
    const float range = options_.noise * std::sqrt(12.0F);
    for (std::size_t j = 0; j < options_.dim; ++j) out[j] += range * (rng.uniform() - 0.5F);
  }

  const SyntheticOptions& options_;
  Matrix centres_;
  Matrix directions_;
};

}  // namespace

Matrix synthetic_vectors(const SyntheticOptions& options) {
  check(options);
  const Mixture mixture(options);
  Matrix rows(DType::f32, options.rows, options.dim);
  ProgressMeter meter(options.run, "generate", options.rows);
  const std::size_t tasks = (options.rows + kRowsPerTask - 1) / kRowsPerTask;
  parallel_for(tasks, options.run, [&](std::size_t task, std::size_t) {
    const std::size_t first = task * kRowsPerTask;
    const std::size_t count = std::min(kRowsPerTask, options.rows - first);
    for (std::size_t i = first; i < first + count; ++i)
      mixture.draw_row(options.first_row + i, rows.floats() + i * options.dim);
    meter.advance(count);
  });
  meter.finish();
  return rows;
}

}  // namespace knear
