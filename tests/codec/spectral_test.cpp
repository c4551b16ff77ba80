#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "core/expect_error.h"
#include "io/byte_fields.h"
#include "knear/knear.h"
#include "support/normals.h"

namespace knear {
namespace {

using Threshold = SpectralOptions::Threshold;

std::vector<Byte> codes_of(const Codec& codec, MatrixView rows) {
  std::vector<Byte> codes(rows.rows() * codec.code_bytes());
  codec.encode(rows, codes.data());
  return codes;
}

std::unique_ptr<Codec> taught(MatrixView rows, const SpectralOptions& options) {
  return make_spectral_codec(rows.dim(), Metric::l2, options)->trained(rows, {});
}

std::vector<Byte> written(const Codec& codec) {
  ByteSink sink;
  codec.write(sink);
  return {sink.bytes().begin(), sink.bytes().end()};
}

float period_of(const Codec& codec) { return ByteSource(written(codec), "test").f32(); }

// Rows close to one of a few centres.
std::vector<float> clustered(std::size_t rows, std::size_t dim, double spread) {
  const std::vector<float> centres = normals(20 * dim, 5);
  std::vector<float> values = normals(rows * dim, 6);
  for (std::size_t i = 0; i < values.size(); ++i) {
    const std::size_t centre = i / dim * 7919 % 20;
    values[i] = static_cast<float>(centres[centre * dim + i % dim] + spread * values[i]);
  }
  return values;
}

TEST(Spectral, ABitSaysInWhichHalfOfAWaveItsElementLies) {
  const std::vector<float> row = {0, 0.9f, 1, 1.9f, 2, 3, -0.1f, -1, -1.1f, 1e30f};
  const auto codec = taught(MatrixView(row, 10), {.period = 2});
  EXPECT_EQ(codes_of(*codec, MatrixView(row, 10)), (std::vector<Byte>{0b11101100, 0b00}));
  const auto half = taught(MatrixView(row, 10), {.period = 2, .threshold = Threshold::half});
  EXPECT_EQ(codes_of(*half, MatrixView(row, 10)), (std::vector<Byte>{0b10100110, 0b01}));
}

TEST(Spectral, TakesMediansOfTrainingRows) {
  const std::vector<float> rows = {1, 10, 2, 20, 3, 30, 4, 40, 5, 50};
  const auto codec = taught(MatrixView(rows, 2), {.period = 1000, .threshold = Threshold::median});
  EXPECT_EQ(codes_of(*codec, MatrixView(rows, 2)), (std::vector<Byte>{0b11, 0b11, 0, 0, 0}));
}

TEST(Spectral, DecodesToTheMeanOfWhatHasTheBit) {
  const std::vector<float> rows = {-3, 1, -1, 2, 2, 3, 4, 6};
  const auto codec = taught(MatrixView(rows, 2), {.period = 1000});
  std::vector<float> back(4);
  codec->decode(std::vector<Byte>{0b00, 0b11}.data(), 2, back.data());
  EXPECT_EQ(back, (std::vector<float>{3, 3, -2, 0}));  // no second element is below zero
}

TEST(Spectral, ItsPeriodFollowsTheRows) {
  const std::size_t dim = 16;
  const auto deviations = [&](const std::vector<float>& rows) {
    double squares = 0;
    for (const float value : rows) squares += double{value} * value;
    return period_of(*taught(MatrixView(rows, dim), {})) / std::sqrt(squares / static_cast<double>(rows.size()));
  };
  EXPECT_GT(deviations(normals(4000 * dim, 1)), 5);
  EXPECT_LT(deviations(clustered(4000, dim, 0.05)), 5);
  EXPECT_NEAR(deviations(normals(30 * dim, 1)), 8, 0.5);  // too few to try
  EXPECT_EQ(period_of(*taught(MatrixView(std::vector<float>(8, 3.0f), 4), {})), 1);
}

TEST(Spectral, ALearnedPeriodFindsMoreThanSignsInClusters) {
  const std::size_t dim = 32;
  const auto rows = clustered(3000, dim, 0.2);
  const auto queries = MatrixView(rows, dim).slice(0, 50);
  IndexFlatL2 exact(dim);
  exact.add(MatrixView(rows, dim));
  const Neighbors truth = exact.search(queries, 10);
  const auto share = [&](const char* spec) {
    const auto index = index_factory(dim, spec);
    index->train(MatrixView(rows, dim));
    index->add(MatrixView(rows, dim));
    const Neighbors found = index->search(queries, 10);
    std::size_t hits = 0;
    for (std::size_t q = 0; q < 50; ++q) {
      for (std::size_t i = 0; i < 10; ++i) {
        const auto first = found.ids.begin() + static_cast<std::ptrdiff_t>(q * 10);
        hits += std::find(first, first + 10, truth.ids[q * 10 + i]) != first + 10 ? 1 : 0;
      }
    }
    return static_cast<double>(hits) / 500;
  };
  EXPECT_GT(share("SH"), share("SH1e9") + 0.05);
}

TEST(Spectral, ManyThreadsLearnTheSame) {
  constexpr std::size_t kDim = 12;
  const auto rows = normals(3000 * kDim, 3);
  for (const auto threshold : {Threshold::zero, Threshold::median, Threshold::half}) {
    const auto codec = make_spectral_codec(kDim, Metric::l2, {.threshold = threshold});
    const auto one = codec->trained(MatrixView(rows, kDim), {.run = {.num_threads = 1}});
    const auto many = codec->trained(MatrixView(rows, kDim), {.run = {.num_threads = 5}});
    EXPECT_EQ(written(*one), written(*many));
  }
}

TEST(Spectral, StandsWhatIsNoNumberOrTooLarge) {
  const float most = std::numeric_limits<float>::max();
  const float inf = std::numeric_limits<float>::infinity();
  const std::vector<float> rows = {most, -most, std::nanf(""), inf, -most, most, 1e-45f, -inf};
  for (const SpectralOptions& options : {SpectralOptions{}, SpectralOptions{.period = 1e-45f},
                                         SpectralOptions{.period = most, .threshold = Threshold::median}}) {
    const auto codec = taught(MatrixView(rows, 4), options);
    (void)codes_of(*codec, MatrixView(rows, 4));
    const std::vector<Byte> bytes = written(*codec);
    const auto again = make_spectral_codec(4, Metric::l2, options);
    learn_from(bytes, "test", *again);
    EXPECT_EQ(written(*again), bytes);
  }
  EXPECT_THROW((void)taught(MatrixView(rows, 4).slice(0, 0), {}), Error);
}

TEST(Spectral, HasOneSpellingAndSaysWhatIsWrong) {
  for (const char* text : {"SH", "SH1.5", "SHm", "SHh", "SH2m", "SH0.25h", "ITQ8,SH1e-05", "IVF4,ITQ8,SH1.5",
                           "IVF4,by_residual=on,ITQ8,SH1.5"}) {
    EXPECT_EQ(index_factory(16, text)->spec(), text);
  }
  EXPECT_EQ(index_factory(16, "SH1.50g")->spec(), "SH1.5");
  EXPECT_EQ(index_factory(16, "SHg")->spec(), "SH");
  EXPECT_EQ(index_factory(16, "IVF4,ITQ8,SH1.2c")->spec(), "IVF4,by_residual=on,ITQ8,SH1.2");
  EXPECT_EQ(index_factory(16, "IVF4,SHc")->spec(), "IVF4,by_residual=on,SH");
  for (const char* text :
       {"SH0", "SH-1", "SH1e99", "SH.", "SHx", "SHmm", "SH1.5gm", "SH2,range=uniform", "SHnan", "SHinf"}) {
    expect_error(Error::invalid_argument, "", [&] { index_factory(16, text); });
  }
  expect_error(Error::invalid_argument, "above 0", [&] { index_factory(16, "SH-1e10"); });
  expect_error(Error::invalid_argument, "takes cells", [&] { index_factory(16, "ITQ8,SH1.5c"); });
  expect_error(Error::invalid_argument, "contradicts", [&] { index_factory(16, "IVF4,by_residual=off,ITQ8,SHc"); });
  expect_error(Error::invalid_argument, "has to be l2", [&] { index_factory(16, "SH", Metric::inner_product); });
  for (const float period : {0.0f, -1.0f, std::nanf(""), std::numeric_limits<float>::infinity()}) {
    expect_error(Error::invalid_argument, "period", [&] { make_spectral_codec(4, Metric::l2, {.period = period}); });
  }
}

TEST(Spectral, RefusesNumbersThatNoTrainingGives) {
  for (const float period : {-1.0f, 0.0f, 3.0f, std::numeric_limits<float>::infinity(), std::nanf("")}) {
    ByteSink sink;
    sink.f32(period);
    sink.floats(std::vector<float>(6));
    EXPECT_THROW(learn_from(sink.bytes(), "test", *make_spectral_codec(2, Metric::l2, {.period = 2})), Error);
  }
  ByteSink sink;
  sink.f32(2);
  sink.floats(std::vector<float>(5));
  EXPECT_THROW(learn_from(sink.bytes(), "test", *make_spectral_codec(2, Metric::l2)), Error);
}

}  // namespace
}  // namespace knear
