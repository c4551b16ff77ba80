// knear eval: recall against the truth, throughput of the batch, latency of single queries, memory.
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <vector>

#include "cells.h"
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
  knear eval ivf.knear queries.fvecs --truth truth.ivecs --nprobe 1,4,16,64
  knear eval graph.knear queries.fvecs --truth truth.ivecs --ef-search 32,64,128

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
  std::vector<std::size_t> nprobes;
  std::vector<std::size_t> ef_searches;
  std::size_t max_codes = 0;  // 0: no limit
};

// How much of the index a search looks at.
struct Effort {
  const char* name = "nprobe";
  std::size_t value = 0;  // 0: the index's own
};

struct Speed {
  double qps = 0;
  double p50 = 0, p95 = 0, p99 = 0;  // seconds
  std::size_t sampled = 0;
};

// What one way to search gives.
struct Run {
  Effort effort;
  Recall recall;
  Speed speed;
  double rows_scored = 0, lists_visited = 0;  // of each query
};

double median(std::vector<double> values) {
  std::ranges::sort(values);
  const std::size_t half = values.size() / 2;
  return values.size() % 2 == 1 ? values[half] : (values[half - 1] + values[half]) / 2;
}

double batch_seconds(const Index& index, MatrixView queries, const SearchOptions& options, const EvalFlags& flags,
                     Session& session) {
  std::vector<double> seconds;
  for (std::size_t repeat = 0; repeat < flags.repeats; ++repeat) {
    session.bar().show("measure", repeat, flags.repeats);
    Stopwatch watch;
    index.search(queries, flags.k, options);
    seconds.push_back(watch.lap());
  }
  return median(std::move(seconds));
}

// Seconds of single queries, ascending.
std::vector<double> single_seconds(const Index& index, MatrixView queries, const SearchOptions& options,
                                   const EvalFlags& flags, Session& session) {
  const std::size_t count = std::min(flags.latency_queries, queries.rows());
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

Speed speed_of(const Index& index, MatrixView queries, const SearchOptions& options, const EvalFlags& flags,
               Session& session) {
  const double batch = batch_seconds(index, queries, options, flags, session);
  const std::vector<double> single = single_seconds(index, queries, options, flags, session);
  return {.qps = batch > 0 ? static_cast<double>(queries.rows()) / batch : 0,
          .p50 = percentile(single, 0.50),
          .p95 = percentile(single, 0.95),
          .p99 = percentile(single, 0.99),
          .sampled = single.size()};
}

Run measure(const Index& index, MatrixView queries, const IdMatrix& truth, Effort effort, const EvalFlags& flags,
            Session& session) {
  SearchStats stats;
  const bool walks = !flags.ef_searches.empty();
  SearchOptions options{.nprobe = walks ? 0 : effort.value,
                        .max_codes = flags.max_codes,
                        .ef_search = walks ? effort.value : 0,
                        .stats = &stats,
                        .run = session.run_part("warm up", 0, queries.rows())};
  const Neighbors found = index.search(queries, flags.k, options);
  options.stats = nullptr;
  options.run = session.quiet_run();
  const auto count = static_cast<double>(std::max<std::size_t>(1, queries.rows()));
  return {.effort = effort,
          .recall = recall_of(index, queries, found, truth),
          .speed = speed_of(index, queries, options, flags, session),
          .rows_scored = static_cast<double>(stats.rows_scored) / count,
          .lists_visited = static_cast<double>(stats.lists_visited) / count};
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

void add_looked_at(const Run& run, Result& result) {
  result.add("rows_per_query", run.rows_scored, "rows scored", fmt::format("{:.1f} a query", run.rows_scored));
  result.add_json("lists_per_query", run.lists_visited);
  if (run.lists_visited > 0) result.add_line("lists visited", fmt::format("{:.1f} a query", run.lists_visited));
}

// Several ways to search: {"runs": [{"nprobe": …, "recall": …}, …]}, or "ef_search", and a line for each.
void add_runs(const std::vector<Run>& runs, const EvalFlags& flags, const Session& session, Result& result) {
  Json list = Json::array();
  for (const Run& run : runs) {
    list.push_back({{run.effort.name, run.effort.value},
                    {"recall", run.recall.by_id},
                    {"recall_by_distance", run.recall.by_distance},
                    {"qps", run.speed.qps},
                    {"p50_ms", run.speed.p50 * 1e3},
                    {"p95_ms", run.speed.p95 * 1e3},
                    {"p99_ms", run.speed.p99 * 1e3},
                    {"rows_per_query", run.rows_scored},
                    {"lists_per_query", run.lists_visited}});
    const std::string lists = run.lists_visited > 0 ? fmt::format(", {:.1f} lists visited", run.lists_visited) : "";
    result.add_line(fmt::format("{} {}", run.effort.name, run.effort.value),
                    fmt::format("recall@{} {:.4f}  {:>5} queries per second  p50 {}  {:.1f} rows scored{} a query",
                                flags.k, run.recall.by_id, short_count(run.speed.qps), duration_text(run.speed.p50),
                                run.rows_scored, lists));
  }
  result.add_json("runs", std::move(list));
  result.add_json("latency_queries", runs.front().speed.sampled);
  result.add_json("threads", session.threads());
}

// One way to search.
void add_run(const Run& run, const EvalFlags& flags, const Session& session, Result& result) {
  const auto [name, value] = run.effort;
  if (value != 0) result.add(name, value, name, grouped(value));
  add_recall(run.recall, flags.k, result);
  add_speed(run.speed, flags, session, result);
  add_looked_at(run, result);
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

  std::vector<Effort> efforts;
  for (const std::size_t ef : flags.ef_searches) efforts.push_back({"ef_search", ef});
  for (const std::size_t nprobe : flags.nprobes) efforts.push_back({"nprobe", nprobe});
  if (efforts.empty()) {
    const IvfIndex* partition = partition_in(*index);
    efforts.push_back({"nprobe", partition ? partition->nprobe() : 0});
  }
  std::vector<Run> runs;
  runs.reserve(efforts.size());
  for (const Effort effort : efforts) runs.push_back(measure(*index, queries, truth, effort, flags, session));

  Result result;
  if (runs.size() == 1) {
    add_run(runs.front(), flags, session, result);
  } else {
    add_runs(runs, flags, session, result);
  }
  if (flags.max_codes != 0) result.add("max_codes", flags.max_codes, "max codes", grouped(flags.max_codes));
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
  app->add_option("--nprobe", flags->nprobes,
                  "Cells to look into, of an index with cells; 1,4,16 measures each in turn")
      ->delimiter(',')
      ->allow_extra_args(false)
      ->type_name("N[,N...]")
      ->check(at_least_one());
  app->add_option("--ef-search", flags->ef_searches, "Near rows that a walk keeps, of a graph; 32,64,128 as above")
      ->delimiter(',')
      ->allow_extra_args(false)
      ->type_name("N[,N...]")
      ->check(at_least_one())
      ->excludes("--nprobe");
  add_max_codes_flag(*app, flags->max_codes);
  app->footer(kExamples);
  return {app, [flags](Session& session) { return run(*flags, session); }};
}

}  // namespace knear::cli
