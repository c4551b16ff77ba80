// knear build: vectors in, an index file out.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <filesystem>
#include <numeric>
#include <span>

#include "command.h"
#include "flags.h"
#include "knear/io.h"
#include "knear/spec.h"
#include "measure.h"
#include "source.h"
#include "target.h"
#include "text.h"

namespace knear::cli {
namespace {

constexpr const char* kExamples = R"(Examples:
  knear build base.fvecs -o base.knear
  knear build glove.hdf5:train --index Flat --metric cosine -o glove.knear
  knear build base.fbin --index OPQ16_64,PQ16x4fs,RFlat -o base.knear
  knear build base.fbin --index IVF4096,PQ16x8 -o ivf.knear
  knear build base.fbin --index IMI2x10,PQ16 -o multi.knear
  knear build base.fbin --index HNSW32,SQ8 -o graph.knear
  knear build base.fbin --index NSG32,Flat -o graph.knear
  knear build base.fbin --index IVF1024,by_residual=off,nprobe=16,SQ8,RFlat -o ivf.knear
  knear build huge.fbin --index IVF65536,PQ32x8 --memory 4GB -o huge.knear
  knear build tuesday.fbin --trained monday.knear -o tuesday.knear
  knear build images.npy --dtype float16 --ids names.ivecs -o images.knear

The factory string names stages: transforms, cells, how rows are coded, what ranks again. Cells are
IVF<n>[(coarse)][,nprobe=N][,by_residual=on|off] in front of a codec: rows lie in n lists by k-means,
and a search looks only into those of the N cells nearest to its query. IMI<m>x<b> has 2^(mb) cells, the
combinations of 2^b k-means centroids for each of m parts of a row; IVF65536(RCQ2x8) those of two levels.
HNSW<M>[,ef_construction=N][,ef_search=N] in front of a codec is a graph of M edges a row; so are NSG<M>,
Vamana<M>[,alpha=A] and NNDescent<M>.)";

constexpr std::uint64_t kTrainSeed = 1234;
constexpr std::size_t kTrainRows = 131072;
constexpr std::size_t kTrainRowsOfCell = 64;
constexpr std::size_t kLeastTrainRowsOfCell = 39;  // that k-means wants
constexpr std::size_t kLeastTrainRows = 16384;

struct BuildFlags {
  std::string data;
  std::string spec = "Flat";
  std::string trained;  // an index file
  std::string metric = "l2";
  std::string dtype;
  std::string ids;
  std::string output;
  std::string nan = "reject";
  std::uint64_t memory = 0;    // 0: half of what there is
  std::size_t train_rows = 0;  // 0: enough for what the spec says
};

NanPolicy nan_policy_of(const std::string& name) {
  if (name == "reject") return NanPolicy::reject;
  if (name == "skip") return NanPolicy::skip;
  if (name == "keep") return NanPolicy::keep;
  throw Error(Error::invalid_argument, fmt::format("'{}' is none of reject, skip, keep", name));
}

std::unique_ptr<Index> empty_index(const BuildFlags& flags, const VectorFile& file) {
  Spec spec = parse_spec(flags.spec);
  if (flags.dtype == "same") {
    spec.codec.set("dtype", name_of(file.dtype()));
  } else if (!flags.dtype.empty()) {
    spec.codec.set("dtype", name_of(dtype_of(flags.dtype)));
  }
  return build(spec, file.dim(), metric_of(flags.metric));
}

// What another index has learned, without its rows.
std::unique_ptr<Index> emptied(const std::string& path) {
  auto index = load(path);
  index->clear();
  return index;
}

// The ids that the rows get: from the file of --ids, or row numbers where rows may be left out; else none.
class RowIds {
 public:
  RowIds(const BuildFlags& flags, std::size_t rows) {
    if (!flags.ids.empty()) {
      ids_ = read_id_source(flags.ids, "neighbors").ids;
      if (ids_.size() != rows) {
        throw Error(Error::invalid_argument,
                    fmt::format("{} holds {} ids, {} has {} rows", flags.ids, ids_.size(), flags.data, rows));
      }
    } else if (flags.nan == "skip") {
      ids_.resize(rows);
      std::iota(ids_.begin(), ids_.end(), Id{0});
    }
  }

  std::span<const Id> of(std::size_t first, std::size_t count) const {
    return ids_.empty() ? std::span<const Id>() : std::span(ids_).subspan(first, count);
  }

 private:
  std::vector<Id> ids_;
};

// The first row that holds NaN or Inf, or the number of rows.
std::size_t first_bad_row(MatrixView rows) {
  std::vector<float> values(rows.dim());
  std::size_t i = 0;
  for (; i < rows.rows(); ++i) {
    rows.copy_row(i, values.data());
    if (!std::ranges::all_of(values, [](float v) { return std::isfinite(v); })) break;
  }
  return i;
}

std::size_t add_all(FileBuilder& builder, VectorFile& file, const BuildFlags& flags, Session& session) {
  const RowIds ids(flags, file.rows());
  std::size_t stored = 0;
  for_each_block(file, {0, file.rows()}, session, [&](std::size_t first, MatrixView rows) {
    const AddOptions options{.ids = ids.of(first, rows.rows()),
                             .nan_policy = nan_policy_of(flags.nan),
                             .run = session.run_part("add", first, file.rows())};
    try {
      stored += builder.add(rows, options);
    } catch (const Error& error) {
      // The library counts rows from the start of the block.
      if (error.kind() != Error::invalid_argument || flags.nan != "reject") throw;
      const std::size_t bad = first_bad_row(rows);
      if (bad == rows.rows()) throw;
      throw Error(error.kind(), fmt::format("{}: row {} holds NaN or Inf (--nan skip leaves such rows out, "
                                            "--nan keep stores them)",
                                            flags.data, first + bad));
    }
  });
  return stored;
}

// Half of the memory that is given takes the rows, the other half what training keeps of each.
std::size_t wanted_train_rows(const BuildFlags& flags, std::size_t dim) {
  if (flags.train_rows != 0) return flags.train_rows;
  const Spec spec = parse_spec(flags.spec);
  const std::size_t wanted = spec.cells ? std::max(kTrainRows, spec.cells->centroids() * kTrainRowsOfCell) : kTrainRows;
  if (flags.memory == 0) return wanted;
  const std::size_t least = spec.cells ? spec.cells->centroids() * kLeastTrainRowsOfCell : kLeastTrainRows;
  return std::clamp(flags.memory / 2 / (dim * sizeof(float)), std::min(least, wanted), wanted);
}

struct Training {
  std::size_t rows = 0;  // that the index learned from
  std::vector<std::string> warnings;
};

Training train(Index& index, VectorFile& file, const BuildFlags& flags, Session& session) {
  Training training;
  if (index.is_trained()) return training;
  const Matrix rows = sample_rows(file, wanted_train_rows(flags, file.dim()), kTrainSeed, session.run());
  index.train(rows, {session.run(), &training.warnings});
  training.rows = rows.rows();
  return training;
}

Exit run(const BuildFlags& flags, Session& session) {
  require_writable(flags.output);
  const auto file = open_source(flags.data, "train", session);
  const std::shared_ptr<Index> index = flags.trained.empty() ? empty_index(flags, *file) : emptied(flags.trained);
  const bool needs_training = !index->is_trained();

  Stopwatch watch;
  const Training training = train(*index, *file, flags, session);
  const double train_seconds = watch.lap();
  FileBuilder builder(index, flags.output, {.memory_bytes = flags.memory});
  const std::size_t stored = add_all(builder, *file, flags, session);
  const double build_seconds = watch.lap();
  builder.finish(session.run());
  session.bar().clear();
  const double save_seconds = watch.lap();

  const std::uint64_t file_bytes = std::filesystem::file_size(flags.output);
  const double per_vector = stored == 0 ? 0 : static_cast<double>(file_bytes) / static_cast<double>(stored);
  Result result;
  result.add("output", flags.output, "index file", fmt::format("{}, {}", flags.output, bytes_text(file_bytes)));
  result.add_json("file_bytes", file_bytes);
  result.add("spec", index->spec(), "spec", index->spec());
  result.add("metric", name_of(index->metric()), "metric", name_of(index->metric()));
  result.add("dtype", name_of(index->dtype()), "stored as", name_of(index->dtype()));
  result.add("dim", index->dim(), "dimensions", grouped(index->dim()));
  result.add("ntotal", stored, "vectors", grouped(stored));
  result.add_json("skipped", file->rows() - stored);
  if (stored < file->rows()) result.add_line("left out", grouped(file->rows() - stored) + " rows with NaN or Inf");
  result.add("bytes_per_vector", per_vector, "bytes per vector", fmt::format("{:.1f}", per_vector));
  if (needs_training) {
    result.add("train_seconds", train_seconds, "trained in",
               fmt::format("{}, from {} rows", duration_text(train_seconds), grouped(training.rows)));
    result.add_json("train_rows", training.rows);
    for (const std::string& warning : training.warnings) result.add_line("note", warning);
    result.add_json("warnings", training.warnings);
  }
  result.add("build_seconds", build_seconds, "built in",
             fmt::format("{}, {} threads", duration_text(build_seconds), session.threads()));
  result.add("save_seconds", save_seconds, "saved in", duration_text(save_seconds));
  result.add_json("parts", builder.parts());
  if (builder.parts()) result.add_line("in parts", fmt::format("{}, then merged", builder.parts()));
  result.add_json("threads", session.threads());
  add_peak_memory(result);
  session.print(result);
  return Exit::fine;
}

}  // namespace

Command declare_build(CLI::App& program) {
  auto flags = std::make_shared<BuildFlags>();
  CLI::App* app = program.add_subcommand("build", "Build an index from a file of vectors");
  app->add_option("DATA", flags->data, "Vectors: .npy .fvecs .bvecs .fbin .u8bin .i8bin .hdf5[:dataset], or - for text")
      ->required();
  app->add_option("-o,--output", flags->output, "The index file to write")->required();
  CLI::Option* spec = app->add_option("-i,--index", flags->spec, "Factory string of the index")
                          ->check(accepted_by([](const std::string& text) { parse_spec(text); }))
                          ->capture_default_str();
  CLI::Option* metric = add_metric_flag(*app, flags->metric);
  CLI::Option* dtype = app->add_option("--dtype", flags->dtype,
                                       "Stored elements: float32, float16, bfloat16, int8, uint8, or same as DATA")
                           ->check(accepted_by([](const std::string& name) {
                             if (name != "same") dtype_of(name);
                           }));
  app->add_option("--trained", flags->trained,
                  "An index file to take all from but its rows: spec, metric, what was learned. Files that share this "
                  "can be merged")
      ->excludes(spec)
      ->excludes(metric)
      ->excludes(dtype);
  app->add_option("--train-rows", flags->train_rows,
                  "Rows drawn from DATA to train on [131072, or 64 for each cell if more; fewer where --memory "
                  "says so]")
      ->check(at_least_one());
  app->add_option("--memory", flags->memory,
                  "For the index while it grows, as 500MB or 8GB: what is more goes to the disk in parts beside the "
                  "file [half of what there is]")
      ->transform(CLI::AsSizeValue(false));
  app->add_option("--ids", flags->ids, "Ids of the rows: .ivecs, .ibin, integer .npy (default: row numbers)");
  app->add_option("--nan", flags->nan, "Rows with NaN or Inf: reject, skip or keep")
      ->check(accepted_by(nan_policy_of))
      ->capture_default_str();
  app->footer(kExamples);
  return {app, [flags](Session& session) { return run(*flags, session); }};
}

}  // namespace knear::cli
