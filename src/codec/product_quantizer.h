// Cuts vectors into sub-vectors and puts for each the number of its nearest centroid.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "knear/codecs.h"
#include "knear/matrix.h"
#include "metric/panels.h"

namespace knear {

class ByteSink;
class ByteSource;

// Jégou, Douze, Schmid: "Product quantization for nearest neighbor search", IEEE TPAMI 33, 2011. Once trained it never
// changes, so many threads may use it.
class ProductQuantizer {
 public:
  // Error::invalid_argument when the sub-vectors do not fill the dimension, or for a number of bits that cannot be.
  ProductQuantizer(std::size_t dim, std::size_t subs, std::size_t bits);

  std::size_t dim() const noexcept { return subs_ * sub_dim_; }
  std::size_t subs() const noexcept { return subs_; }
  std::size_t sub_dim() const noexcept { return sub_dim_; }
  unsigned bits() const noexcept { return bits_; }
  std::size_t centroids() const noexcept { return std::size_t{1} << bits_; }  // of each sub-space
  std::size_t code_bytes() const noexcept { return (subs_ * bits_ + 7) / 8; }

  bool is_trained() const noexcept { return !panels_.empty(); }
  // k-means in each sub-space. Error::invalid_argument when the rows are fewer than the centroids.
  void train(MatrixView rows, const PqOptions& options, const RunOptions& run);
  void write(ByteSink& sink) const;
  void read(ByteSource& source);

  void encode(MatrixView rows, Byte* codes) const;
  void decode(const Byte* codes, std::size_t n, float* rows) const;
  // The subs() numbers of a code.
  void unpack(const Byte* code, std::uint16_t* numbers) const;
  void copy_centroids(const std::uint16_t* numbers, float* row) const;
  // Centroid c of sub-space m at sub_centroids(m) + c * sub_dim().
  const float* sub_centroids(std::size_t m) const noexcept { return table_.data() + m * centroids() * sub_dim_; }
  double longest(std::size_t m) const noexcept { return longest_[m]; }  // length of a centroid of sub-space m
  // All of them turned, as kernels::SubTablesJob wants them; null where its kernel does not take them.
  const float* turned() const noexcept { return turned_.empty() ? nullptr : turned_.data(); }

 private:
  void take_centroids(std::vector<float> centroids);
  void encode_floats(FloatSpan rows, Byte* codes) const;
  void pack(const std::uint32_t* numbers, std::size_t stride, Byte* code) const;

  std::size_t subs_;
  std::size_t sub_dim_;
  unsigned bits_;
  std::vector<float> table_;    // sub-space x centroid x sub_dim
  std::vector<float> turned_;   // sub-space x sub_dim x centroid
  std::vector<Panels> panels_;  // of each sub-space
  std::vector<double> longest_;
};

}  // namespace knear
