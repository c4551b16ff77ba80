// The nearest centroid of each training row, iteration after iteration.
#pragma once

#include <atomic>
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
//   where it is (Hamerly: "Making k-means even faster", SDM 2010).
// - Of the others, only centroids that have moved far enough to have come nearer than the row's own are looked at.
// - Images rule out most of these (image_search.h).
class NearestCells {
 public:
  // How many times will assign be called?
  enum class Calls { one, many };
  NearestCells(const TrainingRows& rows, Nearness nearness, std::uint64_t seed, Calls calls = Calls::many);

  // Rows per cell number go to `cells`. Returns how many rows have moved.
  std::size_t assign(const Matrix& centroids, std::span<std::uint32_t> cells, const RunOptions& run,
                     ProgressMeter& meter);

 private:
  void prepare(const Matrix& centroids, const RunOptions& run);
  void try_images(const Matrix& centroids, const RunOptions& run);
  void measure_moves(const Matrix& centroids, const RunOptions& run);
  void part_movers();
  void search_whole(std::size_t first, std::size_t count);
  void search_images(std::size_t task, std::size_t first, std::size_t count);
  std::size_t centroids_to_look_at(std::uint32_t row);

  const TrainingRows& rows_;
  Nearness nearness_;
  std::uint64_t seed_;
  Calls calls_;
  std::size_t iteration_ = 0;
  std::vector<Place> places_;
  std::vector<float> before_;         // centroids of the last iteration
  std::vector<float> moves_;          // how far each has moved since
  std::vector<std::uint32_t> order_;  // centroids that moved farthest first
  std::vector<float> in_order_;       // their moves
  // Whole search: of all but the few that moved farthest, at most; are there such few?
  float slow_move_ = 0;
  bool has_fast_ = false;
  // Search by images: is it cheaper to look for lower bounds, which spare looking later? Two groups of rows tell.
  bool margins_pay_ = false;
  std::atomic<std::size_t> costs_[2] = {};
  std::optional<ImageSearch> images_;
  std::optional<WholeSearch> whole_;
};

}  // namespace knear
