// Short images of rows that are never farther apart than the rows.
//
// The image holds the coordinates in an orthonormal basis of a few directions, and the length of what is left of the
// row. Two rows' images are at most as far apart as the rows: exactly on the directions, and for the rest because
// lengths differ by no more than vectors do. The directions are those in which the rows spread most, so most of a
// distance is in the image. (The remainder's length in such a bound: Hwang, Han, Ahn: "A fast nearest neighbor search
// algorithm by nonlinear embedding", CVPR 2012.)
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "cluster/training_rows.h"
#include "metric/panels.h"

namespace knear {

// Images of rows, `dim` floats each, row-major.
struct Images {
  std::size_t dim = 0;
  std::vector<float> values;
  std::vector<float> errors;  // |image - true image| is at most this

  const float* image(std::size_t i) const { return values.data() + i * dim; }
  // The same with the first `directions` only: what follows becomes part of the remainder.
  void shorten(std::size_t directions);
};

class Projection {
 public:
  // Learns up to `directions` from a sample of the rows by orthogonal iteration (Halko, Martinsson, Tropp: "Finding
  // structure with randomness", SIAM Review 53, 2011). `directions` < dim.
  Projection(const TrainingRows& rows, std::size_t directions, std::uint64_t seed);

  std::size_t image_dim() const noexcept { return directions_ + 1; }
  // The same with the first directions only.
  Projection shortened(std::size_t directions) const;
  // Other directions that span the same, drawn by `seed`, so that images of rows spread alike in all of them.
  Projection mixed(std::uint64_t seed) const;
  // Images and errors go to `images` from row `first` on.
  void project(FloatSpan rows, std::size_t first, Images& images) const;

 private:
  Projection(std::vector<float> mean, std::vector<float> basis);
  void prepare();

  std::size_t dim_;
  std::size_t directions_;
  std::vector<float> mean_;
  std::vector<float> basis_;  // directions x dim
  double skew_ = 0;           // how far the basis is from orthonormal, at most
  double mean_length_ = 0;
  std::optional<Panels> panels_;
};

}  // namespace knear
