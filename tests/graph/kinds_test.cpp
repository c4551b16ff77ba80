// What each kind of graph promises beside what all do.
#include <gtest/gtest.h>

#include <cmath>
#include <string>

#include "core/expect_error.h"
#include "graph/graph_rows.h"
#include "knear/graph.h"
#include "knear/io.h"

namespace knear {
namespace {

class Kinds : public testing::TestWithParam<const char*> {
 protected:
  static std::string spec(const std::string& rest) { return GetParam() + rest; }
};

INSTANTIATE_TEST_SUITE_P(Graphs, Kinds, testing::Values("NSG16", "Vamana16", "NNDescent16"),
                         [](const auto& instance) { return std::string(instance.param); });

const GraphIndex& graph_of(const Index& index) { return dynamic_cast<const GraphIndex&>(index); }

TEST_P(Kinds, FindNearlyAllUnderEachMetric) {
  const Matrix rows = clusters(3500, 24, 1);
  const Matrix queries = clusters(100, 24, 2);
  for (const Metric metric : {Metric::l2, Metric::inner_product, Metric::cosine, Metric::l1}) {
    const auto exact = filled("Flat", rows, metric);
    const auto graph = filled(spec(",Flat"), rows, metric);
    EXPECT_GE(recall(*graph, *exact, queries, 10), 0.95) << name_of(metric);
    EXPECT_TRUE(graph->verify().ok) << graph->verify().problems.front();
    EXPECT_EQ(graph_of(*graph).graph_stats().reachable, 1.0);
    EXPECT_EQ(graph_of(*graph).graph_stats().top_level, 0U);
  }
}

TEST_P(Kinds, WalkOverCodes) {
  const Matrix rows = clusters(2000, 24, 1);
  const Matrix queries = clusters(50, 24, 2);
  for (const std::string codec : {"SQ8", "PQ6x4", "PQ12x4fs", "LSH", "RaBitQ4", "Flat,dtype=float16"}) {
    const auto exact = filled(codec, rows);
    const auto graph = filled(spec(",ef_search=128," + codec), rows);
    EXPECT_GE(recall(*graph, *exact, queries, 10), 0.85) << codec;
  }
}

TEST_P(Kinds, AreTheSameBytesForAnyNumberOfThreads) {
  const Matrix rows = clusters(3000, 16, 1);
  const Matrix more = clusters(500, 16, 2);
  for (const Metric metric : {Metric::l2, Metric::inner_product}) {
    const auto built = [&](std::size_t threads) {
      auto graph = filled(spec(",Flat"), rows, metric, threads);
      graph->add(more, {.run = {.num_threads = threads}});
      return to_bytes(*graph);
    };
    const auto one = built(1);
    EXPECT_EQ(one, built(2));
    EXPECT_EQ(one, built(16));
  }
}

TEST_P(Kinds, TakeRowsThatComeLater) {
  const Matrix rows = clusters(6000, 24, 1);
  auto graph = filled(spec(",Flat"), MatrixView(rows).slice(0, 2500));
  graph->add(MatrixView(rows).slice(2500, 3500));
  EXPECT_GE(recall(*graph, *filled("Flat", rows), clusters(100, 24, 2), 10), 0.93);
  EXPECT_TRUE(graph->verify().ok);
  const auto loaded = from_bytes(to_bytes(*graph));
  EXPECT_EQ(loaded->spec(), graph->spec());
  const Matrix more = clusters(300, 24, 9);
  loaded->add(more);
  graph->add(more);
  EXPECT_EQ(to_bytes(*loaded), to_bytes(*graph));
}

TEST_P(Kinds, CopiesDoNotTrapASearch) {
  Matrix rows = clusters(4000, 16, 1);
  for (std::size_t i = 1000; i < 2000; ++i) std::copy_n(rows.floats(), 16, rows.floats() + i * 16);
  const auto graph = filled(spec(",Flat"), rows);
  EXPECT_GE(recall(*graph, *filled("Flat", rows), clusters(100, 16, 5), 10), 0.95);
  EXPECT_EQ(graph->search(MatrixView(rows).slice(0, 1), 1001).distances[1000], 0.0f);
  EXPECT_TRUE(graph->verify().ok);
  Matrix same = clusters(50, 16, 1);
  for (std::size_t i = 1; i < 50; ++i) std::copy_n(same.floats(), 16, same.floats() + i * 16);
  EXPECT_EQ(filled(spec(",Flat"), same)->search(MatrixView(same).slice(0, 1), 50).counts[0], 50U);
}

TEST_P(Kinds, InnerProductsOfWildLengths) {
  Matrix rows = clusters(4000, 16, 1);
  stretch_wildly(rows);
  const auto graph = filled(spec(",Flat"), rows, Metric::inner_product);
  EXPECT_GE(recall(*graph, *filled("Flat", rows, Metric::inner_product), clusters(100, 16, 5), 10), 0.9);
}

TEST_P(Kinds, RemovedAndReplacedRowsAreGoneAndFound) {
  const Matrix rows = clusters(4000, 16, 1);
  auto graph = filled(spec(",Flat"), rows);
  const Id entry = graph_of(*graph).graph_stats().entry;
  std::vector<Id> gone = {entry};
  for (Id id = 1; id < 4000; id += 2) gone.push_back(id);
  graph->remove(gone);
  std::vector<Id> some;
  for (Id id = 0; id < 4000; id += 6) {
    if (id != entry) some.push_back(id);
  }
  graph->update(some, clusters(some.size(), 16, 8));
  const auto reopened = from_bytes(to_bytes(*graph));
  for (const Index* index : {graph.get(), reopened.get()}) {
    const std::vector<Id> ids = index->ids();
    const Neighbors found = index->search(index->get(ids), 1);
    std::size_t lost = 0;
    for (std::size_t i = 0; i < ids.size(); ++i) lost += found.ids[i] != ids[i] ? 1 : 0;
    EXPECT_LE(lost, ids.size() / 200) << "of " << ids.size();
    EXPECT_TRUE(index->verify().ok) << index->verify().problems.front();
  }
}

TEST_P(Kinds, FewRowsAndNone) {
  for (std::size_t n = 0; n <= 5; ++n) {
    auto graph = filled(spec(",Flat"), clusters(n, 8, 1));
    EXPECT_EQ(graph->search(clusters(2, 8, 2), 3).counts[0], std::min<std::size_t>(n, 3));
    graph->remove(*select_all());
    EXPECT_EQ(graph->search(clusters(2, 8, 2), 3).counts[0], 0U);
    graph->add(clusters(3, 8, 4));
    EXPECT_EQ(graph->search(clusters(2, 8, 2), 3).counts[0], 3U);
    EXPECT_TRUE(from_bytes(to_bytes(*graph))->verify().ok);
  }
}

TEST_P(Kinds, RowsOfNanHaveTheirPlaceApart) {
  Matrix rows = clusters(300, 8, 1);
  rows.floats()[8 * 7] = std::nanf("");
  auto graph = index_factory(8, spec(",Flat"));
  graph->add(rows, {.nan_policy = NanPolicy::keep});
  EXPECT_TRUE(graph->verify().ok);
  EXPECT_EQ(graph->search(MatrixView(rows).slice(3, 1), 300).counts[0], 299U);
}

TEST_P(Kinds, AStoppedBuildLeavesNothing) {
  const Matrix rows = clusters(6000, 32, 1);
  auto graph = index_factory(32, spec(",Flat"));
  for (const std::string phase : {"near rows", "link", "choose edges"}) {
    bool came = false;
    const auto progress = [&](const Progress& now) {
      came |= now.phase == phase;
      return now.phase != phase;
    };
    try {
      graph->add(rows, {.run = {.num_threads = 1, .progress = progress}});
      EXPECT_FALSE(came) << phase;
      graph->clear();
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), Error::stopped);
    }
    EXPECT_EQ(graph->size(), 0U);
    EXPECT_EQ(graph_of(*graph).graph_stats().entry, kNoId);
  }
}

TEST_P(Kinds, FindTheCellsOfAPartition) {
  const Matrix rows = clusters(6000, 16, 1);
  const auto ivf = filled("IVF200_" + spec(",nprobe=20,Flat"), rows);
  EXPECT_EQ(ivf->spec(), index_factory(16, ivf->spec())->spec());
  EXPECT_GE(recall(*ivf, *filled("Flat", rows), clusters(50, 16, 2), 10), 0.8);
}

TEST(Kinds, SayWhatTheyAre) {
  for (const char* spec : {"NSG32,Flat", "NSG24,near_rows=64,ef_construction=90,SQ8", "Vamana32,alpha=1.5,Flat",
                           "Vamana32,ef_search=10,Flat", "NNDescent8,seed=3,Flat", "HNSW8,ef_construction=200,Flat"}) {
    EXPECT_EQ(index_factory(16, spec)->spec(), spec);
  }
  EXPECT_EQ(IndexNSGFlat(16).spec(), "NSG32,Flat");
  EXPECT_EQ(IndexNSGPQ(16, 4, 24).spec(), "NSG24,PQ4x8");
  EXPECT_EQ(IndexVamanaSQ(16).spec(), "Vamana32,SQ8");
  EXPECT_EQ(IndexNNDescentFlat(16, 20).spec(), "NNDescent20,Flat");
  EXPECT_EQ(IndexHNSW2Level(16, 8, 4).spec(), "HNSW32,PQ1x8+4x8");
  EXPECT_EQ(index_factory(16, "HNSW32,256+PQ4")->spec(), "HNSW32,PQ1x8+4x8");
  EXPECT_EQ(IndexHNSW(make_flat_codec(16, Metric::l2), {.M = 9}).spec(), "HNSW9,Flat");
}

TEST(Kinds, RefuseWhatTheyCannotBe) {
  expect_error(Error::invalid_argument, "alpha = 0.5 ", [&] { index_factory(8, "Vamana8,alpha=0.5,Flat"); });
  expect_error(Error::invalid_argument, "alpha = 11 ", [&] { index_factory(8, "Vamana8,alpha=11,Flat"); });
  expect_error(Error::invalid_argument, "alpha", [&] { index_factory(8, "Vamana8,alpha=nan,Flat"); });
  expect_error(Error::invalid_argument, "alpha", [&] { index_factory(8, "NSG8,alpha=1.2,Flat"); });
  expect_error(Error::invalid_argument, "near_rows = 1 ", [&] { index_factory(8, "NSG8,near_rows=1,Flat"); });
  expect_error(Error::invalid_argument, "near_rows", [&] { index_factory(8, "Vamana8,near_rows=9,Flat"); });
  expect_error(Error::invalid_argument, "M = 1 ", [&] { index_factory(8, "NNDescent1,Flat"); });
  expect_error(Error::invalid_argument, "second", [&] { index_factory(8, "NSG8,HNSW8,Flat"); });
}

TEST(Kinds, KeepToTheirDegrees) {
  const Matrix rows = clusters(4000, 16, 1);
  for (const auto& [spec, most] : {std::pair{"NSG12", 12U}, {"Vamana12", 12U}, {"NNDescent12", 24U}}) {
    const GraphStats stats = graph_of(*filled(spec, rows)).graph_stats();
    EXPECT_LE(stats.max_degree, most) << spec;
    EXPECT_GE(stats.mean_degree, 5) << spec;
    EXPECT_EQ(stats.orphans, 0U) << spec;
  }
}

}  // namespace
}  // namespace knear
