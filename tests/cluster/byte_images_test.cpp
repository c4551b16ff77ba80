#include "cluster/byte_images.h"

#include <gtest/gtest.h>

#include <cmath>
#include <set>

#include "kernels/dispatch.h"
#include "support/hard_rows.h"

namespace knear {
namespace {

constexpr std::size_t kDim = 48;

Images images_of(std::vector<float> values) {
  const std::size_t count = values.size() / kDim;
  return {kDim, std::move(values), std::vector<float>(count)};
}

double distance(const float* a, const float* b) {
  double square = 0;
  for (std::size_t j = 0; j < kDim; ++j) {
    const double difference = static_cast<double>(a[j]) - static_cast<double>(b[j]);
    square += difference * difference;
  }
  return std::sqrt(square);
}

// Which of the packed the tile finds for a row.
std::set<std::uint32_t> found(const ByteImages& bytes, std::size_t row, double apart,
                              const ByteImages::Packed& packed) {
  const std::size_t width = kernels::table().tile_queries;
  std::vector<Byte> shadow(bytes.stride());
  bytes.put(row, apart, shadow.data());
  std::vector<kernels::ShadowHit> hits(kernels::kTileRows * width);
  Matrix scratch(DType::f32, kernels::kTileRows, width);
  std::set<std::uint32_t> numbers;
  for (std::size_t first = 0; first < packed.numbers.size(); first += width) {
    const std::size_t count = std::min(width, packed.numbers.size() - first);
    const kernels::ShadowJob job{shadow.data(),
                                 bytes.stride(),
                                 1,
                                 kDim,
                                 nullptr,
                                 count,
                                 packed.panels.group(first / width),
                                 packed.weights.data() + first,
                                 packed.errors.data() + first,
                                 packed.limits.data() + first,
                                 reinterpret_cast<std::int32_t*>(scratch.floats()),
                                 hits.data()};
    const std::size_t some = kernels::table().shadow_tile(&job);
    for (std::size_t h = 0; h < some; ++h) {
      if (hits[h].query < count) numbers.insert(packed.numbers[first + hits[h].query]);
    }
  }
  return numbers;
}

// Every centroid as near as it is said, on the spot.
TEST(ByteImages, FindAllThatAreNear) {
  for (int kind = 0; kind < kHardKinds; ++kind) {
    const Images rows = images_of(hard_rows(kind, 60, kDim, 1));
    const Images centroids = images_of(hard_rows(kind, 50, kDim, 2));
    const ByteImages bytes(rows, {});
    std::vector<std::uint32_t> numbers;
    for (std::uint32_t c = 0; c < 50; c += 1 + c % 3) numbers.push_back(c);
    const ByteImages::Packed packed = bytes.pack(centroids, numbers);
    for (std::size_t r = 0; r < 60; ++r) {
      for (const std::uint32_t c : numbers) {
        const double apart = distance(rows.image(r), centroids.image(c));
        ASSERT_TRUE(found(bytes, r, apart * (1 + 1e-12), packed).contains(c)) << kind << ' ' << r << ' ' << c;
      }
    }
  }
}

TEST(ByteImages, LeaveOutMostThatAreFarther) {
  const Images rows = images_of(hard_rows(0, 100, kDim, 1));
  const Images centroids = images_of(hard_rows(0, 100, kDim, 2));
  const ByteImages bytes(rows, {});
  std::vector<std::uint32_t> numbers;
  for (std::uint32_t c = 0; c < 100; ++c) numbers.push_back(c);
  const ByteImages::Packed packed = bytes.pack(centroids, numbers);
  std::size_t near = 0;
  std::size_t seen = 0;
  for (std::size_t r = 0; r < 100; ++r) {
    const double apart = distance(rows.image(r), centroids.image(r));
    for (std::uint32_t c = 0; c < 100; ++c) near += distance(rows.image(r), centroids.image(c)) <= 1.1 * apart;
    seen += found(bytes, r, apart, packed).size();
  }
  EXPECT_LT(seen, near);
}

TEST(ByteImages, RowsWithInfinityAreFoundWithEverything) {
  std::vector<float> values = hard_rows(0, 20, kDim, 1);
  values[5 * kDim] = INFINITY;
  const ByteImages bytes(images_of(values), {});
  const ByteImages::Packed packed = bytes.pack(images_of(hard_rows(0, 3, kDim, 2)), {0, 1, 2});
  EXPECT_EQ(found(bytes, 5, 0, packed).size(), 3u);
}

}  // namespace
}  // namespace knear
