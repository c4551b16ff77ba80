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
  // Packs a few of the centroids apart, for Among::few.
  void single_out(std::span<const std::uint32_t> centroids);
  // Finds the places of rows that have a cell, among all centroids, or among the few where the lower bounds hold for
  // the others. Lower bounds are not looked for farther than `margin` behind the nearest.
  enum class Among { all, few };
  void search(std::span<const std::uint32_t> rows, Among among, float margin, std::span<Place> places) const;

 private:
  struct Pair;
  struct Reach;
  struct Work;
  // Images of centroids, negated, as the tile takes them.
  struct Packed {
    std::vector<std::uint32_t> numbers;
    Matrix panels;
    std::vector<float> limits;
  };

  Reach reach(std::uint32_t row, Place& place, float margin) const;
  void find_pairs(std::size_t rows, const Packed& packed, Work& work) const;
  void take_hits(std::span<const std::uint32_t> numbers, std::size_t hits, Work& work) const;
  Place place(std::uint32_t row, const Reach& reach, std::span<Pair> pairs, Work& work) const;
  Place look_closer(std::uint32_t row, Place place, std::span<Pair> pairs, Work& work) const;
  void compare(std::uint32_t row, std::span<const std::uint32_t> cells, Work& work) const;
  Place nearest_of(std::uint32_t row, Place place, Work& work) const;
  float squared_distance(std::uint32_t row, std::uint32_t cell) const;
  float distance_above(float square) const;
  float distance_below(float square) const;
  double pairs_left(std::span<const Place> places, std::size_t directions) const;
  void measure_centroids();
  Packed packed(std::vector<std::uint32_t> numbers) const;

  const TrainingRows& rows_;
  Projection projection_;
  Images images_;
  std::vector<double> squares_;  // of the images' lengths

  std::optional<Settler> settler_;
  Images centroid_images_;
  Packed all_;
  Packed few_;
  std::vector<float> halves_;  // of their squared lengths
  std::vector<float> ones_;
  double longest_ = 0;  // image of a centroid
  double largest_error_ = 0;
  double error_ = 0;  // of a float32 squared distance of rows, relative
  double tiny_ = 0;
};

}  // namespace knear
