// knear generate: made-up vectors of any number, the same on every machine.
#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "command.h"
#include "flags.h"
#include "measure.h"
#include "source.h"
#include "target.h"
#include "text.h"

namespace knear::cli {
namespace {

constexpr const char* kExamples = R"(Examples:
  knear generate base.fvecs --rows 1000000 --dim 128
  knear generate queries.fvecs --rows 10000 --dim 128 --first-row 1000000

Clusters of low intrinsic dimension, which is nearer to real data than evenly spread numbers. A row
depends on its number, the seed and the shape only: queries are rows that the base leaves out.)";

struct GenerateFlags {
  std::string output;
  SyntheticOptions shape;
  std::optional<std::size_t> intrinsic_dim;
};

// Rows [first, first + rows) of what the flags describe. All that can be wrong with it is the flags.
Matrix make_block(SyntheticOptions block, std::size_t first, std::size_t rows) {
  block.first_row += first;
  block.rows = rows;
  try {
    return synthetic_vectors(block);
  } catch (const Error& error) {
    if (error.kind() == Error::invalid_argument) throw UsageError(error.what());
    throw;
  }
}

Exit run(const GenerateFlags& flags, Session& session) {
  require_writable(flags.output);
  constexpr std::size_t kBlockFloats = std::size_t{1} << 22;
  SyntheticOptions all = flags.shape;
  all.intrinsic_dim = flags.intrinsic_dim.value_or(std::min(all.intrinsic_dim, all.dim));
  const std::size_t block_rows = kBlockFloats / (all.dim + 1) + 1;
  const auto writer = create_vectors(flags.output, all.dim, DType::f32);
  Stopwatch watch;
  for (std::size_t first = 0; first < all.rows; first += block_rows) {
    session.stop_if_asked();
    all.run = session.run_part("generate", first, all.rows);
    writer->append(make_block(all, first, std::min(block_rows, all.rows - first)));
  }
  writer->finish();

  const double seconds = watch.lap();
  Result result;
  result.add("output", flags.output, "written to", flags.output);
  result.add("rows", all.rows, "rows", grouped(all.rows));
  result.add("dim", all.dim, "dimensions", grouped(all.dim));
  result.add("seed", all.seed, "seed", std::to_string(all.seed));
  result.add("seconds", seconds, "made in", duration_text(seconds));
  session.print(result);
  return Exit::fine;
}

}  // namespace

Command declare_generate(CLI::App& program) {
  auto flags = std::make_shared<GenerateFlags>();
  SyntheticOptions& shape = flags->shape;
  CLI::App* app = program.add_subcommand("generate", "Make up vectors, clustered as real ones are");
  app->add_option("OUT", flags->output, "float32 vectors: .fvecs, .fbin or .npy")
      ->required()
      ->check(named_like({".fvecs", ".fbin", ".npy"}));
  const auto count = [&](const char* name, auto& value, const char* what) {
    app->add_option(name, value, what)->check(at_least_one())->capture_default_str();
  };
  count("--rows", shape.rows, "Vectors");
  count("--dim", shape.dim, "Dimensions");
  count("--clusters", shape.clusters, "Clusters");
  app->add_option("--intrinsic-dim", flags->intrinsic_dim, "Directions in which a cluster is spread [16]")
      ->check(at_least_one());
  app->add_option("--spread", shape.spread, "Standard deviation around the centre")->capture_default_str();
  app->add_option("--noise", shape.noise, "Standard deviation of what is added to each element")->capture_default_str();
  app->add_option("--seed", shape.seed, "Another number, other vectors")->capture_default_str();
  app->add_option("--first-row", shape.first_row, "Number of the first row")->capture_default_str();
  app->footer(kExamples);
  return {app, [flags](Session& session) { return run(*flags, session); }};
}

}  // namespace knear::cli
