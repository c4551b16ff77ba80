// What all transforms promise.
#include "knear/transform.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>

#include "../core/expect_error.h"
#include "io/byte_fields.h"
#include "testing.h"
#include "transform/registry.h"

namespace knear {
namespace {

constexpr std::size_t kDim = 24;

// A token with at most one option.
Stage stage_of(const std::string& text) {
  const std::size_t equals = text.find('=');
  if (equals == std::string::npos) return {text, {}};
  const std::size_t comma = text.rfind(',', equals);
  return {text.substr(0, comma), {{text.substr(comma + 1, equals - comma - 1), text.substr(equals + 1)}}};
}

std::unique_ptr<Transform> untrained(const std::string& text, std::size_t dim = kDim) {
  const MakeTransform make = read_transform(stage_of(text));
  return make ? make(dim) : nullptr;
}

std::unique_ptr<Transform> trained(const std::string& text, MatrixView rows, std::size_t threads = 0) {
  auto transform = untrained(text, rows.dim());
  TrainOptions options;
  options.run.num_threads = threads;
  auto taught = transform->trained(rows, options);
  return taught ? std::move(taught) : std::move(transform);
}

std::vector<float> image(const Transform& transform, MatrixView rows) {
  std::vector<float> out(rows.rows() * transform.dim_out());
  transform.apply(rows, out.data());
  return out;
}

std::vector<Byte> bytes_of(const Transform& transform) {
  ByteSink sink;
  transform.write(sink);
  return {sink.bytes().begin(), sink.bytes().end()};
}

class EveryTransform : public testing::TestWithParam<const char*> {
 protected:
  std::vector<float> values = correlated(600, kDim, 1);
  MatrixView rows{values, kDim};
  std::unique_ptr<Transform> transform = trained(GetParam(), rows);
};

INSTANTIATE_TEST_SUITE_P(All, EveryTransform,
                         testing::Values("PCA7", "PCA24", "PCAW9", "PCAR8", "PCAWR24", "PCA5,eigen_power=-0.25", "RR",
                                         "RR11", "RR40", "RR,seed=7", "HR", "HR5", "L2norm", "Centre", "Pad24", "Pad37",
                                         "Remap(3,0,-1,3,23)", "ITQ", "ITQ8", "OPQ4,bits=4", "OPQ2_16,bits=5",
                                         "OPQ3_6,niter=2"));

TEST_P(EveryTransform, SpecReadsBack) {
  EXPECT_EQ(transform->spec(), GetParam());
  EXPECT_EQ(untrained(GetParam())->spec(), GetParam());
  EXPECT_EQ(untrained(GetParam())->dim_out(), transform->dim_out());
  EXPECT_TRUE(transform->is_trained());
}

TEST_P(EveryTransform, ARowHasTheSameImageInAnyBatchTypeAndStride) {
  const auto whole = image(*transform, rows);
  for (const std::size_t batch : {1U, 5U, 64U, 599U}) {
    for (std::size_t first = 0; first + batch <= 600; first += batch) {
      const auto part = image(*transform, rows.slice(first, batch));
      ASSERT_TRUE(std::equal(part.begin(), part.end(), whole.begin() + static_cast<long>(first * transform->dim_out())))
          << batch << ' ' << first;
    }
  }
  const MatrixView every_third(values.data(), DType::f32, 200, kDim, 3 * kDim * sizeof(float));
  const MatrixView backwards(rows.row(599), DType::f32, 600, kDim, -static_cast<long>(kDim * sizeof(float)));
  const auto third = image(*transform, every_third);
  const auto back = image(*transform, backwards);
  const std::size_t n = transform->dim_out();
  for (std::size_t j = 0; j < n; ++j) {
    EXPECT_EQ(third[10 * n + j], whole[30 * n + j]);
    EXPECT_EQ(back[10 * n + j], whole[589 * n + j]);
  }
}

TEST_P(EveryTransform, TheWayBackLeadsToARowWithTheSameImage) {
  ASSERT_TRUE(transform->reversible());
  const auto images = image(*transform, rows);
  std::vector<float> back(values.size());
  transform->reverse(images.data(), 600, back.data());
  const auto again = image(*transform, MatrixView(back, kDim));
  for (std::size_t i = 0; i < images.size(); ++i) ASSERT_NEAR(again[i], images[i], 2e-4);
}

TEST_P(EveryTransform, BytesGiveTheSameTransformBack) {
  const auto bytes = bytes_of(*transform);
  const auto again = untrained(GetParam());
  ByteSource source(bytes, "bytes");
  again->read(source);
  source.done();
  EXPECT_EQ(image(*again, rows), image(*transform, rows));
  EXPECT_EQ(bytes_of(*again), bytes);
}

TEST_P(EveryTransform, BytesThatLieAreRefused) {
  auto bytes = bytes_of(*transform);
  if (bytes.empty()) GTEST_SKIP() << "learns nothing";
  const auto refused = [&](std::span<const Byte> some) {
    ByteSource source(some, "bytes");
    expect_error(Error::corrupt_file, "", [&] { untrained(GetParam())->read(source); });
  };
  refused(std::span(bytes).first(bytes.size() - 1));
  refused({});
  const float nan = std::numeric_limits<float>::quiet_NaN();
  std::memcpy(bytes.data(), &nan, sizeof(nan));
  refused(bytes);
}

TEST_P(EveryTransform, LearnsTheSameWithAnyNumberOfThreads) {
  EXPECT_EQ(bytes_of(*trained(GetParam(), rows, 1)), bytes_of(*trained(GetParam(), rows, 5)));
}

TEST_P(EveryTransform, RowsWithNanHaveNoFiniteImage) {
  std::vector<float> bad(values.begin(), values.begin() + 2 * kDim);
  bad[3] = std::numeric_limits<float>::quiet_NaN();
  bad[kDim + 3] = std::numeric_limits<float>::infinity();
  const auto images = image(*transform, MatrixView(bad, kDim));
  for (std::size_t i = 0; i < 2; ++i) {
    const auto first = images.begin() + static_cast<long>(i * transform->dim_out());
    EXPECT_FALSE(
        std::all_of(first, first + static_cast<long>(transform->dim_out()), [](float v) { return std::isfinite(v); }));
  }
}

TEST_P(EveryTransform, LearnsFromConstantAndRepeatedRows) {
  for (const float value : {0.0f, 2.0f}) {
    const std::vector<float> same(300 * kDim, value);
    const auto taught = trained(GetParam(), MatrixView(same, kDim));
    for (const float v : image(*taught, MatrixView(same, kDim))) EXPECT_TRUE(std::isfinite(v));
  }
}

TEST(Transform, ErrorsNameTheNumbers) {
  EXPECT_EQ(untrained("PQ8"), nullptr);
  expect_error(Error::invalid_argument, "PCA25 of 24", [] { untrained("PCA25"); });
  expect_error(Error::invalid_argument, "how many", [] { untrained("PCA"); });
  expect_error(Error::invalid_argument, "means nothing", [] { untrained("PCA7x"); });
  expect_error(Error::invalid_argument, "not a number", [] { untrained("PCA7,eigen_power=a"); });
  expect_error(Error::invalid_argument, "leave out the W", [] { untrained("PCAW7,eigen_power=1"); });
  expect_error(Error::invalid_argument, "Pad3 of 24", [] { untrained("Pad3"); });
  expect_error(Error::invalid_argument, "24 of 24", [] { untrained("Remap(24)"); });
  expect_error(Error::invalid_argument, "divisible into 5", [] { untrained("OPQ5"); });
  expect_error(Error::invalid_argument, "ITQ30 of 24", [] { untrained("ITQ30"); });
  expect_error(Error::invalid_argument, "not 13", [] { untrained("OPQ4,bits=13"); });
  expect_error(Error::invalid_argument, "not 0", [] { untrained("RR0"); });
  const auto few = correlated(5, kDim, 1);
  expect_error(Error::invalid_argument, "at least 7 rows to learn from, not 5",
               [&] { trained("PCA7", MatrixView(few, kDim)); });
  expect_error(Error::invalid_argument, "at least 256 rows", [&] { trained("OPQ4", MatrixView(few, kDim)); });
}

TEST(Transform, SmallWholeNumbersAreRowsToo) {
  std::vector<std::int8_t> bytes(50 * kDim);
  std::vector<float> floats(bytes.size());
  for (std::size_t i = 0; i < bytes.size(); ++i) floats[i] = bytes[i] = static_cast<std::int8_t>(i * 7 % 100);
  const MatrixView narrow(bytes.data(), DType::i8, 50, kDim);
  for (const char* text : {"PCA7", "RR", "L2norm", "Centre", "Pad30"}) {
    const auto transform = trained(text, narrow);
    EXPECT_EQ(bytes_of(*transform), bytes_of(*trained(text, MatrixView(floats, kDim))));
    EXPECT_EQ(image(*transform, narrow), image(*transform, MatrixView(floats, kDim)));
  }
}

// A matrix that does not lose what it takes, and a bias.
std::unique_ptr<Transform> tilted(std::size_t dim) {
  std::vector<float> matrix(dim * dim);
  std::vector<float> bias(dim);
  for (std::size_t i = 0; i < dim; ++i) {
    matrix[i * dim + i] = 2;
    matrix[i * dim + (i + 1) % dim] = 0.5f;
    bias[i] = static_cast<float>(i);
  }
  return make_linear({matrix, dim}, bias);
}

TEST(GivenMatrix, IsAppliedAndReversed) {
  const auto transform = tilted(3);
  EXPECT_EQ(transform->spec(), "Linear3");
  const std::vector<float> rows{1, 2, 3, 0, 0, 0};
  const std::vector<float> images = image(*transform, {rows, 3});
  EXPECT_EQ(images, (std::vector<float>{3, 6.5f, 8.5f, 0, 1, 2}));
  std::vector<float> back(6);
  transform->reverse(images.data(), 2, back.data());
  for (std::size_t i = 0; i < 6; ++i) EXPECT_NEAR(back[i], rows[i], 1e-5);
}

TEST(GivenMatrix, IsReadBackAndNotLearned) {
  const auto transform = tilted(4);
  const std::vector<Byte> bytes = bytes_of(*transform);
  const auto again = untrained("Linear4", 4);
  EXPECT_FALSE(again->is_trained());
  const std::vector<float> rows{1, 2, 3, 4};
  expect_error(Error::wrong_state, "has to be given", [&] { (void)again->trained({rows, 4}, {}); });
  expect_error(Error::wrong_state, "not trained", [&] { apply_transform(*again, {rows, 4}); });
  ByteSource source(bytes, "bytes");
  again->read(source);
  source.done();
  EXPECT_EQ(image(*again, {rows, 4}), image(*transform, {rows, 4}));
  EXPECT_EQ(again->trained({rows, 4}, {}), nullptr);
  ByteSource cut({bytes.data(), bytes.size() - 4}, "bytes");
  expect_error(Error::corrupt_file, "", [&] { untrained("Linear4", 4)->read(cut); });
}

TEST(GivenMatrix, HasToBeFiniteAndToFit) {
  std::vector<float> matrix(6, 1.0f);
  const std::vector<float> bias(3);
  expect_error(Error::invalid_argument, "a bias of 3", [&] { make_linear({matrix, 3}, bias); });
  matrix[4] = std::numeric_limits<float>::infinity();
  expect_error(Error::invalid_argument, "row 1 of the matrix", [&] { make_linear({matrix, 3}); });
}

TEST(LinearForm, SaysWhatTheTransformDoes) {
  const auto values = correlated(300, kDim, 1);
  const MatrixView rows(values, kDim);
  for (const char* text : {"PCA7", "PCAWR7", "RR", "OPQ4,bits=4", "ITQ8"}) {
    const auto transform = trained(text, rows);
    const auto form = transform->linear_form();
    ASSERT_TRUE(form) << text;
    const auto images = image(*transform, rows.slice(0, 1));
    for (std::size_t i = 0; i < images.size(); ++i) {
      double sum = form->bias.empty() ? 0 : form->bias[i];
      for (std::size_t j = 0; j < kDim; ++j) sum += double{form->matrix.floats()[i * kDim + j]} * values[j];
      EXPECT_NEAR(images[i], sum, 1e-4) << text;
    }
  }
  EXPECT_FALSE(untrained("PCA7")->linear_form());
  EXPECT_FALSE(untrained("HR")->linear_form());
}

TEST(TransformFactory, ReadsOneStage) {
  EXPECT_EQ(transform_factory(8, "OPQ2_4,bits=4")->spec(), "OPQ2_4,bits=4");
  expect_error(Error::invalid_argument, "not one transform", [] { transform_factory(8, "PCA4,RR"); });
  expect_error(Error::invalid_argument, "Flat", [] { transform_factory(8, "Flat"); });
}

}  // namespace
}  // namespace knear
