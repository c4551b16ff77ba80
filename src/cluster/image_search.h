// Rows against centroids by way of their images: only pairs whose images are as near as the row and its own centroid
// are looked at in full length.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "cluster/projection.h"
#include "cluster/settle.h"
#include "cluster/training_rows.h"
#include "knear/parallel.h"

namespace knear {

class ImageSearch {
 public:
  // Makes the images of all rows.
  ImageSearch(const TrainingRows& rows, std::uint64_t seed, const RunOptions& run);
  // Is it likely to be worth its while?
  static bool suits(const TrainingRows& rows, std::size_t k);

  // Centroids stay where they are until the next call.
  void use(const Matrix& centroids);
  // Cells for rows that have none, by the images alone.
  void guess(std::span<Place> places, const RunOptions& run) const;
  // Shortens the images to what is cheapest for a sample of the rows, which have cells. False when the search costs as
  // much as a whole one.
  bool tune(std::span<const Place> places);
  // Finds the places of rows that have a cell. Lower bounds are not looked for farther behind the nearest than the
  // margin of the row's cell.
  void search(std::span<const std::uint32_t> rows, std::span<const float> margins, std::span<Place> places) const;
  // Two centroids are at least so far apart.
  float apart(std::size_t a, std::size_t b) const;

 private:
  struct Pair;
  struct Reach;
  struct Work;

  Reach reach(std::uint32_t row, Place& place, float margin) const;
  void find_pairs(std::span<const std::uint32_t> rows, Work& work) const;
  void take_hits(std::size_t group, std::size_t hits, Work& work) const;
  Place place(std::uint32_t row, const Reach& reach, std::span<Pair> pairs, Work& work) const;
  Place look_closer(std::uint32_t row, Place place, std::span<Pair> pairs, Work& work) const;
  void compare(std::uint32_t row, std::span<const std::uint32_t> cells, Work& work) const;
  Place nearest_of(std::uint32_t row, Place place, Work& work) const;
  float squared_distance(std::uint32_t row, std::uint32_t cell) const;
  float distance_above(float square) const;
  float distance_below(float square) const;
  double pairs_left(std::span<const Place> places, std::size_t directions) const;
  void pack();

  const TrainingRows& rows_;
  Projection projection_;
  Images images_;
  std::vector<double> squares_;  // of the images' lengths

  std::optional<Settler> settler_;
  Images centroid_images_;
  Matrix panels_;  // the centroids' images, negated, as the tile takes them
  std::vector<float> limits_;
  std::vector<float> ones_;
  double longest_ = 0;  // image of a centroid
  double largest_error_ = 0;
  double error_ = 0;  // of a float32 squared distance of rows, relative
  double tiny_ = 0;
};

}  // namespace knear
