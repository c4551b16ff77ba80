// Transforms: vector to vector, before it is coded.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "knear/matrix.h"
#include "knear/params.h"

namespace knear {

class ByteSink;
class ByteSource;
class Codec;

// image = matrix * row + bias.
struct LinearForm {
  Matrix matrix;                                          // dim_out x dim_in
  std::vector<float> bias;                                // dim_out; empty: zero
  enum class Rows { any, orthonormal } rows = Rows::any;  // or, when it gives more than it takes, its columns
};

// Never changes once made, so many threads may use it.
class Transform {
 public:
  virtual ~Transform() = default;

  std::size_t dim_in() const noexcept { return dim_in_; }
  std::size_t dim_out() const noexcept { return dim_out_; }
  virtual std::string spec() const = 0;  // its stage of a factory string

  // False while it still has to learn from data: then only spec() and the like, trained() and read() work.
  virtual bool is_trained() const noexcept { return true; }
  // The transform that these rows teach, with the same spec; null when there is nothing to learn. Rows are finite.
  // Error::invalid_argument when they are too few, and names how many it takes.
  virtual std::unique_ptr<Transform> trained(MatrixView rows, const TrainOptions& options) const;
  // What was learned, to a file and back; read() is called once, on an untrained transform of the same spec. Fails with
  // Error::corrupt_file on numbers that no training gives.
  virtual void write(ByteSink&) const {}
  virtual void read(ByteSource&) {}

  // out: rows x dim_out. A row's image has the same bits in whatever batch it comes; NaN and Inf give no finite image
  // unless they stand in a dimension that is dropped.
  virtual void apply(MatrixView rows, float* out) const = 0;
  // The way back, n x dim_out to n x dim_in: rows whose images these are, but for rounding, when they are images at
  // all. What the transform took away (dimensions, lengths) does not come back. Error::unsupported unless reversible().
  virtual bool reversible() const noexcept { return true; }
  virtual void reverse(const float* images, std::size_t n, float* rows) const;

  // None unless the transform is made of a matrix, and trained.
  virtual std::optional<LinearForm> linear_form() const { return std::nullopt; }
  // Does the image of a difference tell how images differ? linear: T(a - b) = T(a) - T(b); affine: so but for an
  // offset, that of a mean for example; neither.
  enum class Linearity : std::uint8_t { linear, affine, neither };
  virtual Linearity linearity() const noexcept { return Linearity::neither; }

 protected:
  // Error::invalid_argument unless 1 <= dim <= kMaxDim for both.
  Transform(std::size_t dim_in, std::size_t dim_out);

 private:
  std::size_t dim_in_;
  std::size_t dim_out_;
};

// A transform by itself, outside of an index. Arguments are checked, many rows go to many threads. Error::wrong_state
// before training.
Matrix apply_transform(const Transform& transform, MatrixView rows, const RunOptions& options = {});
Matrix reverse_transform(const Transform& transform, MatrixView images, const RunOptions& options = {});
// Null when it has nothing to learn. Error::invalid_argument names the first row that holds NaN or Inf.
std::unique_ptr<Transform> train_transform(const Transform& transform, MatrixView rows,
                                           const TrainOptions& options = {});

using TransformChain = std::vector<std::shared_ptr<Transform>>;

// A codec of images: rows and queries pass the transforms first. "PCA32,SQ8" behind the cells of a partition.
//
// The distance is that of the inner codec in the space of images (of most, the distance to the image's decoded row),
// not to the row that this one decodes to, which went the way back through the transforms. Elements of images that
// overflow stop at the largest float. Training teaches the transforms in order, but those that came trained, then the
// inner codec. Residuals (rows less the centroids of a partition's cells) are for transforms that are linear; under
// metrics of differences, all but inner product, affine ones do.
//
// Error::invalid_argument unless there are transforms and all dimensions agree.
std::unique_ptr<Codec> make_transformed_codec(TransformChain transforms, std::unique_ptr<Codec> inner);

// Principal components (Pearson: "On lines and planes of closest fit", Philosophical Magazine 2, 1901): the mean is
// taken away, the directions of most variance stay. "PCA64"; with eigen_power -0.5 (whitening: all variances become 1)
// "PCAW64"; followed by a random rotation, which spreads the variance evenly, "PCAR64", "PCAWR64".
struct PcaOptions {
  float eigen_power = 0;  // components are scaled by this power of their variance; those without any become 0
  bool random_rotation = false;
};
std::unique_ptr<Transform> make_pca(std::size_t dim_in, std::size_t dim_out, const PcaOptions& options = {});

inline constexpr std::uint64_t kRotationSeed = 1234;

// A matrix with orthonormal rows or columns, drawn evenly: lengths and distances stay when dim_out >= dim_in. "RR",
// "RR64".
std::unique_ptr<Transform> make_random_rotation(std::size_t dim_in, std::size_t dim_out,
                                                std::uint64_t seed = kRotationSeed);

// The same kind of rotation by fast Hadamard transforms: d log d steps a row instead of d^2. "HR", "HR5" (the seed).
std::unique_ptr<Transform> make_hadamard_rotation(std::size_t dim, std::uint64_t seed = kRotationSeed);

// Rows scaled to length 1; zero stays. "L2norm".
std::unique_ptr<Transform> make_l2_normalization(std::size_t dim);
// The mean taken away. "Centre".
std::unique_ptr<Transform> make_centring(std::size_t dim);
// Zeros behind the row. "Pad64".
std::unique_ptr<Transform> make_padding(std::size_t dim_in, std::size_t dim_out);
// Any matrix, dim_out x dim_in, and a bias (none: zero). "Linear64": numbers that a file holds, but no string can name.
std::unique_ptr<Transform> make_linear(MatrixView matrix, std::span<const float> bias = {});
// Dimension j of the image is dimension map[j] of the row, or 0 where map[j] is -1. "Remap(2,0,-1)".
std::unique_ptr<Transform> make_remap(std::size_t dim_in, std::span<const std::int32_t> map);

// Iterative quantization (Gong, Lazebnik: "Iterative quantization: a Procrustean approach to learning binary codes",
// CVPR 2011): principal components, rotated so that rows lie close to the corners of a cube: for codes of signs.
// "ITQ", "ITQ64".
struct ItqOptions {
  std::size_t niter = 50;
};
std::unique_ptr<Transform> make_itq(std::size_t dim_in, std::size_t dim_out, const ItqOptions& options = {});

// Optimized product quantization (Ge, He, Ke, Sun: "Optimized product quantization", IEEE TPAMI 36, 2014): the rotation
// with which a product quantizer of M parts has the least error, learned in turns with that quantizer. It starts from
// the allocation of principal components that is best for Gaussian data or, where all dimensions stay and that is
// better, from the rows as they are. "OPQ16", "OPQ16_64".
struct OpqOptions {
  std::size_t bits = 8;    // of a part's code, 1 to 12
  std::size_t niter = 20;  // turns
};
std::unique_ptr<Transform> make_opq(std::size_t dim_in, std::size_t dim_out, std::size_t parts,
                                    const OpqOptions& options = {});

}  // namespace knear
