// The centroids nearest to many queries, when their order does not matter: most are told by float32 sums, whose error
// is known, and only those at the border need the canonical distance.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "knear/codec.h"
#include "metric/panels.h"

namespace knear {

class NearestCentroids {
 public:
  // L2 or inner product; borrows the centroids, float32 and one after the other.
  NearestCentroids(MatrixView centroids, Metric metric);

  // cells[q * count …] = the `count` <= centroids nearest by the canonical distance, of equal ones the first, about in
  // that order. Queries are float32, one after the other, and finite.
  void find(MatrixView queries, std::size_t count, const RunOptions& run, Id* cells) const;

  // Is float32 good enough for these centroids?
  bool sound() const noexcept { return longest_ < 1e15; }

 private:
  struct Near {
    float value;
    std::uint32_t cell;
    bool operator<(const Near& other) const noexcept {
      return value < other.value || (value == other.value && cell < other.cell);
    }
  };
  struct Scratch {
    std::vector<float> least;
    std::vector<Near> near;
    std::vector<std::uint32_t> border;
  };

  void choose(const float* query, const float* values, std::size_t count, Scratch& scratch, Id* cells) const;
  float bound(const float* values, std::size_t count, std::vector<float>& least) const;
  double error_for(const float* query) const;
  void rank_border(const float* query, std::span<const std::uint32_t> border, std::size_t wanted, Id* cells) const;

  MatrixView centroids_;
  std::unique_ptr<Codec> codec_;  // whose distance decides
  double longest_ = 0;
  Panels panels_;
};

}  // namespace knear
