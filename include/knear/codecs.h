// The codecs by name, each with its options. index_factory() builds the same from text.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>

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

// Scalar quantizer: each element on its own becomes the nearest of 2^bits equally spaced values. "SQ8",
// "SQ4,range=uniform".

enum class SqRange {
  dimension,  // each dimension has its own range
  uniform,    // one for all
};

// What the range is made of; `argument` is SqOptions::argument.
enum class SqStatistic {
  minmax,     // smallest to largest value, widened at each end by this share of their distance (0)
  meanstd,    // this many standard deviations to each side of the mean (3)
  quantiles,  // without this share of the values at each end (0.01)
  optim,      // the least squared error, by turns of the range and the values' codes; no argument
};

struct SqOptions {
  std::size_t bits = 8;  // 4, 6 or 8
  SqRange range = SqRange::dimension;
  SqStatistic statistic = SqStatistic::minmax;
  std::optional<float> argument = {};  // none: the number in brackets above
};

// Learns its ranges from at least one row. Values outside of them become the ends; a dimension whose values are all
// equal is kept exactly. Ranges end at +-1e38.
std::unique_ptr<Codec> make_sq_codec(std::size_t dim, Metric metric, const SqOptions& options = {});

// Locality-sensitive hashing (Charikar: "Similarity estimation techniques from rounding algorithms", STOC 2002): bit i
// says whether element i is at least a threshold. "LSH", "LSH64r", "LSHrt". The distance of a query to a code is the
// number of bits in which the query's own code differs; the metric has to be L2.
struct LshOptions {
  std::size_t bits = 0;     // 0: as many as dimensions
  bool rotated = false;     // after a random rotation; else at most as many bits as dimensions
  bool thresholds = false;  // the medians of training rows; else zero
};

// Decoded, an element is its threshold plus or minus how far the training rows are from it on average (1 when the
// thresholds are not learned), rotated back; elements without a bit are 0.
std::unique_ptr<Codec> make_lsh_codec(std::size_t dim, Metric metric, const LshOptions& options = {});

}  // namespace knear
