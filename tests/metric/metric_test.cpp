#include "knear/metric.h"

#include <gtest/gtest.h>

#include <limits>

#include "../core/expect_error.h"

namespace knear {
namespace {

constexpr Metric::Kind kKinds[] = {Metric::inner_product,
                                   Metric::l2,
                                   Metric::l1,
                                   Metric::linf,
                                   Metric::lp,
                                   Metric::canberra,
                                   Metric::bray_curtis,
                                   Metric::jensen_shannon,
                                   Metric::jaccard,
                                   Metric::nan_euclidean,
                                   Metric::gower,
                                   Metric::cosine};

TEST(Metric, IsFoundByItsText) {
  for (const Metric::Kind kind : kKinds) {
    const Metric metric(kind, kind == Metric::lp ? 2.5f : 0);
    EXPECT_EQ(metric_of(text_of(metric)), metric) << text_of(metric);
  }
  EXPECT_STREQ(name_of(Metric::inner_product), "ip");
  EXPECT_STREQ(name_of(Metric(Metric::lp, 3)), "lp");
  EXPECT_EQ(text_of(Metric(Metric::lp, 3)), "lp:3");
  const Metric awkward(Metric::lp, 0.1f);
  EXPECT_EQ(metric_of(text_of(awkward)), awkward);
}

TEST(Metric, IsFoundByOtherNamesOfTheField) {
  EXPECT_EQ(metric_of("inner_product"), Metric(Metric::inner_product));
  EXPECT_EQ(metric_of("Inner-Product"), Metric(Metric::inner_product));
  EXPECT_EQ(metric_of("L2"), Metric(Metric::l2));
  EXPECT_EQ(metric_of("braycurtis"), Metric(Metric::bray_curtis));
  EXPECT_EQ(metric_of("LP:3"), Metric(Metric::lp, 3));
  EXPECT_EQ(metric_of("lp:1e-3"), Metric(Metric::lp, 1e-3f));
}

TEST(Metric, NamesTheKnownOnesWhenItIsNone) {
  for (const char* wrong : {"", "l3", "l2 ", "cosines", ":"})
    expect_error(Error::invalid_argument, "l2, ip, cosine", [&] { metric_of(wrong); });
  expect_error(Error::invalid_argument, "'l9'", [] { metric_of("l9"); });
}

TEST(Metric, TakesAnArgumentOnlyWhereItNeedsOne) {
  expect_error(Error::invalid_argument, "lp:3", [] { metric_of("lp"); });
  expect_error(Error::invalid_argument, "takes no argument", [] { metric_of("l2:2"); });
  for (const char* wrong : {"lp:", "lp:x", "lp:3x", "lp: 3"})
    expect_error(Error::invalid_argument, "is not a number", [&] { metric_of(wrong); });
  for (const char* wrong : {"lp:0", "lp:-1", "lp:inf", "lp:nan"})
    expect_error(Error::invalid_argument, "finite power above 0", [&] { metric_of(wrong); });
}

TEST(Metric, KnowsWhichWayIsCloser) {
  for (const Metric::Kind kind : kKinds) {
    const bool similarity = kind == Metric::inner_product || kind == Metric::cosine || kind == Metric::jaccard;
    EXPECT_EQ(larger_is_closer(kind), similarity) << name_of(kind);
    EXPECT_EQ(worst_value(kind), similarity ? std::numeric_limits<float>::lowest() : std::numeric_limits<float>::max());
  }
}

TEST(Metric, IsCheckedBeforeUse) {
  for (const Metric::Kind kind : kKinds)
    if (kind != Metric::lp) require_valid(kind);
  require_valid({Metric::lp, 0.5f});
  expect_error(Error::invalid_argument, "not 0", [] { require_valid(Metric::lp); });
  expect_error(Error::invalid_argument, "number 7", [] { require_valid(static_cast<Metric::Kind>(7)); });
  EXPECT_STREQ(name_of(static_cast<Metric::Kind>(7)), "unknown");
}

}  // namespace
}  // namespace knear
