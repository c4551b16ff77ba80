#include <gtest/gtest.h>

#include <cmath>
#include <numeric>
#include <set>

#include "codec/zn_sphere.h"
#include "core/rng.h"
#include "io/byte_fields.h"
#include "knear/knear.h"
#include "support/normals.h"

namespace knear {
namespace {

// Points of Z^dim with this squared length, by trying them all.
std::size_t plain_count(std::size_t dim, int r2) {
  if (dim == 0) return r2 == 0 ? 1 : 0;
  std::size_t count = 0;
  for (int value = -r2; value <= r2; ++value) {
    if (value * value <= r2) count += plain_count(dim - 1, r2 - value * value);
  }
  return count;
}

TEST(ZnSphere, NumbersEachPointOnce) {
  for (const auto& [dim, r2] : {std::pair{1, 9}, {2, 25}, {3, 9}, {4, 6}, {7, 4}}) {
    const ZnSphere sphere(static_cast<std::size_t>(dim), static_cast<std::size_t>(r2));
    ASSERT_EQ(sphere.count(), plain_count(static_cast<std::size_t>(dim), r2));
    std::set<std::vector<int>> seen;
    std::vector<int> point(static_cast<std::size_t>(dim));
    for (std::uint64_t number = 0; number < sphere.count(); ++number) {
      sphere.point_at(number, point);
      EXPECT_EQ(std::inner_product(point.begin(), point.end(), point.begin(), 0), r2);
      ASSERT_EQ(sphere.number_of(point), number);
      seen.insert(point);
    }
    EXPECT_EQ(seen.size(), sphere.count());
  }
}

TEST(ZnSphere, FindsTheNearestPoint) {
  const ZnSphere sphere(5, 6);
  Rng rng(1);
  std::vector<int> point(5), other(5);
  std::vector<float> x(5);
  for (int round = 0; round < 50; ++round) {
    for (float& value : x) value = static_cast<float>(rng.normal());
    const double found = sphere.nearest(x.data(), point);
    EXPECT_NEAR(std::inner_product(point.begin(), point.end(), x.begin(), 0.0), found, 1e-6);
    double best = 0;
    for (std::uint64_t number = 0; number < sphere.count(); ++number) {
      sphere.point_at(number, other);
      best = std::max(best, std::inner_product(other.begin(), other.end(), x.begin(), 0.0));
    }
    EXPECT_NEAR(found, best, 1e-6);
  }
}

TEST(ZnSphere, CountsUpTo64Bits) {
  const ZnSphere sphere(24, 79);  // the largest that fits
  EXPECT_GT(sphere.count(), std::uint64_t{15} << 60);
  Rng rng(1);
  std::vector<int> point(24);
  for (int round = 0; round < 200; ++round) {
    const std::uint64_t number = round == 0 ? sphere.count() - 1 : rng.below(sphere.count());
    sphere.point_at(number, point);
    EXPECT_EQ(std::inner_product(point.begin(), point.end(), point.begin(), 0), 79);
    ASSERT_EQ(sphere.number_of(point), number);
  }
  for (const auto& [dim, r2] :
       {std::pair{24, 80}, {24, 200}, {128, 79}, {65536, 1000}, {12, 1024}, {3, 7}, {4, 0}, {4, 1025}}) {
    EXPECT_THROW(ZnSphere(static_cast<std::size_t>(dim), static_cast<std::size_t>(r2)), Error) << dim << " " << r2;
  }
}

TEST(ZnLattice, MoreBitsMeanLessError) {
  const std::size_t dim = 24;
  const auto rows = normals(500 * dim, 2);
  double last = 1;
  for (const char* spec : {"ZnLattice1x4_6", "ZnLattice2x10_6", "ZnLattice4x30_8", "ZnLattice8x500_8"}) {
    auto index = index_factory(dim, spec);
    EXPECT_EQ(index->spec(), spec);
    index->train(MatrixView(rows, dim));
    const Matrix back = index->decode(index->encode(MatrixView(rows, dim)));
    double error = 0;
    for (std::size_t i = 0; i < rows.size(); ++i) error += std::pow(double{rows[i]} - back.floats()[i], 2);
    error /= static_cast<double>(rows.size());
    EXPECT_LT(error, 0.8 * last) << spec;
    last = error;
  }
}

TEST(ZnLattice, TakesZerosAndAnyCode) {
  auto index = index_factory(6, "ZnLattice2x5_3");
  const std::vector<float> rows = {0, 0, 0, 0, 0, 0, 1, -1, 2, 0, 0, 3};
  index->train(MatrixView(rows, 6));
  const Matrix back = index->decode(index->encode(MatrixView(rows, 6)));
  for (std::size_t j = 0; j < 6; ++j) EXPECT_EQ(back.floats()[j], 0);
  const std::vector<Byte> any(index->code_bytes(), 255);
  EXPECT_TRUE(std::isfinite(index->decode(any).floats()[5]));
}

TEST(ZnLattice, SaysWhatIsWrong) {
  for (const char* text : {"ZnLattice", "ZnLattice5x10_6", "ZnLattice0x10_6", "ZnLattice2x10", "ZnLattice2_6",
                           "ZnLattice2x10_0", "ZnLattice2x10_17", "ZnLattice1x0_4", "ZnLattice2x10_6z"}) {
    EXPECT_THROW(index_factory(24, text), Error) << text;
  }
  for (const auto& [offset, step] : {std::pair{-1.0f, 1.0f}, {0.0f, -1.0f}, {0.0f, 1e38f}, {2e38f, 0.0f}}) {
    ByteSink sink;
    sink.floats(std::vector<float>{offset, step});
    ByteSource source(sink.bytes(), "test");
    EXPECT_THROW(make_zn_codec(3, Metric::l2, {})->read(source), Error);
  }
}

}  // namespace
}  // namespace knear
