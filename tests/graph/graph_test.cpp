#include "knear/graph.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <filesystem>
#include <string>
#include <thread>

#include "core/expect_error.h"
#include "graph/graph_rows.h"
#include "knear/io.h"
#include "knear/spec.h"

namespace knear {
namespace {

TEST(Graph, FindsNearlyAllUnderEachMetric) {
  const Matrix rows = clusters(6000, 24, 1);
  const Matrix queries = clusters(100, 24, 2);
  for (const Metric metric : {Metric::l2, Metric::inner_product, Metric::cosine, Metric::l1}) {
    const auto exact = filled("Flat", rows, metric);
    const auto graph = filled("HNSW16,Flat", rows, metric);
    EXPECT_GE(recall(*graph, *exact, queries, 10), 0.95) << name_of(metric);
    EXPECT_TRUE(graph->verify().ok) << graph->verify().problems.front();
  }
}

TEST(Graph, ItsEdgesAreCounted) {
  Matrix rows = clusters(3000, 16, 1);
  std::copy_n(rows.floats(), 16, rows.floats() + 16);
  GraphIndex graph(make_flat_codec(16, Metric::l2), {.M = 8});
  EXPECT_EQ(graph.graph_stats().entry, kNoId);
  EXPECT_EQ(graph.graph_stats().reachable, 1.0);
  graph.add(rows);
  const GraphStats stats = graph.graph_stats();
  std::size_t vertices = 0;
  for (const std::size_t some : stats.degrees) vertices += some;
  EXPECT_EQ(vertices, 2999U);
  EXPECT_EQ(stats.degrees.size(), stats.max_degree + 1);
  EXPECT_LE(stats.max_degree, 16U);
  EXPECT_GT(stats.mean_degree, 6);
  EXPECT_EQ(stats.reachable, 1.0);
  EXPECT_TRUE(graph.contains(stats.entry));
  EXPECT_GE(stats.top_level, 1U);
}

TEST(Graph, WalksOverCodes) {
  const Matrix rows = clusters(4000, 24, 1);
  const Matrix queries = clusters(50, 24, 2);
  for (const std::string codec : {"SQ8", "PQ6x4", "PQ12x4fs", "LSH", "RaBitQ4", "Flat,dtype=float16"}) {
    const auto exact = filled(codec, rows);
    const auto graph = filled("HNSW16,ef_search=128," + codec, rows);
    EXPECT_GE(recall(*graph, *exact, queries, 10), 0.85) << codec;
  }
}

TEST(Graph, TheSameBytesForAnyNumberOfThreads) {
  const Matrix rows = clusters(5000, 16, 1);
  for (const Metric metric : {Metric::l2, Metric::inner_product}) {
    const auto one = to_bytes(*filled("HNSW8,Flat", rows, metric, 1));
    EXPECT_EQ(one, to_bytes(*filled("HNSW8,Flat", rows, metric, 2)));
    EXPECT_EQ(one, to_bytes(*filled("HNSW8,Flat", rows, metric, 16)));
  }
}

TEST(Graph, TheSameResultsForAnyBatchAndThreads) {
  const Matrix rows = clusters(5000, 16, 1);
  const Matrix queries = clusters(70, 16, 3);
  const auto graph = filled("HNSW8,ef_search=20,Flat", rows);
  const Neighbors all = graph->search(queries, 7);
  for (std::size_t q = 0; q < queries.rows(); ++q) {
    const Neighbors one = graph->search(MatrixView(queries).slice(q, 1), 7, {.run = {.num_threads = 3}});
    EXPECT_TRUE(std::equal(one.ids.begin(), one.ids.end(), all.ids.begin() + static_cast<std::ptrdiff_t>(q * 7)));
    EXPECT_TRUE(std::equal(one.distances.begin(), one.distances.end(),
                           all.distances.begin() + static_cast<std::ptrdiff_t>(q * 7)));
  }
}

TEST(Graph, AFileIsSearchedWhereItLies) {
  const Matrix rows = clusters(5000, 16, 1);
  const Matrix queries = clusters(20, 16, 3);
  const auto graph = filled("HNSW8,ef_search=20,Flat", rows);
  const auto path = std::filesystem::temp_directory_path() / "graph_test.knear";
  save(*graph, path);
  const auto loaded = load(path);
  EXPECT_EQ(loaded->spec(), "HNSW8,ef_search=20,Flat");
  EXPECT_EQ(loaded->search(queries, 5).ids, graph->search(queries, 5).ids);
  const Matrix more = clusters(500, 16, 9);
  loaded->add(more);
  graph->add(more);
  EXPECT_EQ(loaded->search(queries, 5).ids, graph->search(queries, 5).ids);
  EXPECT_TRUE(loaded->verify().ok);
  std::filesystem::remove(path);
}

TEST(Graph, CopiesDoNotTrapASearch) {
  Matrix rows = clusters(4000, 16, 1);
  for (std::size_t i = 1000; i < 2000; ++i) std::copy_n(rows.floats(), 16, rows.floats() + i * 16);
  const auto graph = filled("HNSW8,Flat", rows);
  const auto exact = filled("Flat", rows);
  EXPECT_GE(recall(*graph, *exact, clusters(100, 16, 5), 10), 0.95);
  const Neighbors copies = graph->search(MatrixView(rows).slice(0, 1), 1001);
  EXPECT_EQ(copies.distances[1000], 0.0f);
  EXPECT_TRUE(graph->verify().ok);
}

TEST(Graph, InnerProductsOfWildLengths) {
  Matrix rows = clusters(4000, 16, 1);
  stretch_wildly(rows);
  const auto graph = filled("HNSW16,Flat", rows, Metric::inner_product);
  EXPECT_GE(recall(*graph, *filled("Flat", rows, Metric::inner_product), clusters(100, 16, 5), 10), 0.9);
}

TEST(Graph, HalfRemovedAndAThirdReplacedEveryRowIsFound) {
  const Matrix rows = clusters(6000, 16, 1);
  auto graph = filled("HNSW16,Flat", rows);
  std::vector<Id> odd;
  for (Id id = 1; id < 6000; id += 2) odd.push_back(id);
  EXPECT_EQ(graph->remove(odd), 3000U);
  std::vector<Id> some;
  for (Id id = 0; id < 6000; id += 6) some.push_back(id);
  const Matrix fresh = clusters(some.size(), 16, 8);
  graph->update(some, fresh);
  EXPECT_EQ(graph->size(), 3000U);
  const auto check = [&](const Index& index) {
    std::size_t lost = 0;
    const std::vector<Id> ids = index.ids();
    const Neighbors found = index.search(index.get(ids), 1);
    for (std::size_t i = 0; i < ids.size(); ++i) lost += found.ids[i] != ids[i] ? 1 : 0;
    EXPECT_EQ(lost, 0U) << "of " << ids.size() << " in an index of " << index.stats().removed_slots << " removed rows";
    EXPECT_TRUE(index.verify().ok) << index.verify().problems.front();
  };
  check(*graph);
  const auto reopened = from_bytes(to_bytes(*graph));
  EXPECT_EQ(reopened->size(), 3000U);
  check(*reopened);
}

TEST(Graph, FiltersFillK) {
  const Matrix rows = clusters(20000, 16, 1);
  const Matrix queries = clusters(30, 16, 3);
  const auto graph = filled("HNSW16,Flat", rows);
  const auto exact = filled("Flat", rows);
  for (const Id step : {1, 2, 10, 100, 4000}) {
    const SearchOptions options{.filter = select_if([=](Id id) { return id % step == 0; })};
    const Neighbors found = graph->search(queries, 10, options);
    const Neighbors truth = exact->search(queries, 10, options);
    EXPECT_EQ(found.counts, truth.counts);
    std::size_t same = 0;
    for (std::size_t i = 0; i < found.ids.size(); ++i) same += found.ids[i] == truth.ids[i] ? 1 : 0;
    EXPECT_GE(same, found.ids.size() * 8 / 10) << step;
  }
  const Neighbors none = graph->search(queries, 10, {.filter = select_if([](Id) { return false; })});
  EXPECT_EQ(none.counts, std::vector<std::size_t>(30));
}

TEST(Graph, AStoppedAddLeavesAllAsItWas) {
  const Matrix rows = clusters(4000, 16, 1);
  const Matrix more = clusters(12000, 16, 2);  // enough that progress is told of
  const auto graph = filled("HNSW8,Flat", rows);
  const auto before = to_bytes(*graph);
  const auto progress = [&](const Progress& now) { return now.phase != "link"; };
  expect_error(Error::stopped, "", [&] { graph->add(more, {.run = {.num_threads = 1, .progress = progress}}); });
  EXPECT_EQ(to_bytes(*graph), before);
  expect_error(Error::stopped, "late",
               [&] { graph->add(more, {.on_commit = [] { throw Error(Error::stopped, "late"); }}); });
  EXPECT_EQ(to_bytes(*graph), before);
  graph->add(more);
  auto again = filled("HNSW8,Flat", rows);
  again->add(more);
  EXPECT_EQ(to_bytes(*graph), to_bytes(*again));
}

TEST(Graph, FewRowsAndNone) {
  for (std::size_t n = 0; n <= 5; ++n) {
    const Matrix rows = clusters(n, 8, 1);
    auto graph = filled("HNSW4,Flat", rows);
    const Neighbors found = graph->search(clusters(2, 8, 2), 3);
    EXPECT_EQ(found.counts[0], std::min<std::size_t>(n, 3));
    graph->remove(*select_all());
    EXPECT_EQ(graph->search(clusters(2, 8, 2), 3).counts[0], 0U);
    graph->add(clusters(3, 8, 4));
    EXPECT_EQ(graph->search(clusters(2, 8, 2), 3).counts[0], 3U);
    EXPECT_TRUE(from_bytes(to_bytes(*graph))->verify().ok);
  }
}

TEST(Graph, RefusesWhatItCannotBe) {
  expect_error(Error::invalid_argument, "M = 1 ", [&] { index_factory(8, "HNSW1,Flat"); });
  expect_error(Error::invalid_argument, "M = 600 ", [&] { index_factory(8, "HNSW600,Flat"); });
  expect_error(Error::invalid_argument, "ef_search = 0 ", [&] { index_factory(8, "HNSW8,ef_search=0,Flat"); });
  expect_error(Error::invalid_argument, "ef", [&] { index_factory(8, "HNSW8,ef=3,Flat"); });
  expect_error(Error::invalid_argument, "second", [&] { index_factory(8, "HNSW8,IVF8,Flat"); });
  expect_error(Error::invalid_argument, "second", [&] { index_factory(8, "IVF8,HNSW8,Flat"); });
  const auto flat = filled("Flat", clusters(10, 8, 1));
  expect_error(Error::invalid_argument, "ef_search = 9 ",
               [&] { flat->search(clusters(1, 8, 2), 1, {.ef_search = 9}); });
  const auto graph = filled("HNSW8", clusters(10, 8, 1));
  expect_error(Error::invalid_argument, "nprobe", [&] { graph->search(clusters(1, 8, 2), 1, {.nprobe = 9}); });
}

TEST(Graph, FindsTheCellsOfAPartition) {
  const Matrix rows = clusters(8000, 16, 1);
  const auto ivf = filled("IVF200_HNSW8,nprobe=20,Flat", rows);
  EXPECT_EQ(ivf->spec(), index_factory(16, ivf->spec())->spec());
  EXPECT_GE(recall(*ivf, *filled("Flat", rows), clusters(50, 16, 2), 10), 0.8);
}

TEST(Graph, SearchesWhileRowsComeAndGo) {
  const Matrix rows = clusters(3000, 16, 1);
  auto graph = filled("HNSW8,Flat", MatrixView(rows).slice(0, 2000));
  std::atomic<bool> done = false;
  std::atomic<std::size_t> wrong = 0;
  std::vector<std::thread> readers;
  for (int t = 0; t < 2; ++t) {
    readers.emplace_back([&] {
      while (!done) {
        const Neighbors found = graph->search(MatrixView(rows).slice(0, 20), 1, {.run = {.num_threads = 1}});
        for (std::size_t q = 0; q < 20; ++q) wrong += found.ids[q] != static_cast<Id>(q) ? 1 : 0;
      }
    });
  }
  for (std::size_t i = 0; i < 10; ++i) {
    graph->add(MatrixView(rows).slice(2000 + i * 100, 100));
    const std::vector<Id> gone = {static_cast<Id>(100 + i), static_cast<Id>(500 + i)};
    graph->remove(gone);
  }
  done = true;
  for (std::thread& reader : readers) reader.join();
  EXPECT_EQ(wrong, 0U);
}

}  // namespace
}  // namespace knear
