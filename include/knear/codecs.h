// Codecs that make small codes, with their options.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "knear/codec.h"

namespace knear {

// Product quantizer (Jégou, Douze, Schmid: "Product quantization for nearest neighbor search", IEEE TPAMI 33, 2011):
// a vector is cut into sub-vectors, and each is kept as the number of its nearest among 2^bits centroids.
struct PqOptions {
  std::size_t subs = 8;  // sub-vectors; the dimension is a multiple
  std::size_t bits = 8;  // of each, 1 to 16
  // planes: fast scans by register lookups (André, Kermarrec, Le Scouarnec, PVLDB 9, 2015); asks for 4 bits
  CodeLayout layout = CodeLayout::rows;
  std::size_t niter = 25;                     // of k-means
  std::size_t max_points_per_centroid = 256;  // more training rows are sampled; 0: all
  std::uint64_t seed = 1234;
};

std::unique_ptr<Codec> make_pq_codec(std::size_t dim, Metric metric, const PqOptions& options);

}  // namespace knear
