// Images in bytes, for the tile of shadows to find those that are near each other.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "cluster/projection.h"
#include "knear/matrix.h"
#include "knear/parallel.h"
#include "metric/byte_image.h"

namespace knear {

// Never changes once made; many threads may use it.
class ByteImages {
 public:
  // Images of centroids, as the tile takes them.
  struct Packed {
    std::vector<std::uint32_t> numbers;
    BytePanels panels;
    std::vector<float> weights;
    std::vector<float> errors;
    std::vector<float> limits;
  };

  // Of rows; their dimension is a multiple of 16.
  ByteImages(const Images& images, const RunOptions& run);

  // Bytes of one row's.
  std::size_t stride() const noexcept;
  // Writes a row's, as the tile takes it, to find all centroids whose images are at most `apart` from the row's.
  void put(std::size_t row, double apart, Byte* to) const;
  Packed pack(const Images& centroids, std::vector<std::uint32_t> numbers) const;

 private:
  struct Row {
    float step;  // NaN: found with everything
    float error;
    double square;
  };

  void cast(const Images& images, std::size_t row);
  void centred(const float* image, double* z) const;

  std::size_t dim_;
  std::vector<float> mean_;
  double scale_;  // a power of two
  std::vector<Byte> codes_;
  std::vector<Row> rows_;
};

}  // namespace knear
