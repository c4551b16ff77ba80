// The codecs by name, each with its options. index_factory() builds the same from text.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>

#include "knear/codec.h"

namespace knear {

// What a flat codec's searches compare first under L2, inner product and cosine. The results are the same: those of the
// canonical distance.
enum class ExactBy : std::uint8_t {
  automatic,  // int8 where rows are float32, many, and have enough dimensions; fp32 when that turns out slower
  int8,       // always shadows in a byte a dimension, whatever they cost
  fp32,       // the rows themselves
};

// Rows as they are (f32) or rounded to nearest even (f16, bf16) or to whole numbers and clamped (i8, u8).
// Searches are exact over the stored values. Error::invalid_argument unless 1 <= dim <= kMaxDim.
std::unique_ptr<Codec> make_flat_codec(std::size_t dim, Metric metric, DType stored = DType::f32,
                                       ExactBy by = ExactBy::automatic);

// Product quantizer (Jégou, Douze, Schmid: "Product quantization for nearest neighbor search", IEEE TPAMI 33, 2011):
// a vector is cut into sub-vectors, and each is kept as the number of its nearest among 2^bits centroids.
struct PqOptions {
  std::size_t subs = 8;  // sub-vectors; the dimension is a multiple
  std::size_t bits = 8;  // of each, 1 to 16
  // planes: fast scans by register lookups (André, Kermarrec, Le Scouarnec, PVLDB 9, 2015); asks for 4 bits
  CodeLayout layout = CodeLayout::rows;
  // Of k-means: a third on a quarter of the rows, from two kinds of first centroids, then four fifths on all of them.
  std::size_t niter = 25;
  std::size_t max_points_per_centroid = 256;  // more training rows are sampled; 0: all
  std::uint64_t seed = 1234;
  // polysemous: centroids are numbered such that codes differ in few bits where rows are close, for searches by
  // PqSearch::By::polysemous (Douze, Jégou, Perronnin: "Polysemous codes", ECCV 2016); up to 8 bits
  enum class Order : std::uint8_t { any, polysemous } order = Order::any;
};

std::unique_ptr<Codec> make_pq_codec(std::size_t dim, Metric metric, const PqOptions& options);

// Two product quantizers (Jégou, Tavenard, Douze, Amsaleg: "Searching in one billion vectors: re-rank with source
// coding", ICASSP 2011): the second codes what the first leaves of a row, and a decoded row is the sum of both.
// "PQ8+16", "PQ8x8+16x6". Every distance is to that sum. Under L2 a code has four more bytes, its squared length.
struct PqrOptions {
  PqOptions coarse = {};  // both with codes row by row and centroids in any order
  PqOptions fine = {.subs = 16};
};

std::unique_ptr<Codec> make_pqr_codec(std::size_t dim, Metric metric, const PqrOptions& options);

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

// RaBitQ (Gao, Long: "RaBitQ: quantizing high-dimensional vectors with a theoretical error bound for approximate
// nearest neighbor search", SIGMOD 2024; Gao, Gou, Xu, Yang, Long, Wong: "Practical and asymptotically optimal
// quantization of high-dimensional vectors in Euclidean space for approximate nearest neighbor search", SIGMOD 2025): a
// row less the mean of all rows, turned, becomes the sign of each element, or a number of several bits for each, and
// two or three factors of four bytes. Bytes: ceil(dim / 8) * bits + 8, and 4 more when there are several bits.
//
// Under L2, inner product and cosine (of rows and queries scaled to length 1) the distance of a query to a code is an
// unbiased estimate of the distance to the row before it was encoded, not the distance to the decoded row. It depends
// on that query and that code alone. With several bits it is never below what the signs alone say, less 3 standard
// deviations of their error (4 for more than 4 bits); so most codes need not be looked at beyond their signs. Decoded
// rows are those with the least error; other metrics take them.
struct RabitqOptions {
  std::size_t bits = 1;  // for each dimension, 1 to 9
  enum class Rotation { none, hadamard } rotation = Rotation::hadamard;
  enum class Centre { none, mean } centre = Centre::mean;  // the mean has to be learned
};

class RabitqCodec : public Codec {
 public:
  struct Estimate {
    double distance;  // smaller is closer
    double error;     // 1.9 standard deviations, as in the paper: about 94 of 100 distances of rows are within it
  };
  // For n codes, one after the other. Error::invalid_argument under metrics that are not estimated.
  virtual void estimate(const float* query, const Byte* codes, std::size_t n, Estimate* out) const = 0;

 protected:
  using Codec::Codec;
};

// Error::invalid_argument unless 1 <= bits <= 9 and 1 <= dim <= kMaxDim.
std::unique_ptr<RabitqCodec> make_rabitq_codec(std::size_t dim, Metric metric, const RabitqOptions& options = {});

// Zn lattice (Sablayrolles, Douze, Schmid, Jégou: "Spreading vectors for similarity search", ICLR 2019): a row is cut
// into parts, and each is kept as its length and the nearest direction among the integer points on a sphere, which are
// numbered and need no tables. "ZnLattice3x10_6".
struct ZnOptions {
  std::size_t parts = 1;       // the dimension is a multiple
  std::size_t r2 = 10;         // squared radius of the sphere; its points must be fewer than 2^64
  std::size_t scale_bits = 8;  // of each length, 1 to 16
};

// Learns the range of each part's lengths from at least one row.
std::unique_ptr<Codec> make_zn_codec(std::size_t dim, Metric metric, const ZnOptions& options);

// Spectral hashing (Weiss, Torralba, Fergus: "Spectral hashing", NIPS 2008), in the form that is usual behind a learned
// transform: bit j says in which half of a wave element j lies, floor((x_j - t_j) / (period / 2)) mod 2. "ITQ64,SH",
// "SH1.5", "SH1.5m". The distance of a query to a code is the number of bits in which the query's own code differs; the
// metric has to be L2.
struct SpectralOptions {
  // Unset: learned, 2 to 8 standard deviations of an element (the root of the variances' mean over dimensions), that of
  // which codes find the most near rows of a sample. Short ones tell more between close rows, which pays where rows lie
  // in clusters; with the longest, bits are all but signs. More than 0.
  std::optional<float> period = {};
  // zero: t = 0, "g"; median: those of training rows, one a dimension, "m"; half: t = -period / 4, so that zero lies in
  // the middle of a half wave, "h".
  enum class Threshold : std::uint8_t { zero, median, half } threshold = Threshold::zero;
};

// Learns from at least one row. Decoded, an element is the mean of the training values with its bit.
std::unique_ptr<Codec> make_spectral_codec(std::size_t dim, Metric metric, const SpectralOptions& options = {});

}  // namespace knear
