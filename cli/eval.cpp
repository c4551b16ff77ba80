// knear eval: recall against the truth, throughput of the batch, latency of single queries, memory.
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "command.h"
#include "flags.h"
#include "knear/io.h"
#include "measure.h"
#include "recall.h"
#include "source.h"
#include "text.h"

namespace knear::cli {
namespace {

constexpr const char* kExamples = R"(Examples:
  knear groundtruth base.fvecs queries.fvecs -k 100 -o truth.ivecs
  knear eval base.knear queries.fvecs --truth truth.ivecs -k 10
  knear eval glove.knear glove.hdf5:test --truth glove.hdf5:neighbors --threads 1 --json

Recall is given twice: by id (found among the true k), and by distance (no farther than the true
k-th), which also counts the other of two equally near rows.
Queries per second: median over the repeats, after one warm-up batch.
Latency: one query a call, evenly sampled from QUERIES.)";

struct EvalFlags {
  std::string index;
  std::string queries;
  std::string truth;
  std::size_t k = 10;
  std::size_t repeats = 3;
  std::size_t latency_queries = 1000;
};

struct Speed {
  double qps = 0;
  double p50 = 0, p95 = 0, p99 = 0;  // seconds
  std::size_t sampled = 0;
};

double median(std::vector<double> values) {
  std::ranges::sort(values);
  const std::size_t half = values.size() / 2;
  return values.size() % 2 == 1 ? values[half] : (values[half - 1] + values[half]) / 2;
}

double batch_seconds(const Index& index, MatrixView queries, const EvalFlags& flags, Session& session) {
  std::vector<double> seconds;
  for (std::size_t repeat = 0; repeat < flags.repeats; ++repeat) {
    session.bar().show("measure", repeat, flags.repeats);
    Stopwatch watch;
    index.search(queries, flags.k, {.run = session.quiet_run()});
    seconds.push_back(watch.lap());
  }
  return median(std::move(seconds));
}

// Seconds of single queries, ascending.
std::vector<double> single_seconds(const Index& index, MatrixView queries, const EvalFlags& flags, Session& session) {
  const std::size_t count = std::min(flags.latency_queries, queries.rows());
  const SearchOptions options{.run = session.quiet_run()};
  std::vector<float> distances(flags.k);
  std::vector<Id> ids(flags.k);
  std::vector<double> seconds(count);
  for (std::size_t i = 0; i < count; ++i) {
    session.bar().show("latency", i, count);
    const MatrixView query = queries.slice(i * queries.rows() / count, 1);
    Stopwatch watch;
    index.search(query, flags.k, distances, ids, {}, options);
    seconds[i] = watch.lap();
  }
  std::ranges::sort(seconds);
  return seconds;
}

Speed speed_of(const Index& index, MatrixView queries, const EvalFlags& flags, Session& session) {
  const double batch = batch_seconds(index, queries, flags, session);
  const std::vector<double> single = single_seconds(index, queries, flags, session);
  return {.qps = batch > 0 ? static_cast<double>(queries.rows()) / batch : 0,
          .p50 = percentile(single, 0.50),
          .p95 = percentile(single, 0.95),
          .p99 = percentile(single, 0.99),
          .sampled = single.size()};
}

void add_recall(const Recall& recall, std::size_t k, Result& result) {
  result.add("recall", recall.by_id, fmt::format("recall@{} by id", k), fmt::format("{:.4f}", recall.by_id));
  result.add("recall_by_distance", recall.by_distance, fmt::format("recall@{} by distance", k),
             fmt::format("{:.4f}", recall.by_distance));
}

void add_speed(const Speed& speed, const EvalFlags& flags, const Session& session, Result& result) {
  result.add(
      "qps", speed.qps, "queries per second",
      fmt::format("{}, median of {} batches, {} threads", short_count(speed.qps), flags.repeats, session.threads()));
  result.add_line("latency", fmt::format("p50 {}, p95 {}, p99 {} over {} single queries", duration_text(speed.p50),
                                         duration_text(speed.p95), duration_text(speed.p99), grouped(speed.sampled)));
  result.add_json("p50_ms", speed.p50 * 1e3);
  result.add_json("p95_ms", speed.p95 * 1e3);
  result.add_json("p99_ms", speed.p99 * 1e3);
  result.add_json("latency_queries", speed.sampled);
  result.add_json("threads", session.threads());
}

void add_index(const Index& index, const EvalFlags& flags, Result& result) {
  const IndexStats stats = index.stats();
  const std::uint64_t file_bytes = std::filesystem::file_size(flags.index);
  const double per_vector = index.size() == 0 ? 0 : static_cast<double>(file_bytes) / static_cast<double>(index.size());
  result.add("spec", index.spec(), "index",
             fmt::format("{}, {}, {} x {}", index.spec(), name_of(index.metric()), grouped(index.size()), index.dim()));
  result.add_json("metric", name_of(index.metric()));
  result.add_json("ntotal", index.size());
  result.add_json("dim", index.dim());
  result.add("bytes_per_vector", per_vector, "bytes per vector", fmt::format("{:.1f} on disk", per_vector));
  result.add("memory_bytes", stats.memory_bytes, "memory",
             fmt::format("{} held, {} mapped", bytes_text(stats.memory_bytes), bytes_text(stats.mapped_bytes)));
  result.add_json("mapped_bytes", stats.mapped_bytes);
  if (stats.shadow_bytes == 0) return;
  result.add("shadow", stats.shadow, "shadows", fmt::format("{} bytes a vector, {}", stats.shadow_bytes, stats.shadow));
}

Exit run(const EvalFlags& flags, Session& session) {
  const auto index = load(flags.index);
  const auto file = open_source(flags.queries, "test", session);
  const IdMatrix truth = read_id_source(flags.truth, "neighbors");
  const MatrixView queries = file->read(0, file->rows());

  const Neighbors found = index->search(queries, flags.k, {.run = session.run_part("warm up", 0, queries.rows())});
  const Recall recall = recall_of(*index, queries, found, truth);
  const Speed speed = speed_of(*index, queries, flags, session);

  Result result;
  add_recall(recall, flags.k, result);
  add_speed(speed, flags, session, result);
  add_index(*index, flags, result);
  add_peak_memory(result);
  result.add_json("k", flags.k);
  result.add_json("queries", queries.rows());
  session.print(result);
  return Exit::fine;
}

}  // namespace

Command declare_eval(CLI::App& program) {
  auto flags = std::make_shared<EvalFlags>();
  CLI::App* app = program.add_subcommand("eval", "Measure recall, speed and memory against known neighbours");
  app->add_option("FILE", flags->index, "An index file")->required();
  app->add_option("QUERIES", flags->queries, "Vectors, as DATA of build")->required();
  app->add_option("-t,--truth", flags->truth, "True neighbours: .ivecs, .ibin, integer .npy, .hdf5[:dataset]")
      ->required();
  add_k_flag(*app, flags->k);
  app->add_option("--repeats", flags->repeats, "Timed batches")->check(at_least_one())->capture_default_str();
  app->add_option("--latency-queries", flags->latency_queries, "Most single queries to time")
      ->check(at_least_one())
      ->capture_default_str();
  app->footer(kExamples);
  return {app, [flags](Session& session) { return run(*flags, session); }};
}

}  // namespace knear::cli
