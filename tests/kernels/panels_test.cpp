#include <algorithm>

#include "kernels_test.h"

namespace knear::kernels {
namespace {

// Rows and packed vectors with the calls and their slow, obvious counterpart.
class PanelCase {
 public:
  PanelCase(const Table& table, std::size_t rows, std::size_t dim, std::size_t vectors, unsigned seed)
      : table_(table),
        width_(table.tile_queries),
        count_(rows),
        dim_(dim),
        vectors_(vectors),
        stride_(dim + seed % 3),
        rows_(normal_floats(rows * stride_ + 1, seed)),
        bias_(groups() * width_, kInf),
        panels_(groups() * width_ * dim) {
    const std::vector<float> values = normal_floats(vectors * dim, seed + 1);
    const std::vector<float> bias = normal_floats(vectors, seed + 2);
    std::copy(bias.begin(), bias.end(), bias_.begin());
    for (std::size_t c = 0; c < vectors; ++c) {
      for (std::size_t j = 0; j < dim; ++j) element(c, j) = values[c * dim + j];
    }
  }

  std::size_t groups() const { return (vectors_ + width_ - 1) / width_; }
  float& row(std::size_t r, std::size_t j) { return rows_[r * stride_ + j]; }
  float& bias(std::size_t c) { return bias_[c]; }
  float& element(std::size_t c, std::size_t j) { return panels_[(c / width_ * dim_ + j) * width_ + c % width_]; }

  struct Found {
    std::vector<float> values;
    std::vector<float> seconds;
    std::vector<std::uint32_t> indices;
  };
  Found nearest(bool with_seconds) {
    Found found{std::vector<float>(count_), std::vector<float>(count_), std::vector<std::uint32_t>(count_)};
    AlignedFloats best(kTileRows * width_);
    AlignedFloats where(kTileRows * width_);
    AlignedFloats second(kTileRows * width_);
    AlignedFloats scratch(kTileRows * width_);
    const NearestJob job{rows_.data(),
                         stride_,
                         count_,
                         dim_,
                         panels_.data(),
                         bias_.data(),
                         groups(),
                         found.values.data(),
                         found.indices.data(),
                         with_seconds ? found.seconds.data() : nullptr,
                         best.data(),
                         where.data(),
                         with_seconds ? second.data() : nullptr,
                         scratch.data()};
    table_.nearest(&job);
    return found;
  }

  // The other way round, `at_once` rows a call.
  Found nearest_in_lanes(bool with_seconds, std::size_t at_once) {
    Found found{std::vector<float>(count_), std::vector<float>(count_), std::vector<std::uint32_t>(count_)};
    std::vector<float> vectors;
    for (std::size_t c = 0; c < vectors_; ++c) {
      for (std::size_t j = 0; j < dim_; ++j) vectors.push_back(element(c, j));
    }
    AlignedFloats scratch(dim_ * width_);
    for (std::size_t first = 0; first < count_; first += at_once) {
      const NearestInLanesJob job{rows_.data() + first * stride_,
                                  stride_,
                                  std::min(at_once, count_ - first),
                                  dim_,
                                  vectors.data(),
                                  bias_.data(),
                                  vectors_,
                                  found.values.data() + first,
                                  found.indices.data() + first,
                                  with_seconds ? found.seconds.data() + first : nullptr,
                                  scratch.data()};
      table_.nearest_in_lanes(&job);
    }
    return found;
  }

  // With a guard behind each row.
  std::vector<float> products() {
    std::vector<float> out(count_ * (vectors_ + 1), kGuard);
    AlignedFloats scratch(kTileRows * width_);
    const ProductsJob job{rows_.data(), stride_,  count_,     dim_,         panels_.data(),
                          bias_.data(), vectors_, out.data(), vectors_ + 1, scratch.data()};
    table_.products(&job);
    return out;
  }

  double value(std::size_t r, std::size_t c, double& error) {
    double dot = 0;
    double magnitudes = 0;
    for (std::size_t j = 0; j < dim_; ++j) {
      const double term = double{row(r, j)} * element(c, j);
      dot += term;
      magnitudes += std::fabs(term);
    }
    error = rounding_bound(dim_, magnitudes) + 0x1p-23 * (std::fabs(bias(c)) + std::fabs(dot));
    return bias(c) + dot;
  }

  void check_products() {
    const std::vector<float> out = products();
    for (std::size_t r = 0; r < count_; ++r) {
      for (std::size_t c = 0; c < vectors_; ++c) {
        double error = 0;
        const double expected = value(r, c, error);
        ASSERT_NEAR(out[r * (vectors_ + 1) + c], expected, error) << r << ", " << c;
      }
      EXPECT_EQ(out[r * (vectors_ + 1) + vectors_], kGuard);
    }
  }

  // The kernels agree with each other to the bit.
  void check_nearest() {
    const std::vector<float> all = products();
    for (const bool with_seconds : {false, true}) {
      const Found found = nearest(with_seconds);
      for (std::size_t r = 0; r < count_; ++r) {
        std::vector<std::pair<float, std::uint32_t>> order;
        for (std::uint32_t c = 0; c < vectors_; ++c) order.emplace_back(all[r * (vectors_ + 1) + c], c);
        std::sort(order.begin(), order.end());
        ASSERT_EQ(found.indices[r], order[0].second) << "row " << r;
        ASSERT_EQ(found.values[r], order[0].first);
        if (!with_seconds) continue;
        ASSERT_EQ(found.seconds[r], vectors_ > 1 ? order[1].first : kInf) << "row " << r;
      }
      for (const std::size_t at_once : {width_, width_ / 2 + 1}) {
        if (dim_ > kTileDepth) continue;
        const Found turned = nearest_in_lanes(with_seconds, at_once);
        EXPECT_EQ(turned.values, found.values);
        EXPECT_EQ(turned.indices, found.indices);
        if (with_seconds) {
          EXPECT_EQ(turned.seconds, found.seconds);
        }
      }
    }
  }

  static constexpr float kGuard = -7654321;

 private:
  const Table& table_;
  std::size_t width_;
  std::size_t count_;
  std::size_t dim_;
  std::size_t vectors_;
  std::size_t stride_;
  std::vector<float> rows_;
  std::vector<float> bias_;
  AlignedFloats panels_;
};

class Panels : public EachTable {};
INSTANTIATE_TEST_SUITE_P(Kernels, Panels, testing::ValuesIn(tables_under_test()), table_name);

TEST_P(Panels, ProductsAreTheSlowOnesForAnyDimension) {
  for (const std::size_t dim : dims_to_test()) {
    SCOPED_TRACE(dim);
    PanelCase(table(), 23, dim, 21, static_cast<unsigned>(dim)).check_products();
  }
}

TEST_P(Panels, ProductsAreTheSlowOnesForAnyNumberOfRowsAndVectors) {
  for (std::size_t n = 1; n <= 70; ++n) {
    PanelCase(table(), n, 9, 71 - n, static_cast<unsigned>(n)).check_products();
  }
}

TEST_P(Panels, NearestIsTheSmallestProductForAnyShape) {
  for (std::size_t n = 1; n <= 70; ++n)
    PanelCase(table(), n, n % 7 + 1, 71 - n, static_cast<unsigned>(n)).check_nearest();
  for (const std::size_t dim : {256u, 300u, 784u}) PanelCase(table(), 25, dim, 100, 3).check_nearest();
}

TEST_P(Panels, OfEqualVectorsTheFirstIsNearest) {
  const std::size_t vectors = 3 * table().tile_queries;
  PanelCase panels(table(), 11, 5, vectors, 4);
  for (std::size_t c = 0; c < vectors; ++c) {
    panels.bias(c) = panels.bias(c % 4 + 2);
    for (std::size_t j = 0; j < 5; ++j) panels.element(c, j) = panels.element(c % 4 + 2, j);
  }
  panels.check_nearest();
}

TEST_P(Panels, ARowOfNanHasIndexZero) {
  PanelCase panels(table(), 3, 5, 40, 4);
  panels.row(1, 2) = kNan;
  const auto found = panels.nearest(true);
  EXPECT_EQ(found.indices[1], 0u);
  EXPECT_EQ(found.values[1], kInf);
  const auto turned = panels.nearest_in_lanes(true, 3);
  EXPECT_EQ(turned.indices, found.indices);
  EXPECT_EQ(turned.values[1], kInf);
}

}  // namespace
}  // namespace knear::kernels
