// Every row against every centroid.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "cluster/settle.h"
#include "cluster/training_rows.h"
#include "metric/panels.h"

namespace knear {

// A float32 pass decides wherever the second best is farther behind than it may be off; the other rows are settled by
// the canonical distance.
class WholeSearch {
 public:
  WholeSearch(const TrainingRows& rows, const Matrix& centroids, Nearness nearness);

  // Packs a few of the centroids apart, for search_few.
  void single_out(std::span<const std::uint32_t> centroids);
  // Finds the places of rows.
  void search(std::span<const std::uint32_t> rows, std::span<Place> places) const;
  // The same for rows whose lower bounds hold for all but the few: all centroids are looked at only where one of the
  // few may be nearer than a row's own.
  void search_few(std::span<const std::uint32_t> rows, std::span<Place> places) const;

 private:
  struct Nearest;
  template <class Take>
  void each_nearest(const Panels& panels, std::span<const std::uint32_t> rows, Take take) const;
  Place place(std::uint32_t row, const Nearest& nearest) const;
  double error(std::uint32_t row) const;

  const TrainingRows& rows_;
  Nearness nearness_;
  Settler settler_;
  Panels panels_;
  std::vector<std::uint32_t> few_;
  std::optional<Panels> few_panels_;
  double longest_;  // centroid's length
  double error_;
};

}  // namespace knear
