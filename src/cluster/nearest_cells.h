// The nearest centroid of each training row, iteration after iteration.
#pragma once

#include <cstdint>
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
//   where it is (Hamerly: "Making k-means even faster", SDM 2010). The few centroids that move far do not take part:
//   every row looks at them anew.
// - Images rule out most centroids for the others (image_search.h).
class NearestCells {
 public:
  NearestCells(const TrainingRows& rows, Nearness nearness, std::uint64_t seed);

  // Rows per cell number go to `cells`. Returns how many rows have moved.
  std::size_t assign(const Matrix& centroids, std::span<std::uint32_t> cells, const RunOptions& run,
                     ProgressMeter& meter);

 private:
  void prepare(const Matrix& centroids, const RunOptions& run);
  void measure_moves(const Matrix& centroids, const RunOptions& run);
  void part_movers();
  void search(std::size_t first, std::size_t count);

  const TrainingRows& rows_;
  Nearness nearness_;
  std::uint64_t seed_;
  std::size_t iteration_ = 0;
  std::vector<Place> places_;
  std::vector<float> before_;  // centroids of the last iteration
  std::vector<float> moves_;   // how far each has moved since
  float slow_move_ = 0;        // of all but the few that moved farthest, at most
  bool has_fast_ = false;      // are there such
  std::optional<ImageSearch> images_;
  std::optional<WholeSearch> whole_;
};

}  // namespace knear
