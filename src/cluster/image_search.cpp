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
constexpr std::size_t kUnit = 16;  // dimensions of images are multiples of
constexpr std::size_t kMostImageDim = 64;
constexpr std::size_t kLeastDim = 48;  // of rows that are worth images
constexpr std::size_t kLeastCentroids = 32;
constexpr float kMostMargin = 0.25f;  // of a row's distance to its centroid
// What is counted as work, in operations of vectors of float32: of the tile one with bytes, and a pair that passes it,
// and one whose rows are compared.
constexpr double kPerByte = 0.45;
constexpr double kPerPair = 20;
constexpr double kPerNearPair = 40;
constexpr std::size_t kAtOnce = 4;  // rows that l2_picked takes side by side

}  // namespace

// A centroid that may be as near to a row as its own.
struct ImageSearch::Pair {
  std::uint32_t row;  // in the block
  std::uint32_t centroid;
  float lower;  // bound of the distance
};

// How far a row has to look.
struct ImageSearch::Reach {
  std::uint32_t cell;
  float upper;
  float lower;   // all centroids that are left out are at least so far
  double apart;  // all whose images are farther than this are left out
};

// Of one block of rows.
struct ImageSearch::Work {
  std::vector<Byte> bytes;
  std::vector<Reach> reaches;
  std::vector<Pair> pairs;
  std::vector<Pair> by_row;
  std::vector<std::uint32_t> starts;
  std::vector<kernels::ShadowHit> hits;
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

ImageSearch::ImageSearch(const TrainingRows& rows, std::uint64_t seed)
    : rows_(rows),
      seed_(seed),
      all_directions_(rows, std::min(kMostImageDim, rows.dim() / 2 / kUnit * kUnit) - 1, seed),
      error_(sum_error(rows.dim()) + 0x1p-22),
      tiny_(tiny_error(rows.dim())) {}

void ImageSearch::make_images(std::size_t directions, const RunOptions& run) {
  projection_.emplace(all_directions_.shortened(directions).mixed(seed_));
  const std::size_t dim = projection_->image_dim();
  images_ = {dim, std::vector<float>(rows_.count() * dim), std::vector<float>(rows_.count())};
  parallel_for((rows_.count() + kTaskRows - 1) / kTaskRows, run, [&](std::size_t task, std::size_t) {
    const std::size_t first = task * kTaskRows;
    projection_->project(rows_.rows(first, std::min(kTaskRows, rows_.count() - first)), first, images_);
  });
  bytes_.emplace(images_, run);
}

void ImageSearch::use(const Matrix& centroids, std::span<const std::uint32_t> order) {
  order_.assign(order.begin(), order.end());
  settler_.emplace(centroids, Nearness::distance);
  if (bytes_) project_centroids();
}

void ImageSearch::project_centroids() {
  centroid_images_ = images_of_centroids(*projection_);
  largest_error_ = *std::max_element(centroid_images_.errors.begin(), centroid_images_.errors.end());
  packed_ = bytes_->pack(centroid_images_, order_);
}

Images ImageSearch::images_of_centroids(const Projection& projection) const {
  const std::size_t k = settler_->count();
  const std::size_t dim = projection.image_dim();
  Images images{dim, std::vector<float>(k * dim), std::vector<float>(k)};
  projection.project({settler_->centroid(0), k, rows_.dim()}, 0, images);
  return images;
}

void ImageSearch::guess(std::span<Place> places, const RunOptions& run) const {
  const Projection projection = all_directions_.shortened(kUnit - 1);
  const Images centroids = images_of_centroids(projection);
  const Panels panels = Panels::for_nearest({centroids.values.data(), settler_->count(), kUnit}, kUnit);
  parallel_for((places.size() + kTaskRows - 1) / kTaskRows, run, [&](std::size_t task, std::size_t) {
    std::uint32_t numbers[kTaskRows];
    float values[kTaskRows];
    const std::size_t first = task * kTaskRows;
    const std::size_t count = std::min(kTaskRows, places.size() - first);
    Images images{kUnit, std::vector<float>(count * kUnit), std::vector<float>(count)};
    projection.project(rows_.rows(first, count), 0, images);
    panels.nearest({images.values.data(), count, kUnit}, numbers, values);
    for (std::size_t i = 0; i < count; ++i) places[first + i].cell = numbers[i];
  });
}

float ImageSearch::distance(std::uint32_t row, std::uint32_t cell) const {
  return distance_above(squared_distance(row, cell));
}

float ImageSearch::squared_distance(std::uint32_t row, std::uint32_t cell) const {
  const float* centroid = settler_->centroid(cell);
  float square = 0;
  kernels::table().l2_picked(rows_.row(row), &centroid, 1, rows_.dim(), &square);
  return square;
}

// Images farther apart than the distance to look at and both errors are left out.
ImageSearch::Reach ImageSearch::reach(const Look& look, const Place& place, float margin) const {
  const float most = (1 + kMostMargin) * place.upper;
  const float distance = look.centroids < order_.size() ? std::clamp(place.lower, place.upper, most)
                                                        : std::min(place.upper + margin, most);
  const double apart = static_cast<double>(distance) + static_cast<double>(images_.errors[look.row]) +
                       static_cast<double>(largest_error_);
  const float lower = look.centroids < order_.size() ? std::min(place.lower, distance) : distance;
  return {place.cell, place.upper, lower, apart * (1 + 1e-9)};
}

// In order of the rows.
void ImageSearch::find_pairs(std::size_t rows, std::size_t centroids, Work& work) const {
  const std::size_t width = kernels::table().tile_queries;
  work.pairs.clear();
  for (std::size_t first = 0; first < centroids; first += width) {
    const auto numbers = std::span(order_).subspan(first, std::min(width, order_.size() - first));
    const kernels::ShadowJob job{work.bytes.data(),
                                 bytes_->stride(),
                                 rows,
                                 images_.dim,
                                 nullptr,
                                 numbers.size(),
                                 packed_.panels.group(first / width),
                                 packed_.weights.data() + first,
                                 packed_.errors.data() + first,
                                 packed_.limits.data() + first,
                                 reinterpret_cast<std::int32_t*>(work.scratch.floats()),
                                 work.hits.data()};
    const std::size_t hits = kernels::table().shadow_tile(&job);
    for (const kernels::ShadowHit& hit : std::span(work.hits).first(hits)) {
      if (hit.query < numbers.size() && numbers[hit.query] != work.reaches[hit.row].cell)
        work.pairs.push_back({hit.row, numbers[hit.query], 0});
    }
  }
  work.starts.assign(rows + 2, 0);
  for (const Pair& pair : work.pairs) ++work.starts[pair.row + 2];
  for (std::size_t r = 2; r < work.starts.size(); ++r) work.starts[r] += work.starts[r - 1];
  work.by_row.resize(work.pairs.size());
  for (const Pair& pair : work.pairs) work.by_row[work.starts[pair.row + 1]++] = pair;
}

std::size_t ImageSearch::search(std::span<const Look> looks, float margin, std::span<Place> places) const {
  Work work;
  const std::size_t width = kernels::table().tile_queries;
  work.hits.resize(kernels::kTileRows * width);
  work.scratch = Matrix(DType::f32, kernels::kTileRows, width);
  work.bytes.resize(kernels::kTileRows * bytes_->stride());
  double cost = 0;
  for (std::size_t first = 0; first < looks.size(); first += kernels::kTileRows) {
    const auto part = looks.subspan(first, std::min(kernels::kTileRows, looks.size() - first));
    work.reaches.clear();
    for (std::size_t i = 0; i < part.size(); ++i) {
      work.reaches.push_back(reach(part[i], places[part[i].row], margin));
      bytes_->put(part[i].row, work.reaches.back().apart, work.bytes.data() + i * bytes_->stride());
    }
    find_pairs(part.size(), part[0].centroids, work);
    for (std::size_t i = 0; i < part.size(); ++i) {
      const auto pairs = std::span(work.by_row).subspan(work.starts[i], work.starts[i + 1] - work.starts[i]);
      places[part[i].row] = place(part[i].row, work.reaches[i], pairs, work);
    }
    cost += kPerByte * static_cast<double>(part.size() * part[0].centroids * images_.dim) / static_cast<double>(width);
    cost += kPerPair * static_cast<double>(work.pairs.size());
  }
  return static_cast<std::size_t>(cost);
}

// Lower bounds by the images in float32.
void ImageSearch::measure(std::uint32_t row, std::span<Pair> pairs) const {
  const double errors = (static_cast<double>(images_.errors[row]) + static_cast<double>(largest_error_)) * (1 + 1e-9);
  const double share = 1 - sum_error(images_.dim) - 0x1p-22;
  const double tiny = tiny_error(images_.dim);
  for (std::size_t first = 0; first < pairs.size(); first += kAtOnce) {
    const auto some = pairs.subspan(first, std::min(kAtOnce, pairs.size() - first));
    const float* picked[kAtOnce];
    float squares[kAtOnce];
    for (std::size_t i = 0; i < some.size(); ++i) picked[i] = centroid_images_.image(some[i].centroid);
    kernels::table().l2_picked(images_.image(row), picked, some.size(), images_.dim, squares);
    for (std::size_t i = 0; i < some.size(); ++i)
      some[i].lower = well_below(std::sqrt(std::max(0.0, static_cast<double>(squares[i]) * share - tiny)) - errors);
  }
}

Place ImageSearch::place(std::uint32_t row, const Reach& reach, std::span<Pair> pairs, Work& work) const {
  Place found{reach.cell, reach.upper, reach.lower};
  measure(row, pairs);
  std::size_t near = 0;
  for (Pair& pair : pairs) {
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
  return place;
}

float ImageSearch::distance_above(float square) const {
  return well_above(std::sqrt(static_cast<double>(square) * (1 + error_) + tiny_));
}

float ImageSearch::distance_below(float square) const {
  return well_below(std::sqrt(std::max(0.0, static_cast<double>(square) * (1 - error_) - tiny_)));
}

// What a row costs, in vector operations: all images, and the pairs that are left, in float32 images and in full
// length.
bool ImageSearch::tune(std::span<const Place> places, const RunOptions& run) {
  const std::size_t k = settler_->count();
  const auto lanes = static_cast<double>(kernels::table().tile_queries);
  const double whole = static_cast<double>(k * rows_.dim()) / lanes;
  const Images centroids = images_of_centroids(all_directions_);
  double least = 0.8 * whole;
  std::size_t best = 0;
  for (std::size_t dim = kUnit; dim <= centroids.dim; dim += kUnit) {
    const double pairs = pairs_left(places, centroids, dim - 1);
    const double cost = kPerByte * static_cast<double>(k * dim) / lanes +
                        pairs * (2 * static_cast<double>(rows_.dim()) / lanes + kPerNearPair);
    if (cost >= least) continue;
    least = cost;
    best = dim;
  }
  if (best == 0) return false;
  if (best != images_.dim) {
    make_images(best - 1, run);
    project_centroids();
  }
  return true;
}

// Per row of a sample, how many centroids' images of so many directions are as near as the row's own centroid.
double ImageSearch::pairs_left(std::span<const Place> places, Images centroids, std::size_t directions) const {
  const std::size_t k = settler_->count();
  const std::size_t sample = std::min(rows_.count(), std::clamp<std::size_t>((std::size_t{1} << 16) / k, 16, 256));
  centroids.shorten(directions);
  std::size_t left = 0;
  for (std::size_t i = 0; i < sample; ++i) {
    const std::size_t row = i * rows_.count() / sample;
    Images image{all_directions_.image_dim(), std::vector<float>(all_directions_.image_dim()), {0}};
    all_directions_.project(rows_.rows(row, 1), 0, image);
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
