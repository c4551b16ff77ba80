// knear groundtruth: the exact neighbours of each query, without an index.
#include <fmt/format.h>

#include "command.h"
#include "flags.h"
#include "knear/knn.h"
#include "measure.h"
#include "source.h"
#include "target.h"
#include "text.h"

namespace knear::cli {
namespace {

constexpr const char* kExamples = R"(Examples:
  knear groundtruth base.fvecs queries.fvecs -k 100 -o truth.ivecs
  knear groundtruth base.fbin queries.fbin -k 100 --metric ip -o truth.ibin --distances truth.fbin

Exact: distances are accumulated in float64, equal ones are ordered by id. BASE is mapped and may be
larger than memory; HDF5, float64 and packed files are read into memory (see knear convert).)";

struct GroundtruthFlags {
  std::string base;
  std::string queries;
  std::string metric = "l2";
  std::size_t k = 100;
  std::string output;
  std::string distances;
};

Exit run(const GroundtruthFlags& flags, Session& session) {
  for (const std::string& path : {flags.output, flags.distances}) {
    if (!path.empty()) require_writable(path);
  }
  const auto base = open_source(flags.base, "train", session);
  const auto queries = open_source(flags.queries, "test", session);

  // One call over all of both: merging float32 distances of blocks could not order rows that differ in float64.
  Stopwatch watch;
  Neighbors found = knn(queries->read(0, queries->rows()), base->read(0, base->rows()), flags.k,
                        metric_of(flags.metric), {.run = session.run_part("search", 0, queries->rows())});
  const double seconds = watch.lap();
  session.bar().clear();
  if (!flags.distances.empty()) {
    const auto writer = create_vectors(flags.distances, flags.k, DType::f32);
    writer->append(MatrixView(found.distances, flags.k));
    writer->finish();
  }
  write_ids(flags.output, {found.queries, flags.k, std::move(found.ids)});

  Result result;
  result.add("output", flags.output, "written to", flags.output);
  result.add("ntotal", base->rows(), "base", fmt::format("{} x {}", grouped(base->rows()), base->dim()));
  result.add("queries", queries->rows(), "queries", grouped(queries->rows()));
  result.add("k", flags.k, "k", grouped(flags.k));
  result.add("metric", name_of(metric_of(flags.metric)), "metric", name_of(metric_of(flags.metric)));
  result.add("seconds", seconds, "searched in",
             fmt::format("{}, {} threads", duration_text(seconds), session.threads()));
  result.add_json("threads", session.threads());
  session.print(result);
  return Exit::fine;
}

}  // namespace

Command declare_groundtruth(CLI::App& program) {
  auto flags = std::make_shared<GroundtruthFlags>();
  CLI::App* app = program.add_subcommand("groundtruth", "Find the exact neighbours, to measure others against");
  app->add_option("BASE", flags->base, "Vectors to search, as DATA of build")->required();
  app->add_option("QUERIES", flags->queries, "Vectors, as DATA of build")->required();
  app->add_option("-o,--output", flags->output, "Ids as .ivecs, .ibin or .npy")
      ->required()
      ->check(named_like({".ivecs", ".ibin", ".npy"}));
  app->add_option("-d,--distances", flags->distances, "Distances as .fvecs, .fbin or .npy")
      ->check(named_like({".fvecs", ".fbin", ".npy"}));
  add_k_flag(*app, flags->k);
  add_metric_flag(*app, flags->metric);
  app->footer(kExamples);
  return {app, [flags](Session& session) { return run(*flags, session); }};
}

}  // namespace knear::cli
