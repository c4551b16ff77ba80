// What a partition learns, and from whom.
#include <stop_token>

#include "core/expect_error.h"
#include "partition/testing.h"

namespace knear {
namespace {

using testing::filled_ivf;
using testing::flat_of;
using testing::make_ivf;
using testing::same;

constexpr std::size_t kDim = 12;

MatrixView view(const std::vector<float>& values) { return {values, kDim}; }

std::unique_ptr<IvfIndex> around(const std::string& spec, std::shared_ptr<Index> coarse, Metric metric = Metric::l2) {
  return build_partition(parse_spec(spec), std::move(coarse), metric);
}

bool same_rows(const Index& index, const std::vector<float>& rows) {
  std::vector<Id> ids(index.size());
  for (std::size_t i = 0; i < ids.size(); ++i) ids[i] = static_cast<Id>(i);
  const Matrix stored = index.get(ids);
  return index.size() * kDim == rows.size() && std::equal(rows.begin(), rows.end(), stored.floats());
}

TEST(IvfTraining, LeavesGivenCentroidsAsTheyAre) {
  const auto centroids = normals(20 * kDim, 1);
  const auto rows = normals(1000 * kDim, 2);
  for (const char* spec : {"IVF20,Flat", "IVF20,SQ8", "IVF20,PQ4x8", "IVF20,PQ4x4fs", "IVF20,RaBitQ"}) {
    const auto coarse = flat_of(view(centroids));
    const auto index = around(spec, coarse);
    EXPECT_EQ(index->coarse(), coarse);
    EXPECT_EQ(index->is_trained(), std::string(spec) == "IVF20,Flat");
    index->train(view(rows));
    EXPECT_TRUE(index->is_trained());
    EXPECT_TRUE(same_rows(*coarse, centroids)) << spec;
    index->add(view(rows));
    for (std::size_t cell = 0; cell < 20; ++cell) {
      for (const Id id : index->list_ids_of(cell)) {
        EXPECT_EQ(coarse->search(view(rows).slice(static_cast<std::size_t>(id), 1), 1).ids[0], static_cast<Id>(cell));
      }
    }
  }
}

TEST(IvfTraining, FillsAnEmptyCoarseIndex) {
  const auto rows = normals(1000 * kDim, 2);
  for (const char* spec : {"Flat", "Flat,dtype=float16", "SQ8"}) {
    const std::shared_ptr<Index> coarse = index_factory(kDim, spec);
    const auto index = around("IVF20,Flat", coarse);
    EXPECT_FALSE(index->is_trained());
    EXPECT_TRUE(index->capabilities().needs_training);
    index->train(view(rows));
    EXPECT_EQ(coarse->size(), 20u);
    index->add(view(rows));
    EXPECT_EQ(index->size(), 1000u);
    const Neighbors found = index->search(view(rows), 1, {.nprobe = 1});
    std::size_t own = 0;
    for (std::size_t i = 0; i < 1000; ++i) own += found.ids[i] == static_cast<Id>(i);
    EXPECT_EQ(own, 1000u) << spec;  // a row and a query of the same values meet in the same cell
  }
}

TEST(IvfTraining, RefusesACoarseIndexOfOtherSize) {
  const auto centroids = normals(20 * kDim, 1);
  for (const std::size_t rows : std::initializer_list<std::size_t>{1, 19}) {
    expect_error(Error::invalid_argument, std::to_string(rows) + " rows for 20 cells",
                 [&] { around("IVF20,Flat", flat_of(view(centroids).slice(0, rows))); });
  }
  expect_error(Error::invalid_argument, "20 rows for 19 cells",
               [&] { around("IVF19,Flat", flat_of(view(centroids))); });
  expect_error(Error::invalid_argument, "coarse index", [&] { around("IVF20,Flat", nullptr); });
}

TEST(IvfTraining, IsRefusedWhileThereAreRows) {
  const auto rows = normals(500 * kDim, 3);
  const auto index = filled_ivf("IVF8,SQ8", view(rows));
  const auto before = to_bytes(*index);
  expect_error(Error::wrong_state, "500 rows", [&] { index->train(view(rows)); });
  EXPECT_EQ(to_bytes(*index), before);
}

TEST(IvfTraining, StaysThroughAClear) {
  const auto rows = normals(500 * kDim, 3);
  for (const char* spec : {"IVF8,Flat", "IVF8,PQ4x4", "IVF8,PQ4x4fs", "IVF8,RaBitQ"}) {
    const auto index = filled_ivf(spec, view(rows));
    const auto bytes = to_bytes(*index);
    const auto centroids = to_bytes(*index->coarse());
    index->clear();
    EXPECT_EQ(index->size(), 0u);
    EXPECT_TRUE(index->is_trained());
    EXPECT_EQ(to_bytes(*index->coarse()), centroids);
    index->add(view(rows));
    EXPECT_EQ(to_bytes(*index), bytes);
  }
}

TEST(IvfTraining, IsTheSameForAnyThreads) {
  const auto rows = normals(3000 * kDim, 4);
  for (const char* spec : {"IVF16,Flat", "IVF16,SQ8", "IVF16,PQ4x4fs", "IVF16,RaBitQ"}) {
    const auto one = make_ivf(kDim, spec);
    const auto many = make_ivf(kDim, spec);
    TrainOptions options;
    options.run.num_threads = 1;
    one->train(view(rows), options);
    options.run.num_threads = 8;
    many->train(view(rows), options);
    EXPECT_EQ(to_bytes(*one), to_bytes(*many)) << spec;
  }
}

// The cells were learned before the codec refused the rows.
TEST(IvfTraining, ThatFailsCanBeDoneAgain) {
  const auto rows = normals(2000 * kDim, 4);
  const auto index = make_ivf(kDim, "IVF16,PQ4x8");
  EXPECT_THROW(index->train(view(rows).slice(0, 100)), Error);
  EXPECT_FALSE(index->is_trained());
  TrainOptions options;
  std::stop_source source;
  source.request_stop();
  options.run.stop = source.get_token();
  EXPECT_THROW(index->train(view(rows), options), Error);
  EXPECT_FALSE(index->is_trained());
  const auto fresh = make_ivf(kDim, "IVF16,PQ4x8");
  fresh->train(view(rows));
  index->train(view(rows));
  EXPECT_EQ(to_bytes(*index), to_bytes(*fresh));
}

TEST(IvfSpec, RebuildsTheIndex) {
  for (const char* spec :
       {"IVF8,Flat", "IVF8,by_residual=on,Flat", "IVF8,by_residual=off,PQ4x8", "IVF8,PQ4x4fs", "IVF8,nprobe=3,SQ8",
        "IVF8(Flat,dtype=float16),by_residual=on,nprobe=2,RaBitQ4", "IVF8,metric=cosine,Flat",
        "IVF8(SQ8),metric=ip,by_residual=off,nprobe=8,PQ4x8", "IVF3(IVF2,nprobe=2,Flat),Flat"}) {
    const auto index = make_ivf(kDim, spec);
    EXPECT_EQ(index->spec(), spec);
    EXPECT_EQ(make_ivf(kDim, index->spec())->spec(), spec);
    EXPECT_EQ(parse_spec(spec).str(), spec);
  }
  EXPECT_EQ(make_ivf(kDim, "IVF2k,PQ4x4fsr")->spec(), "IVF2048,by_residual=on,PQ4x4fs");
  EXPECT_EQ(make_ivf(kDim, "IVF8(Flat),metric=l2,Flat")->spec(), "IVF8,Flat");
}

TEST(IvfSpec, SaysWhatNprobeIsSetTo) {
  const auto index = make_ivf(kDim, "IVF8,Flat");
  index->set_nprobe(5);
  EXPECT_EQ(index->spec(), "IVF8,nprobe=5,Flat");
  EXPECT_EQ(index->nprobe(), 5u);
}

TEST(IvfSpec, AnotherMetricForTheCellsSurvivesASave) {
  const auto rows = normals(900 * kDim, 5);
  for (const char* spec : {"IVF8,metric=cosine,SQ8", "IVF8,metric=ip,Flat", "IVF8,metric=l1,PQ4x4fs"}) {
    const auto index = filled_ivf(spec, view(rows), Metric::l2);
    EXPECT_EQ(index->spec(), spec);
    EXPECT_NE(index->coarse()->metric(), Metric::l2);
    const auto again = from_bytes(to_bytes(*index));
    EXPECT_EQ(again->spec(), spec);
    EXPECT_EQ(dynamic_cast<const IvfIndex&>(*again).coarse()->metric(), index->coarse()->metric());
    EXPECT_TRUE(same(again->search(view(rows), 3), index->search(view(rows), 3)));
    EXPECT_EQ(to_bytes(*again), to_bytes(*index));
  }
  const auto given = around("IVF4,Flat", flat_of(view(rows).slice(0, 4), Metric::cosine), Metric::l2);
  EXPECT_EQ(given->spec(), "IVF4,metric=cosine,Flat");
}

TEST(IvfResiduals, AreCodedWhereTheCodecGainsOrTheCallerSays) {
  const auto residual = [](const char* spec, Metric metric) { return make_ivf(kDim, spec, metric)->by_residual(); };
  for (const Metric metric : {Metric::l2, Metric::inner_product, Metric::l1}) {
    EXPECT_TRUE(residual("IVF8,SQ8", metric));
    EXPECT_FALSE(residual("IVF8,Flat", metric));
    EXPECT_TRUE(residual("IVF8,by_residual=on,Flat", metric));
    EXPECT_FALSE(residual("IVF8,by_residual=off,SQ8", metric));
  }
  EXPECT_TRUE(residual("IVF8,PQ4x8", Metric::l2));
  EXPECT_FALSE(residual("IVF8,PQ4x4fs", Metric::l2));
  EXPECT_TRUE(residual("IVF8,RaBitQ", Metric::l2));
  EXPECT_FALSE(residual("IVF8,SQ8", Metric::cosine));
  EXPECT_FALSE(residual("IVF8,SQ8", Metric::jaccard));
}

TEST(IvfResiduals, AreRefusedByMetricsThatKnowNoDifferences) {
  for (const Metric metric : {Metric(Metric::cosine), Metric(Metric::jaccard), Metric(Metric::canberra)}) {
    expect_error(Error::invalid_argument, "by_residual", [&] { make_ivf(kDim, "IVF8,by_residual=on,Flat", metric); });
    EXPECT_FALSE(make_ivf(kDim, "IVF8,by_residual=off,Flat", metric)->by_residual());
  }
  expect_error(Error::invalid_argument, "by_residual=off", [&] { make_ivf(kDim, "IVF8,by_residual=off,PQ4x4fsr"); });
}

// Rows far from the origin, in tight clusters: bytes of what is left without the centroid say more.
TEST(IvfResiduals, SayMoreThanTheRowsThemselves) {
  auto rows = normals(2000 * kDim, 6);
  for (std::size_t i = 0; i < rows.size(); ++i) rows[i] = rows[i] * 0.01f + static_cast<float>(i / kDim % 8 * 10);
  std::vector<float> centroids(8 * kDim);
  for (std::size_t i = 0; i < centroids.size(); ++i) centroids[i] = static_cast<float>(i / kDim * 10);
  double error[2];
  for (const bool residual : {false, true}) {
    const auto index = around(residual ? "IVF8,SQ8" : "IVF8,by_residual=off,SQ8", flat_of(view(centroids)));
    index->train(view(rows));
    index->add(view(rows));
    const std::vector<Id> ids{0, 1, 2, 3, 4, 5, 6, 7, 1990};
    const Matrix got = index->get(ids);
    error[residual] = 0;
    for (std::size_t i = 0; i < ids.size(); ++i) {
      for (std::size_t j = 0; j < kDim; ++j) {
        const double gap = got.floats()[i * kDim + j] - rows[static_cast<std::size_t>(ids[i]) * kDim + j];
        error[residual] += gap * gap;
      }
    }
  }
  EXPECT_LT(error[1], error[0] / 100);
}

}  // namespace
}  // namespace knear
