// The nearest centroid of each training row, iteration after iteration.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <vector>

#include "cluster/image_search.h"
#include "cluster/settle.h"
#include "cluster/training_rows.h"
#include "cluster/whole_search.h"
#include "core/parallel_for.h"

namespace knear {

// Every row goes to the centroid that is nearest by the canonical distance, of equal ones to the first; so the cells
// are the same on every machine, whatever work is saved on the way:
// - Bounds move along with the centroids; a row whose own centroid cannot be farther than the others can be near stays
//   where it is (Hamerly: "Making k-means even faster", SDM 2010).
// - Images rule out most centroids for the others (image_search.h).
class NearestCells {
 public:
  NearestCells(const TrainingRows& rows, Nearness nearness, std::uint64_t seed);

  // Rows per cell number go to `cells`. Returns how many rows have moved.
  std::size_t assign(const Matrix& centroids, std::span<std::uint32_t> cells, const RunOptions& run,
                     ProgressMeter& meter);

 private:
  // What a cell's rows may meet: the others within reach have moved by `move` at most since the last iteration, those
  // beyond are `beyond` away from the cell's centroid.
  struct Around {
    float move = 0;
    float beyond = std::numeric_limits<float>::infinity();
  };

  void prepare(const Matrix& centroids, const RunOptions& run);
  void measure_moves(const Matrix& centroids, const RunOptions& run);
  void look_around(const RunOptions& run);
  Around around(std::size_t cell, float reach, std::span<const std::uint32_t> order) const;
  std::vector<std::uint32_t> unsure(std::size_t first, std::size_t count);
  void search_whole(std::span<const std::uint32_t> rows);

  const TrainingRows& rows_;
  Nearness nearness_;
  std::uint64_t seed_;
  std::size_t iteration_ = 0;
  std::vector<Place> places_;
  std::vector<float> before_;  // centroids of the last iteration
  std::vector<float> moves_;   // how far each has moved since
  std::vector<Around> around_;
  std::vector<float> margins_;  // of each cell: how far behind the nearest to look for lower bounds
  std::optional<ImageSearch> images_;
  std::optional<WholeSearch> whole_;
};

}  // namespace knear
