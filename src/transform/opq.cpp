#include <algorithm>
#include <cmath>
#include <numeric>

#include "core/call_limits.h"
#include "core/check.h"
#include "knear/cluster.h"
#include "transform/apply_all.h"
#include "transform/linear_map.h"
#include "transform/moments.h"
#include "transform/orthonormal.h"
#include "transform/registry.h"

namespace knear {
namespace {

constexpr OpqOptions kDefaults;
constexpr std::size_t kMaxBits = 12;
constexpr std::size_t kMaxRows = 65536;
constexpr std::size_t kTrialTurns = 2;       // before the better of two starts goes on alone
constexpr std::size_t kFirstIterations = 8;  // of k-means, where the quantizer has no centroids yet

using Clock = std::chrono::steady_clock;

// A product quantizer that learns a little more in every turn.
class TurningQuantizer {
 public:
  TurningQuantizer(std::size_t parts, std::size_t part_dim, std::size_t centroids)
      : part_dim_(part_dim), k_(centroids), parts_(parts) {}

  // Moves the centroids towards these rows, and gives the rows as the quantizer sees them.
  Matrix learn(const Matrix& rows, const RunOptions& options) {
    RunOptions run = options;
    run.progress = nullptr;
    Matrix seen(DType::f32, rows.rows(), rows.dim());
    std::vector<std::uint32_t> cells(rows.rows());
    for (std::size_t part = 0; part < parts_.size(); ++part) {
      const MatrixView some(rows.floats() + part * part_dim_, DType::f32, rows.rows(), part_dim_,
                            static_cast<std::ptrdiff_t>(rows.dim() * sizeof(float)));
      Matrix& centroids = parts_[part];
      if (centroids.rows() == 0) centroids = first_centroids(some, run);
      assign_to_nearest(some, centroids, cells, {}, run);
      move_to_means(some, cells, centroids);
      for (std::size_t i = 0; i < rows.rows(); ++i) {
        std::copy_n(centroids.floats() + cells[i] * part_dim_, part_dim_,
                    seen.floats() + i * rows.dim() + part * part_dim_);
      }
    }
    return seen;
  }

 private:
  Matrix first_centroids(MatrixView rows, const RunOptions& run) const {
    KmeansOptions options;
    options.niter = kFirstIterations;
    options.max_points_per_centroid = 0;
    options.run = run;
    return kmeans(rows, k_, options).centroids;
  }

  // A centroid without rows stays where it is: the next rotation may bring some.
  void move_to_means(MatrixView rows, std::span<const std::uint32_t> cells, Matrix& centroids) const {
    std::vector<double> sums(k_ * part_dim_, 0.0);
    std::vector<double> counts(k_, 0.0);
    std::vector<float> row(part_dim_);
    for (std::size_t i = 0; i < rows.rows(); ++i) {
      rows.copy_row(i, row.data());
      counts[cells[i]] += 1;
      for (std::size_t j = 0; j < part_dim_; ++j) sums[cells[i] * part_dim_ + j] += double{row[j]};
    }
    for (std::size_t c = 0; c < k_; ++c) {
      for (std::size_t j = 0; j < part_dim_ && counts[c] > 0; ++j) {
        centroids.floats()[c * part_dim_ + j] = static_cast<float>(sums[c * part_dim_ + j] / counts[c]);
      }
    }
  }

  std::size_t part_dim_;
  std::size_t k_;
  std::vector<Matrix> parts_;  // centroids, k x part_dim; none at first
};

// Which component goes where: the largest first, each to the part that has room and the least product of variances.
std::vector<std::size_t> allocation(std::span<const double> variances, std::size_t parts) {
  const std::size_t part_dim = variances.size() / parts;
  const double least = std::max(variances.back(), variances.front() * 1e-12);
  std::vector<double> logs(parts, 0.0);
  std::vector<std::size_t> taken(parts, 0);
  std::vector<std::size_t> places(variances.size());
  for (std::size_t i = 0; i < variances.size(); ++i) {
    std::size_t best = parts;
    for (std::size_t part = 0; part < parts; ++part) {
      if (taken[part] < part_dim && (best == parts || logs[part] < logs[best])) best = part;
    }
    logs[best] += least > 0 ? std::log(std::max(variances[i], least) / least) : 0;
    places[i] = best * part_dim + taken[best]++;
  }
  return places;
}

// A rotation and its quantizer on their way from some start.
class Course {
 public:
  Course(const LinearMap::Shape& shape, std::vector<double> rotation, TurningQuantizer quantizer)
      : shape_(shape), rotation_(std::move(rotation)), quantizer_(std::move(quantizer)) {}

  // In each, the quantizer follows the rotation, then the rotation the quantizer.
  void take_turns(std::size_t turns, const Matrix& rows, const RunOptions& options, ProgressMeter& meter) {
    const auto start = Clock::now();
    for (std::size_t turn = 0; turn < turns; ++turn) {
      const RunOptions rest = remaining(options, start);
      const Matrix images = images_of(LinearMap(shape_, rotation_, {}), shape_.dim_out, rows, rest);
      const Matrix seen = quantizer_.learn(images, rest);
      error_ = squared_distance(images, seen);
      const std::vector<double> columns =
          orthogonal_factor(cross_products(RowSet(rows), RowSet(seen), rest), shape_.dim_in, shape_.dim_out);
      rotation_ = transposed(columns, shape_.dim_in, shape_.dim_out);
      meter.advance(1);
    }
  }

  // Of the quantizer, in the last turn.
  double error() const noexcept { return error_; }
  std::span<const double> rotation() const noexcept { return rotation_; }

 private:
  static double squared_distance(const Matrix& a, const Matrix& b) {
    double sum = 0;
    for (std::size_t i = 0; i < a.rows() * a.dim(); ++i) {
      const double gap = double{a.floats()[i]} - b.floats()[i];
      sum += gap * gap;
    }
    return sum;
  }

  LinearMap::Shape shape_;
  std::vector<double> rotation_;  // dim_out x dim_in
  TurningQuantizer quantizer_;
  double error_ = 0;
};

class Opq final : public LinearTransform {
 public:
  Opq(std::size_t dim_in, std::size_t dim_out, std::size_t parts, const OpqOptions& options)
      : LinearTransform({dim_in, dim_out, LinearMap::Kind::orthonormal, LinearMap::Shape::Origin::zero}),
        parts_(parts),
        options_(options) {
    require(dim_out <= dim_in, token(), " of ", dim_in, " dimensions: it cannot give more than it takes");
    require(parts >= 1 && dim_out % parts == 0, token(), ": ", dim_out, " dimensions are not divisible into ", parts,
            " equal parts");
    require(options.bits >= 1 && options.bits <= kMaxBits, token(), " learns codes of 1 to ", kMaxBits, " bits, not ",
            options.bits);
  }

  std::string spec() const override {
    return concat(token(), options_.bits == kDefaults.bits ? "" : concat(",bits=", options_.bits),
                  options_.niter == kDefaults.niter ? "" : concat(",niter=", options_.niter));
  }

  std::unique_ptr<Transform> trained(MatrixView rows, const TrainOptions& options) const override {
    const std::size_t centroids = std::size_t{1} << options_.bits;
    require(rows.rows() >= centroids, spec(), " needs at least ", centroids, " rows to learn from, not ", rows.rows());
    const auto start = Clock::now();
    const RowSet sample(rows, kMaxRows);
    const std::vector<double> mean = mean_of(sample, options.run);
    const Matrix centred = centred_rows(sample, mean);
    ProgressMeter meter(options.run, "opq", kTrialTurns + options_.niter);
    Course best = course(for_gaussian_data(scatter_of(sample, mean, options.run)));
    best.take_turns(kTrialTurns, centred, remaining(options.run, start), meter);
    if (dim_in() == dim_out()) {
      Course other = course(identity());
      other.take_turns(kTrialTurns, centred, remaining(options.run, start), meter);
      if (other.error() < best.error()) best = std::move(other);
    }
    best.take_turns(options_.niter, centred, remaining(options.run, start), meter);
    meter.finish();
    auto taught = std::make_unique<Opq>(dim_in(), dim_out(), parts_, options_);
    taught->set_map(best.rotation(), {});
    return taught;
  }

 private:
  std::string token() const { return concat("OPQ", parts_, dim_out() == dim_in() ? "" : concat("_", dim_out())); }

  std::vector<double> for_gaussian_data(std::span<const double> scatter) const {
    const Eigenpairs pairs = eigenpairs(scatter, dim_in());
    const auto places = allocation(std::span(pairs.values).first(dim_out()), parts_);
    std::vector<double> rotation(dim_out() * dim_in());
    for (std::size_t i = 0; i < dim_out(); ++i) {
      std::copy_n(pairs.vectors.data() + i * dim_in(), dim_in(), rotation.data() + places[i] * dim_in());
    }
    return rotation;
  }

  // An offset that all rows share would draw the directions to itself, and no distance depends on it.
  Matrix centred_rows(const RowSet& rows, std::span<const double> mean) const {
    Matrix centred(DType::f32, rows.count(), rows.dim());
    for (std::size_t i = 0; i < rows.count(); ++i) {
      float* row = centred.floats() + i * rows.dim();
      rows.copy_row(i, row);
      for (std::size_t j = 0; j < rows.dim(); ++j) row[j] = static_cast<float>(row[j] - mean[j]);
    }
    return centred;
  }

  std::vector<double> identity() const {
    std::vector<double> rotation(dim_in() * dim_in(), 0.0);
    for (std::size_t i = 0; i < dim_in(); ++i) rotation[i * dim_in() + i] = 1;
    return rotation;
  }

  Course course(std::vector<double> rotation) const {
    return {shape(), std::move(rotation),
            TurningQuantizer(parts_, dim_out() / parts_, std::size_t{1} << options_.bits)};
  }

  std::size_t parts_;
  OpqOptions options_;
};

}  // namespace

MakeTransform read_opq(StageReader& stage) {
  if (!stage.word("OPQ")) return nullptr;
  const std::size_t parts = stage.number("the number of parts, as in OPQ16");
  std::optional<std::size_t> dim_out;
  if (stage.word("_")) dim_out = stage.number("the number of dimensions behind the _");
  OpqOptions options;
  options.bits = stage.number_option("bits").value_or(options.bits);
  options.niter = stage.number_option("niter").value_or(options.niter);
  stage.done();
  return [=](std::size_t dim_in) { return make_opq(dim_in, dim_out.value_or(dim_in), parts, options); };
}

std::unique_ptr<Transform> make_opq(std::size_t dim_in, std::size_t dim_out, std::size_t parts,
                                    const OpqOptions& options) {
  return std::make_unique<Opq>(dim_in, dim_out, parts, options);
}

}  // namespace knear
