#include "cluster/image_search.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "cluster/rounding.h"
#include "core/parallel_for.h"
#include "kernels/dispatch.h"

namespace knear {
namespace {

constexpr std::size_t kTaskRows = 1024;
constexpr std::size_t kMostDirections = 63;
constexpr std::size_t kLeastDim = 48;  // of rows that are worth images
constexpr std::size_t kLeastCentroids = 32;
constexpr float kMostMargin = 0.25f;  // of a row's distance to its centroid
constexpr float kLoose = 1.02f;  // upper bounds may exceed what was measured that much before they are measured again
constexpr std::size_t kAtOnce = 4;  // rows that l2_picked takes side by side

double square_of(const float* x, std::size_t dim) {
  double sum = 0;
  for (std::size_t j = 0; j < dim; ++j) sum += static_cast<double>(x[j]) * static_cast<double>(x[j]);
  return sum;
}

}  // namespace

// A centroid that may be as near to a row as its own.
struct ImageSearch::Pair {
  std::uint32_t row;  // in the block
  std::uint32_t centroid;
  float dot;    // of the images, negated
  float lower;  // bound of the distance
};

// How far a row has to look.
struct ImageSearch::Reach {
  std::uint32_t cell;
  float upper;
  float measured;
  float lower;     // all centroids that are left out are at least so far
  float distance;  // all centroids farther than this are left out
  float limit;     // the same as the tile tests it
};

// Of one block of rows.
struct ImageSearch::Work {
  std::vector<float> images;
  std::vector<Reach> reaches;
  std::vector<float> biases;
  std::vector<Pair> pairs;
  std::vector<Pair> by_row;
  std::vector<std::uint32_t> starts;
  std::vector<kernels::TileHit> hits;
  Matrix scratch;
  // Centroids that a row was compared with in full length, with float32 squared distances.
  std::vector<std::uint32_t> cells;
  std::vector<float> squares;
  float least;
  std::vector<std::uint32_t> close;  // those of them that float32 cannot tell apart from the nearest
};

bool ImageSearch::suits(const TrainingRows& rows, std::size_t k) {
  return rows.dim() >= kLeastDim && k >= kLeastCentroids;
}

ImageSearch::ImageSearch(const TrainingRows& rows, std::uint64_t seed, const RunOptions& run)
    : rows_(rows),
      projection_(rows, std::min(kMostDirections, rows.dim() / 2), seed),
      squares_(rows.count()),
      error_(sum_error(rows.dim()) + 0x1p-22),
      tiny_(tiny_error(rows.dim())) {
  const std::size_t dim = projection_.image_dim();
  images_ = {dim, std::vector<float>(rows.count() * dim), std::vector<float>(rows.count())};
  parallel_for((rows.count() + kTaskRows - 1) / kTaskRows, run, [&](std::size_t task, std::size_t) {
    const std::size_t first = task * kTaskRows;
    const std::size_t count = std::min(kTaskRows, rows.count() - first);
    projection_.project(rows.rows(first, count), first, images_);
    for (std::size_t i = first; i < first + count; ++i) squares_[i] = square_of(images_.image(i), dim);
  });
}

void ImageSearch::use(const Matrix& centroids) {
  settler_.emplace(centroids, Nearness::distance);
  const std::size_t k = centroids.rows();
  const std::size_t dim = projection_.image_dim();
  centroid_images_ = {dim, std::vector<float>(k * dim), std::vector<float>(k)};
  projection_.project({centroids.floats(), k, centroids.dim()}, 0, centroid_images_);
  measure_centroids();
}

void ImageSearch::measure_centroids() {
  const std::size_t k = settler_->count();
  ones_.assign(kernels::table().tile_queries, 1.0f);
  halves_.resize(k);
  longest_ = largest_error_ = 0;
  for (std::size_t c = 0; c < k; ++c) {
    const double square = square_of(centroid_images_.image(c), centroid_images_.dim);
    halves_[c] = static_cast<float>(square / 2);
    longest_ = std::max(longest_, square);
    largest_error_ = std::max(largest_error_, static_cast<double>(centroid_images_.errors[c]));
  }
  longest_ = std::sqrt(longest_) * (1 + 1e-9);
  std::vector<std::uint32_t> numbers(k);
  std::iota(numbers.begin(), numbers.end(), 0u);
  all_ = packed(std::move(numbers));
}

void ImageSearch::single_out(std::span<const std::uint32_t> centroids) {
  few_ = packed({centroids.begin(), centroids.end()});
}

ImageSearch::Packed ImageSearch::packed(std::vector<std::uint32_t> numbers) const {
  const std::size_t width = kernels::table().tile_queries;
  const std::size_t dim = centroid_images_.dim;
  const std::size_t groups = (numbers.size() + width - 1) / width;
  Packed packed{std::move(numbers), Matrix(DType::f32, groups * dim, width), {}};
  std::fill_n(packed.panels.floats(), groups * dim * width, 0.0f);
  packed.limits.assign(groups * width, -std::numeric_limits<float>::infinity());
  for (std::size_t i = 0; i < packed.numbers.size(); ++i) {
    const float* image = centroid_images_.image(packed.numbers[i]);
    float* lane = packed.panels.floats() + i / width * dim * width + i % width;
    for (std::size_t j = 0; j < dim; ++j) lane[j * width] = -image[j];
    packed.limits[i] = -halves_[packed.numbers[i]];
  }
  return packed;
}

void ImageSearch::guess(std::span<Place> places, const RunOptions& run) const {
  const std::size_t dim = images_.dim;
  const Panels panels = Panels::for_nearest({centroid_images_.values.data(), centroid_images_.errors.size(), dim}, dim);
  parallel_for((places.size() + kTaskRows - 1) / kTaskRows, run, [&](std::size_t task, std::size_t) {
    std::uint32_t numbers[kTaskRows];
    float values[kTaskRows];
    const std::size_t first = task * kTaskRows;
    const std::size_t count = std::min(kTaskRows, places.size() - first);
    panels.nearest({images_.image(first), count, dim}, numbers, values);
    for (std::size_t i = 0; i < count; ++i) places[first + i].cell = numbers[i];
  });
}

float ImageSearch::squared_distance(std::uint32_t row, std::uint32_t cell) const {
  const float* centroid = settler_->centroid(cell);
  float square = 0;
  kernels::table().l2_picked(rows_.row(row), &centroid, 1, rows_.dim(), &square);
  return square;
}

// Images farther apart than `distance` and both errors are left out. The tile's value is half the square of that less
// half the row's, and off by a float32 sum's error.
ImageSearch::Reach ImageSearch::reach(std::uint32_t row, Place& place, float margin) const {
  if (!(place.upper <= kLoose * place.measured))
    place.upper = place.measured = distance_above(squared_distance(row, place.cell));
  const float upper = place.upper;
  const float distance = float_above(static_cast<double>(upper) + std::min(margin, kMostMargin * upper));
  const double apart = static_cast<double>(distance) + static_cast<double>(images_.errors[row]) + largest_error_;
  const double sizes = squares_[row] + longest_ * longest_ + apart * apart;
  const double error = (sum_error(images_.dim) + 0x1p-21) * sizes + tiny_error(images_.dim);
  return {place.cell,     upper,
          place.measured, std::min(distance, place.lower),
          distance,       float_above((apart * apart - squares_[row]) / 2 + error)};
}

void ImageSearch::find_pairs(std::size_t rows, const Packed& packed, Work& work) const {
  const std::size_t width = kernels::table().tile_queries;
  const std::size_t dim = images_.dim;
  const std::size_t groups = packed.limits.size() / width;
  work.pairs.clear();
  for (std::size_t group = 0; group < groups; ++group) {
    const kernels::TileJob job{work.images.data(),
                               dim,
                               rows,
                               dim,
                               nullptr,
                               width,
                               packed.panels.floats() + group * dim * width,
                               work.biases.data(),
                               ones_.data(),
                               packed.limits.data() + group * width,
                               work.scratch.floats(),
                               work.hits.data()};
    const auto numbers = std::span(packed.numbers).subspan(group * width);
    take_hits(numbers.first(std::min(width, numbers.size())), kernels::table().tile(&job), work);
  }
  // In order of the rows.
  work.starts.assign(rows + 2, 0);
  for (const Pair& pair : work.pairs) ++work.starts[pair.row + 2];
  for (std::size_t r = 2; r < work.starts.size(); ++r) work.starts[r] += work.starts[r - 1];
  work.by_row.resize(work.pairs.size());
  for (const Pair& pair : work.pairs) work.by_row[work.starts[pair.row + 1]++] = pair;
}

void ImageSearch::take_hits(std::span<const std::uint32_t> numbers, std::size_t hits, Work& work) const {
  for (std::size_t i = 0; i < hits; ++i) {
    const kernels::TileHit& hit = work.hits[i];
    if (hit.query >= numbers.size() || numbers[hit.query] == work.reaches[hit.row].cell) continue;
    work.pairs.push_back({hit.row, numbers[hit.query], hit.dot, 0});
  }
}

void ImageSearch::search(std::span<const std::uint32_t> rows, Among among, float margin,
                         std::span<Place> places) const {
  Work work;
  const std::size_t dim = images_.dim;
  const std::size_t width = kernels::table().tile_queries;
  work.hits.resize(kernels::kTileRows * width);
  work.scratch = Matrix(DType::f32, kernels::kTileRows, width);
  work.images.resize(kernels::kTileRows * dim);
  for (std::size_t first = 0; first < rows.size(); first += kernels::kTileRows) {
    const auto part = rows.subspan(first, std::min(kernels::kTileRows, rows.size() - first));
    work.reaches.clear();
    work.biases.clear();
    for (std::size_t i = 0; i < part.size(); ++i) {
      std::copy_n(images_.image(part[i]), dim, work.images.data() + i * dim);
      if (among == Among::all) places[part[i]].lower = std::numeric_limits<float>::infinity();
      work.reaches.push_back(reach(part[i], places[part[i]], margin));
      work.biases.push_back(-work.reaches.back().limit);
    }
    find_pairs(part.size(), among == Among::all ? all_ : few_, work);
    for (std::size_t i = 0; i < part.size(); ++i) {
      const auto pairs = std::span(work.by_row).subspan(work.starts[i], work.starts[i + 1] - work.starts[i]);
      places[part[i]] = place(part[i], work.reaches[i], pairs, work);
    }
  }
}

Place ImageSearch::place(std::uint32_t row, const Reach& reach, std::span<Pair> pairs, Work& work) const {
  Place found{reach.cell, reach.upper, reach.lower, reach.measured};
  const double half_error = (sum_error(images_.dim) + 0x1p-21) * (squares_[row] + longest_ * longest_);
  const double errors = static_cast<double>(images_.errors[row]) + largest_error_;
  std::size_t near = 0;
  for (Pair& pair : pairs) {
    const double half = static_cast<double>(pair.dot) + static_cast<double>(halves_[pair.centroid]) - half_error;
    pair.lower = float_below(std::sqrt(std::max(0.0, squares_[row] + 2 * half)) - errors);
    if (pair.lower > found.upper) {
      found.lower = std::min(found.lower, pair.lower);
    } else {
      std::swap(pairs[near++], pair);
    }
  }
  if (near == 0) return found;
  return look_closer(row, found, pairs.first(near), work);
}

// Nearest images first, until the rest is too far.
Place ImageSearch::look_closer(std::uint32_t row, Place place, std::span<Pair> pairs, Work& work) const {
  work.cells.clear();
  work.squares.clear();
  work.least = std::numeric_limits<float>::infinity();
  compare(row, {&place.cell, 1}, work);
  place.upper = distance_above(work.least);
  if (pairs.size() > 1) {
    std::sort(pairs.begin(), pairs.end(), [](const Pair& a, const Pair& b) { return a.lower < b.lower; });
  }
  for (std::size_t first = 0; first < pairs.size(); first += kAtOnce) {
    if (pairs[first].lower > place.upper) {
      place.lower = std::min(place.lower, pairs[first].lower);
      break;
    }
    const auto some = pairs.subspan(first, std::min(kAtOnce, pairs.size() - first));
    std::uint32_t cells[kAtOnce];
    for (std::size_t i = 0; i < some.size(); ++i) cells[i] = some[i].centroid;
    compare(row, {cells, some.size()}, work);
    place.upper = std::min(place.upper, distance_above(work.least));
  }
  return nearest_of(row, place, work);
}

void ImageSearch::compare(std::uint32_t row, std::span<const std::uint32_t> cells, Work& work) const {
  const float* picked[kAtOnce];
  float squares[kAtOnce];
  for (std::size_t i = 0; i < cells.size(); ++i) picked[i] = settler_->centroid(cells[i]);
  kernels::table().l2_picked(rows_.row(row), picked, cells.size(), rows_.dim(), squares);
  for (std::size_t i = 0; i < cells.size(); ++i) {
    work.cells.push_back(cells[i]);
    work.squares.push_back(squares[i]);
    if (!(squares[i] >= work.least)) work.least = squares[i];
  }
}

// What float32 cannot tell apart is settled.
Place ImageSearch::nearest_of(std::uint32_t row, Place place, Work& work) const {
  std::vector<std::uint32_t>& close = work.close;
  close.clear();
  for (std::size_t i = 0; i < work.cells.size(); ++i) {
    if (!(distance_below(work.squares[i]) > place.upper)) close.push_back(work.cells[i]);
  }
  std::sort(close.begin(), close.end());
  place.cell = close.size() == 1 ? close[0] : settler_->settle(rows_.row(row), close);
  for (std::size_t i = 0; i < work.cells.size(); ++i) {
    if (work.cells[i] != place.cell) place.lower = std::min(place.lower, distance_below(work.squares[i]));
  }
  place.measured = place.upper;
  return place;
}

float ImageSearch::distance_above(float square) const {
  return float_above(std::sqrt(static_cast<double>(square) * (1 + error_) + tiny_));
}

float ImageSearch::distance_below(float square) const {
  return float_below(std::sqrt(std::max(0.0, static_cast<double>(square) * (1 - error_) - tiny_)));
}

// What a row costs, in vector operations: all images, and the pairs that are left in full length.
bool ImageSearch::tune(std::span<const Place> places) {
  constexpr std::size_t kDirections[] = {7, 11, 15, 19, 23, 31, 39, 47, 63};
  constexpr double kPerPair = 40;
  const std::size_t k = settler_->count();
  const auto lanes = static_cast<double>(kernels::table().tile_queries);
  const double whole = static_cast<double>(k * rows_.dim()) / lanes;
  double least = 0.8 * whole;
  std::size_t best = 0;
  for (const std::size_t directions : kDirections) {
    if (directions >= images_.dim) break;
    const double pairs = pairs_left(places, directions);
    const double cost = 1.3 * static_cast<double>(k * (directions + 1)) / lanes +
                        pairs * (2 * static_cast<double>(rows_.dim()) / lanes + kPerPair);
    if (cost >= least) continue;
    least = cost;
    best = directions;
  }
  if (best == 0) return false;
  if (best + 1 == images_.dim) return true;
  projection_.shorten(best);
  images_.shorten(best);
  for (std::size_t i = 0; i < squares_.size(); ++i) squares_[i] = square_of(images_.image(i), images_.dim);
  centroid_images_.shorten(best);
  measure_centroids();
  return true;
}

// Per row of a sample, how many centroids' images of so many directions are as near as the row's own centroid.
double ImageSearch::pairs_left(std::span<const Place> places, std::size_t directions) const {
  const std::size_t k = settler_->count();
  const std::size_t sample = std::min(rows_.count(), std::clamp<std::size_t>((std::size_t{1} << 16) / k, 16, 256));
  Images centroids = centroid_images_;
  centroids.shorten(directions);
  std::size_t left = 0;
  for (std::size_t i = 0; i < sample; ++i) {
    const std::size_t row = i * rows_.count() / sample;
    Images image{images_.dim, {images_.image(row), images_.image(row) + images_.dim}, {0}};
    image.shorten(directions);
    const float upper = distance_above(squared_distance(static_cast<std::uint32_t>(row), places[row].cell));
    for (std::size_t c = 0; c < k; ++c) {
      float square = 0;
      for (std::size_t j = 0; j <= directions; ++j) {
        const float difference = image.values[j] - centroids.image(c)[j];
        square += difference * difference;
      }
      left += square <= upper * upper;
    }
  }
  return static_cast<double>(left) / static_cast<double>(sample);
}

}  // namespace knear
