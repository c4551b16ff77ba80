// k-means: centroids that stand for many vectors.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "knear/matrix.h"
#include "knear/parallel.h"

namespace knear {

// k at most.
inline constexpr std::size_t kMaxCentroids = std::size_t{1} << 24;

enum class KmeansInit {
  random,  // different rows, drawn evenly
  kmeans_plus_plus,
  afk_mc2,
};

// What an iteration left behind.
struct KmeansIteration {
  double objective = 0;    // weighted sum of squared distances (spherical: of inner products)
  double seconds = 0;      // since the start of its run
  double imbalance = 1;    // k * sum of squared cell sizes / n^2: 1 when all are equal
  std::size_t splits = 0;  // empty cells that were filled again
};

// Called after each iteration with all that are done (of the present run) and the centroids so far. Returning false
// ends the run there, with what it has.
using KmeansIterationFn = std::function<bool(std::span<const KmeansIteration> done, MatrixView centroids)>;

struct KmeansOptions {
  std::size_t niter = 25;
  std::size_t nredo = 1;  // runs with other seeds; the one with the least objective stays
  std::uint64_t seed = 1234;
  KmeansInit init = KmeansInit::random;
  bool spherical = false;      // centroids are scaled to length 1 and rows go to the largest inner product
  bool int_centroids = false;  // rounded to whole numbers
  std::size_t min_points_per_centroid = 39;   // fewer draw a warning
  std::size_t max_points_per_centroid = 256;  // a sample of more is taken; 0: all rows
  std::span<const float> weights = {};        // one per row; empty: all 1
  MatrixView initial = {};                    // k x dim centroids to start from; none: see init
  bool frozen = false;                        // the first initial.rows() centroids stay where they are
  double balance = 0;                         // no cell gets more than ceil(balance * n / k) rows; 0: any number
  double early_stop = 0;                      // ends when an iteration lowers the objective by less than this share
  KmeansIterationFn on_iteration = {};
  // To go on from where on_iteration last was: its centroids as `initial`, its iterations here; niter counts them.
  std::span<const KmeansIteration> done = {};
  // Nothing but centroids goes from one iteration to the next, so that a run that was cut anywhere and went on ends
  // with the same bits as one that was not. Up to half more time: sums are not kept.
  bool resumable = false;
  RunOptions run = {};
};

struct Kmeans {
  Matrix centroids;  // float32, k x dim
  std::vector<KmeansIteration> iterations;
  double objective = 0;
  std::vector<std::string> warnings;
};

// Lloyd's algorithm (Lloyd: "Least squares quantization in PCM", IEEE Trans. Inf. Theory 28, 1982): each row goes to
// the centroid that is nearest by the canonical distance, of equal ones to the first. Work is saved only where bounds
// prove that it changes nothing. The same centroids, bit for bit, for any number of threads.
//
// A cell that stays empty takes half of the one with the largest sum of squared distances. The run ends early when no
// row changes its cell. With `balance`, rows that find no room in the nearest cell go to another, in every iteration;
// balanced_assign() gives the cells for the final centroids. With a sample, no other rows are read, so a mapped file
// may be of any size. Error::invalid_argument unless 1 <= k <= n and all rows that are read are finite.
Kmeans kmeans(MatrixView rows, std::size_t k, const KmeansOptions& options = {});

// For k of 65,536 and more, where each iteration of kmeans() would compare every row with too many centroids: about
// sqrt(k) coarse cells first, then within each a k-means for its share of the centroids, in proportion to its rows.
// Exactly k centroids, those of a coarse cell next to each other; the objective is that within the coarse cells, and
// `iterations` stays empty. A call of its own, as its centroids are others than those of kmeans(). It takes no
// weights, initial, balance, done, on_iteration.
Kmeans kmeans_two_level(MatrixView rows, std::size_t k, const KmeansOptions& options = {});

// The best clustering of numbers, one run of neighbours for each cell.
struct Kmeans1d {
  std::vector<float> centroids;  // ascending
  std::vector<float> largest;    // value of each cell: x lies in the first cell whose largest is not below x
  double objective = 0;          // weighted sum of squared distances to the cells' means
};

// The least objective of all clusterings, found for any n in O(n log n) for each of some ten prices (kmeans_1d.cpp) and
// about 90 bytes a value, whatever k. Equal values share a cell, so fewer different values than k give as many
// centroids as there are values; those of weight 0 count for nothing. Error::invalid_argument for no values, k = 0, and
// NaN or Inf.
Kmeans1d kmeans_1d(std::span<const float> values, std::size_t k, std::span<const float> weights = {},
                   const RunOptions& options = {});

// The nearest centroid of each row by its float64 distance (the first of equal ones), and the squared distance;
// `distances` may be empty. Error::invalid_argument for rows with NaN or Inf, which names the first.
void assign_to_nearest(MatrixView rows, MatrixView centroids, std::span<std::uint32_t> numbers,
                       std::span<float> distances = {}, const RunOptions& options = {});

// The same, but no centroid gets more than ceil(balance * n / k) rows, balance >= 1: of cells too full, the rows that
// lose least go to the nearest centroid with room. Good, not the least sum of distances. The same for any number of
// threads.
void balanced_assign(MatrixView rows, MatrixView centroids, double balance, std::span<std::uint32_t> numbers,
                     const RunOptions& options = {});

}  // namespace knear
