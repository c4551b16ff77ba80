#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "codec/code_bits.h"
#include "codec/lookup_filter.h"
#include "codec/product_quantizer.h"
#include "codec/table_filter.h"
#include "core/expect_error.h"
#include "core/planes.h"
#include "core/rng.h"
#include "io/byte_fields.h"
#include "knear/knear.h"
#include "support/reference.h"

namespace knear {
namespace {

constexpr std::size_t kDim = 24;
constexpr std::size_t kRows = 2000;

Matrix normal_rows(std::size_t n, std::size_t dim, std::uint64_t seed, double scale = 1, double offset = 0) {
  Rng rng(seed);
  Matrix rows(DType::f32, n, dim);
  for (std::size_t i = 0; i < n * dim; ++i) rows.floats()[i] = static_cast<float>(offset + scale * rng.normal());
  return rows;
}

ProductQuantizer trained(MatrixView rows, std::size_t subs, std::size_t bits) {
  ProductQuantizer quantizer(rows.dim(), subs, bits);
  PqOptions options;
  options.niter = 4;
  quantizer.train(rows, options, {});
  return quantizer;
}

TEST(CodeBits, GiveBackTheNumbersForAnyWidth) {
  for (unsigned bits = 1; bits <= 16; ++bits) {
    Rng rng(bits);
    std::vector<std::uint32_t> numbers(37);
    for (std::uint32_t& number : numbers) number = static_cast<std::uint32_t>(rng.below(1u << bits));
    std::vector<Byte> code(bytes_for_bits(37 * bits) + 1, 0xee);
    BitWriter writer(code.data());
    for (const std::uint32_t number : numbers) writer.put(number, bits);
    writer.flush();
    EXPECT_EQ(code.back(), 0xee);
    BitReader reader(code.data());
    for (const std::uint32_t number : numbers) ASSERT_EQ(reader.next(bits), number) << bits;
  }
}

TEST(ProductQuantizer, KeepsTheNearestCentroidOfEachSubVector) {
  const Matrix rows = normal_rows(kRows, kDim, 1);
  for (const std::size_t bits : {1u, 3u, 4u, 7u, 8u, 9u}) {
    const ProductQuantizer quantizer = trained(rows, 6, bits);
    std::vector<Byte> codes(kRows * quantizer.code_bytes());
    quantizer.encode(rows, codes.data());
    Matrix decoded(DType::f32, kRows, kDim);
    quantizer.decode(codes.data(), kRows, decoded.floats());
    for (std::size_t s = 0; s < kRows * 6; ++s) {
      const float* x = rows.floats() + s * 4;
      const double kept = reference_distance(Metric::l2, x, decoded.floats() + s * 4, 4);
      for (std::size_t c = 0; c < quantizer.centroids(); ++c) {
        const float* centroid = quantizer.sub_centroids(s % 6) + c * 4;
        ASSERT_LE(kept, reference_distance(Metric::l2, x, centroid, 4) + 1e-5) << bits << " bits";
      }
    }
  }
}

TEST(ProductQuantizer, EncodesRowsOfAnyTypeAndStride) {
  const Matrix rows = normal_rows(500, kDim, 2, 20);
  const ProductQuantizer quantizer = trained(rows, 8, 5);
  std::vector<std::int8_t> small(500 * kDim);
  Matrix wide(DType::f32, 500, kDim + 3);
  Matrix plain(DType::f32, 500, kDim);
  for (std::size_t i = 0; i < 500 * kDim; ++i) {
    small[i] = static_cast<std::int8_t>(rows.floats()[i]);
    plain.floats()[i] = small[i];
    wide.floats()[i / kDim * (kDim + 3) + i % kDim] = small[i];
  }
  const auto codes_of = [&](MatrixView view) {
    std::vector<Byte> codes(500 * quantizer.code_bytes());
    quantizer.encode(view, codes.data());
    return codes;
  };
  const std::vector<Byte> expected = codes_of(plain);
  EXPECT_EQ(codes_of(MatrixView(small.data(), DType::i8, 500, kDim)), expected);
  EXPECT_EQ(codes_of(MatrixView(wide.data(), DType::f32, 500, kDim, (kDim + 3) * 4)), expected);
  std::vector<Byte> singly;
  for (std::size_t i = 0; i < 500; ++i) {
    std::vector<Byte> code(quantizer.code_bytes());
    quantizer.encode(MatrixView(plain).slice(i, 1), code.data());
    singly.insert(singly.end(), code.begin(), code.end());
  }
  EXPECT_EQ(singly, expected);
}

// Rows that were encoded, with what a filter says of them.
class FilterCase {
 public:
  FilterCase(std::size_t subs, std::size_t bits, Metric metric, double scale, double offset)
      : metric_(metric),
        rows_(normal_rows(kRows, kDim, 3, scale, offset)),
        queries_(normal_rows(9, kDim, 4, scale, offset)),
        quantizer_(trained(rows_, subs, bits)),
        codes_(kRows * quantizer_.code_bytes()),
        distances_(9 * kRows) {
    quantizer_.encode(rows_, codes_.data());
    quantizer_.decode(codes_.data(), kRows, rows_.floats());
    for (std::size_t q = 0; q < 9; ++q) {
      for (std::size_t i = 0; i < kRows; ++i) {
        const double distance =
            reference_distance(metric, queries_.floats() + q * kDim, rows_.floats() + i * kDim, kDim);
        distances_[q * kRows + i] = larger_is_closer(metric) ? -distance : distance;
      }
    }
  }

  template <class Filter>
  void check() {
    const bool planes = std::is_same_v<Filter, LookupFilter>;
    for (const std::size_t place : {0u, 1u, 20u, 500u, 1999u}) {
      for (const bool some : {false, true}) {
        if (some && !planes) continue;
        thresholds_.clear();
        for (std::size_t q = 0; q < 9; ++q) {
          std::vector<double> order(distances_.begin() + static_cast<std::ptrdiff_t>(q * kRows),
                                    distances_.begin() + static_cast<std::ptrdiff_t>((q + 1) * kRows));
          std::nth_element(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(place), order.end());
          thresholds_.push_back(order[place]);
        }
        allowed_.assign((kRows + 63) / 64, some ? 0xff00ff0000000001u : ~std::uint64_t{0});
        taken_.assign(9 * kRows, false);
        Filter filter(quantizer_, metric_.kind, queries_);
        filter.run(planes ? in_planes(some) : in_rows(), *this);
        for (std::size_t i = 0; i < 9 * kRows; ++i) {
          const bool wanted = distances_[i] <= thresholds_[i / kRows] && allows(i % kRows);
          ASSERT_TRUE(taken_[i] || !wanted) << "query " << i / kRows << ", row " << i % kRows << ", place " << place;
        }
      }
    }
  }

  // The share of all rows that pass when only the nearest are asked for.
  template <class Filter>
  double share_of_nearest() {
    thresholds_.clear();
    for (std::size_t q = 0; q < 9; ++q) {
      const auto first = distances_.begin() + static_cast<std::ptrdiff_t>(q * kRows);
      thresholds_.push_back(*std::min_element(first, first + kRows));
    }
    allowed_.assign((kRows + 63) / 64, ~std::uint64_t{0});
    taken_.assign(9 * kRows, false);
    Filter filter(quantizer_, metric_.kind, queries_);
    filter.run(std::is_same_v<Filter, LookupFilter> ? in_planes(false) : in_rows(), *this);
    return static_cast<double>(std::count(taken_.begin(), taken_.end(), true)) / (9.0 * kRows);
  }

  double threshold(std::size_t q) const { return thresholds_[q]; }
  void take(std::size_t q, std::size_t position, const float*, Interval interval) {
    EXPECT_TRUE(allows(position));
    EXPECT_FALSE(taken_[q * kRows + position]) << "taken twice";
    taken_[q * kRows + position] = true;
    EXPECT_LE(interval.lower, distances_[q * kRows + position]);
    EXPECT_GE(interval.upper, distances_[q * kRows + position]);
  }

 private:
  bool allows(std::size_t i) const { return (allowed_[i / 64] >> (i % 64) & 1) != 0; }
  CodeBlock in_rows() const {
    return {codes_.data(), kRows, static_cast<std::ptrdiff_t>(quantizer_.code_bytes()), 0, nullptr, nullptr};
  }
  CodeBlock in_planes(bool some) {
    const std::size_t bytes = quantizer_.code_bytes();
    planes_.assign(bytes_of_codes(CodeLayout::planes, kRows, bytes), 0);
    for (std::size_t i = 0; i < kRows; ++i) {
      to_group(codes_.data() + i * bytes, bytes, i % kGroupRows, planes_.data() + i / kGroupRows * kGroupRows * bytes);
    }
    return {planes_.data(),
            kRows,
            static_cast<std::ptrdiff_t>(kGroupRows * bytes),
            0,
            nullptr,
            some ? allowed_.data() : nullptr};
  }

  Metric metric_;
  Matrix rows_;  // as decoded
  Matrix queries_;
  ProductQuantizer quantizer_;
  std::vector<Byte> codes_;
  std::vector<Byte> planes_;
  std::vector<double> distances_;
  std::vector<double> thresholds_;
  std::vector<std::uint64_t> allowed_;
  std::vector<bool> taken_;
};

struct Values {
  double scale;
  double offset;
};
constexpr Values kValues[] = {{1, 0}, {1e-3, 1e3}, {1e15, 0}, {1e19, 0}, {1e-22, 0}, {0, 5}};

TEST(LookupFilter, LosesNoRowAndItsIntervalsHold) {
  for (const Values values : kValues) {
    for (const Metric metric : {Metric::l2, Metric::inner_product}) {
      for (const std::size_t subs : {3u, 12u, 24u}) {
        SCOPED_TRACE(testing::Message() << subs << " sub-vectors, scale " << values.scale);
        FilterCase(subs, 4, metric, values.scale, values.offset).check<LookupFilter>();
      }
    }
  }
}

TEST(TableFilter, LosesNoRowAndItsIntervalsHold) {
  for (const Values values : kValues) {
    for (const Metric metric : {Metric::l2, Metric::inner_product}) {
      for (const std::size_t bits : {3u, 8u}) {
        SCOPED_TRACE(testing::Message() << bits << " bits, scale " << values.scale);
        FilterCase(6, bits, metric, values.scale, values.offset).check<TableFilter>();
      }
    }
  }
}

TEST(LookupFilter, RulesMostRowsOut) {
  for (const Metric metric : {Metric::l2, Metric::inner_product}) {
    EXPECT_LT((FilterCase(12, 4, metric, 1, 0).share_of_nearest<LookupFilter>()), 0.01);
    EXPECT_LT((FilterCase(24, 4, metric, 1, 0).share_of_nearest<LookupFilter>()), 0.01);
    EXPECT_LT((FilterCase(6, 8, metric, 1, 0).share_of_nearest<TableFilter>()), 0.001);
  }
}

TEST(Pq, ErrorsSayWhatIsWrong) {
  const auto kind = Error::invalid_argument;
  expect_error(kind, "24", [] { index_factory(24, "PQ7"); });
  expect_error(kind, "1 to 16 bits, not 17", [] { index_factory(24, "PQ6x17"); });
  expect_error(kind, "not 0", [] { index_factory(24, "PQ6x0"); });
  expect_error(kind, "not 0", [] { index_factory(24, "PQ0"); });
  expect_error(kind, "4 bits", [] { index_factory(24, "PQ6x8fs"); });
  expect_error(kind, "lacks", [] { index_factory(24, "PQ"); });
  expect_error(kind, "256", [] { index_factory(24, "PQ6x8")->train(normal_rows(255, 24, 1)); });
}

TEST(Pq, KnowsTheNamesOfTheField) {
  EXPECT_EQ(index_factory(24, "PQ6")->spec(), "PQ6x8");
  EXPECT_EQ(index_factory(24, "PQ6x5np")->spec(), "PQ6x5");
  EXPECT_EQ(index_factory(24, "PQ6x4fs_64")->spec(), "PQ6x4fs");
  EXPECT_EQ(IndexPQ(24, 6, 8).spec(), "PQ6x8");
  EXPECT_EQ(IndexPQFastScan(24, 6).spec(), "PQ6x4fs");
}

TEST(Pq, RowsOfOneValueTrainAndSearch) {
  for (const char* spec : {"PQ6x4fs", "PQ6x8"}) {
    const auto index = index_factory(kDim, spec);
    const Matrix same = normal_rows(300, kDim, 1, 0, 7);
    index->train(same);
    index->add(same);
    const Neighbors found = index->search(MatrixView(same).slice(0, 1), 3);
    EXPECT_EQ(found.ids, (std::vector<Id>{0, 1, 2}));
    EXPECT_EQ(found.distances[0], 0);
  }
}

TEST(Pq, DamagedCentroidsAreCorruptFiles) {
  const auto codec = make_pq_codec(kDim, Metric::l2, {.subs = 6, .bits = 4})->trained(normal_rows(100, kDim, 1), {});
  ByteSink sink;
  codec->write(sink);
  std::vector<Byte> bytes(sink.bytes().begin(), sink.bytes().end());
  const auto read = [&](std::span<const Byte> some) {
    ByteSource source(some, "codec");
    make_pq_codec(kDim, Metric::l2, {.subs = 6, .bits = 4})->read(source);
    source.done();
  };
  read(bytes);
  expect_error(Error::corrupt_file, "too early", [&] { read(std::span(bytes).first(bytes.size() - 1)); });
  bytes.push_back(0);
  expect_error(Error::corrupt_file, "more", [&] { read(bytes); });
  bytes.pop_back();
  for (std::size_t i = 0; i < 4; ++i) bytes[8 + i] = 0xff;
  expect_error(Error::corrupt_file, "nan", [&] { read(bytes); });
}

}  // namespace
}  // namespace knear
