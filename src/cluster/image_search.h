// Rows against centroids by way of their images: only pairs whose images are as near as the row and its own centroid
// are looked at in full length. Images in bytes rule out most of the others, images in float32 the rest.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "cluster/byte_images.h"
#include "cluster/projection.h"
#include "cluster/settle.h"
#include "cluster/training_rows.h"
#include "knear/parallel.h"

namespace knear {

class ImageSearch {
 public:
  ImageSearch(const TrainingRows& rows, std::uint64_t seed);
  // Is it likely to be worth its while?
  static bool suits(const TrainingRows& rows, std::size_t k);

  // Centroids stay where they are until the next call. They are looked at in an order, by their numbers.
  void use(const Matrix& centroids, std::span<const std::uint32_t> order);
  // Cells for rows that have none, by short images alone.
  void guess(std::span<Place> places, const RunOptions& run) const;
  // Makes the images of all rows, as short as is cheapest for a sample of the rows, which have cells. False when the
  // search would cost as much as a whole one.
  bool tune(std::span<const Place> places, const RunOptions& run);
  // A row that has a cell, and how many centroids, of the first in order, it has to be compared with.
  struct Look {
    std::uint32_t row;
    std::uint32_t centroids;
  };
  // Finds places; looks come in descending order of their centroids. Where these are not all, `lower` holds for the
  // others; else lower bounds are not looked for farther than `margin` behind the nearest. Returns what it has cost, in
  // vector operations.
  std::size_t search(std::span<const Look> looks, float margin, std::span<Place> places) const;
  // An upper bound of a row's distance to a centroid, as near as float32 has it.
  float distance(std::uint32_t row, std::uint32_t cell) const;

 private:
  struct Pair;
  struct Reach;
  struct Work;
  Reach reach(const Look& look, const Place& place, float margin) const;
  void make_images(std::size_t directions, const RunOptions& run);
  void project_centroids();
  void find_pairs(std::size_t rows, std::size_t centroids, Work& work) const;
  void measure(std::uint32_t row, std::span<Pair> pairs) const;
  Place place(std::uint32_t row, const Reach& reach, std::span<Pair> pairs, Work& work) const;
  Place look_closer(std::uint32_t row, Place place, std::span<Pair> pairs, Work& work) const;
  void compare(std::uint32_t row, std::span<const std::uint32_t> cells, Work& work) const;
  Place nearest_of(std::uint32_t row, Place place, Work& work) const;
  float squared_distance(std::uint32_t row, std::uint32_t cell) const;
  float distance_above(float square) const;
  float distance_below(float square) const;
  double pairs_left(std::span<const Place> places, Images centroids, std::size_t directions) const;
  Images images_of_centroids(const Projection& projection) const;

  const TrainingRows& rows_;
  std::uint64_t seed_;
  Projection all_directions_;
  std::optional<Projection> projection_;
  Images images_;
  std::optional<ByteImages> bytes_;

  std::optional<Settler> settler_;
  Images centroid_images_;
  std::vector<std::uint32_t> order_;
  ByteImages::Packed packed_;
  float largest_error_ = 0;  // of a centroid's image
  double error_ = 0;         // of a float32 squared distance of rows, relative
  double tiny_ = 0;
};

}  // namespace knear
