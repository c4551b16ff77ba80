// knear kmeans: centroids of a file of vectors.
#include <fmt/format.h>

#include <cmath>
#include <memory>

#include "command.h"
#include "flags.h"
#include "knear/cluster.h"
#include "measure.h"
#include "source.h"
#include "target.h"
#include "text.h"

namespace knear::cli {
namespace {

constexpr const char* kExamples = R"(Examples:
  knear kmeans base.fvecs -k 1024 -o centroids.fvecs
  knear kmeans base.fbin -k 256 --init k-means++ --early-stop 1e-4 -o centroids.npy --assign cells.ivecs
  knear kmeans base.npy -k 100 --balance 1.2 -o centroids.fvecs --assign cells.ivecs

Learns from a sample of --max-points-per-centroid rows for each centroid; only these are read, and DATA may be
larger than memory (see knear convert for HDF5, float64 and packed files).)";

struct KmeansFlags {
  std::string data;
  std::size_t k = 0;
  std::string output;
  std::string assign;
  std::string init = "random";
  bool two_level = false;
  KmeansOptions options;
};

KmeansInit init_of(const std::string& name) {
  if (name == "random") return KmeansInit::random;
  if (name == "k-means++") return KmeansInit::kmeans_plus_plus;
  if (name == "afk-mc2") return KmeansInit::afk_mc2;
  throw Error(Error::invalid_argument, fmt::format("'{}' is none of random, k-means++, afk-mc2", name));
}

// The bar tells the objective while it falls.
class Watched {
 public:
  Watched(const KmeansFlags& flags, Session& session) : session_(session), options_(flags.options) {
    options_.init = init_of(flags.init);
    options_.run = session.run();
    if (!options_.run.progress || flags.two_level) return;
    options_.run.progress = [this](const Progress& progress) {
      session_.bar().show(phase_, progress.done, progress.total);
      return true;
    };
    options_.on_iteration = [this](std::span<const KmeansIteration> done, MatrixView) {
      phase_ = fmt::format("k-means, {} of {}, objective {:.6g}", done.size(), options_.niter, done.back().objective);
      return true;
    };
  }

  const KmeansOptions& options() const { return options_; }

 private:
  Session& session_;
  KmeansOptions options_;
  std::string phase_ = "k-means";
};

// Block by block, unless cells are bounded: those depend on all rows at once.
std::vector<Id> cells_of(VectorFile& file, const Matrix& centroids, const KmeansFlags& flags, Session& session) {
  std::vector<Id> cells;
  cells.reserve(file.rows());
  std::vector<std::uint32_t> numbers;
  if (flags.options.balance != 0) {
    numbers.resize(file.rows());
    balanced_assign(file.read(0, file.rows()), centroids, flags.options.balance, numbers, session.run());
    cells.assign(numbers.begin(), numbers.end());
    return cells;
  }
  for_each_block(file, {0, file.rows()}, session, [&](std::size_t first, MatrixView rows) {
    numbers.resize(rows.rows());
    assign_to_nearest(rows, centroids, numbers, {}, session.run_part("assign", first, file.rows()));
    cells.insert(cells.end(), numbers.begin(), numbers.end());
  });
  return cells;
}

void write_vectors(const std::string& path, MatrixView rows) {
  const auto writer = create_vectors(path, rows.dim(), DType::f32);
  writer->append(rows);
  writer->finish();
}

Exit run(const KmeansFlags& flags, Session& session) {
  for (const std::string& path : {flags.output, flags.assign}) {
    if (!path.empty()) require_writable(path);
  }
  const auto file = open_source(flags.data, "train", session);

  Stopwatch watch;
  const Watched watched(flags, session);
  const MatrixView rows = file->read(0, file->rows());
  const Kmeans found =
      flags.two_level ? kmeans_two_level(rows, flags.k, watched.options()) : kmeans(rows, flags.k, watched.options());
  const double seconds = watch.lap();
  std::vector<Id> cells;
  if (!flags.assign.empty()) cells = cells_of(*file, found.centroids, flags, session);
  session.bar().clear();
  write_vectors(flags.output, found.centroids);
  if (!flags.assign.empty()) write_ids(flags.assign, {file->rows(), 1, std::move(cells)});

  Result result;
  result.add("output", flags.output, "written to", flags.output);
  result.add("ntotal", file->rows(), "rows", fmt::format("{} x {}", grouped(file->rows()), file->dim()));
  result.add("k", flags.k, "centroids", grouped(flags.k));
  result.add("objective", found.objective, "objective", fmt::format("{:.9g}", found.objective));
  if (!flags.two_level) {
    result.add("iterations", found.iterations.size(), "iterations", grouped(found.iterations.size()));
  }
  if (!found.iterations.empty()) {
    const double imbalance = found.iterations.back().imbalance;
    result.add("imbalance", imbalance, "imbalance", fmt::format("{:.4f}", imbalance));
  }
  for (const std::string& warning : found.warnings) result.add_line("note", warning);
  result.add_json("warnings", found.warnings);
  result.add("train_seconds", seconds, "trained in",
             fmt::format("{}, {} threads", duration_text(seconds), session.threads()));
  if (!flags.assign.empty()) {
    const double assign_seconds = watch.lap();
    result.add("assign_seconds", assign_seconds, "assigned in", duration_text(assign_seconds));
  }
  result.add_json("threads", session.threads());
  add_peak_memory(result);
  session.print(result);
  return Exit::fine;
}

void add_learning_flags(CLI::App& app, KmeansFlags& flags) {
  KmeansOptions& options = flags.options;
  app.add_option("--niter", options.niter, "Iterations at most")->check(at_least_one())->capture_default_str();
  app.add_option("--nredo", options.nredo, "Runs, of which the best stays")
      ->check(at_least_one())
      ->capture_default_str();
  app.add_option("--seed", options.seed, "Of all that is random")->capture_default_str();
  app.add_option("--init", flags.init, "random, k-means++ or afk-mc2")
      ->check(accepted_by(init_of))
      ->capture_default_str();
  app.add_flag("--spherical", options.spherical, "Centroids of length 1; rows go to the largest inner product");
  app.add_option("--balance", options.balance, "No cell gets more than this times n / k rows; 0: any number")
      ->capture_default_str();
  app.add_option("--max-points-per-centroid", options.max_points_per_centroid, "Of more rows, a sample; 0: all")
      ->capture_default_str();
  app.add_option("--early-stop", options.early_stop, "End when the objective falls by less than this share")
      ->capture_default_str();
  app.add_flag("--two-level", flags.two_level, "Coarse cells first, then centroids in each: for k above 65,536");
}

}  // namespace

Command declare_kmeans(CLI::App& program) {
  auto flags = std::make_shared<KmeansFlags>();
  CLI::App* app = program.add_subcommand("kmeans", "Find centroids that stand for many vectors");
  app->add_option("DATA", flags->data, "Vectors, as DATA of build")->required();
  app->add_option("-k", flags->k, "Centroids")->required()->check(at_least_one());
  app->add_option("-o,--output", flags->output, "Centroids as .fvecs, .fbin or .npy")
      ->required()
      ->check(named_like({".fvecs", ".fbin", ".npy"}));
  app->add_option("--assign", flags->assign, "Also the centroid of each row, as .ivecs, .ibin or .npy")
      ->check(named_like({".ivecs", ".ibin", ".npy"}));
  add_learning_flags(*app, *flags);
  app->footer(kExamples);
  return {app, [flags](Session& session) { return run(*flags, session); }};
}

}  // namespace knear::cli
