// knear merge: index files in, one index file out.
#include <fmt/format.h>

#include <filesystem>
#include <string>
#include <vector>

#include "command.h"
#include "flags.h"
#include "knear/io.h"
#include "measure.h"
#include "target.h"
#include "text.h"

namespace knear::cli {
namespace {

constexpr const char* kExamples = R"(Examples:
  knear merge shard0.knear shard1.knear shard2.knear -o all.knear
  knear merge monday.knear tuesday.knear --ids shift -o week.knear
  knear merge base.knear changes.knear --on-duplicate replace -o base.knear

The files hold what was learned in one training: build one index, and fill copies of it. They stay as they
are. Little memory is taken, whatever they hold. Killed at any moment, it leaves the old file or the new one.)";

struct MergeFlags {
  std::vector<std::string> files;
  std::string output;
  std::string ids = "keep";
  std::string on_duplicate = "error";
};

MergeIds merge_ids_of(const std::string& name) {
  if (name == "keep") return MergeIds::keep;
  if (name == "shift") return MergeIds::shift;
  throw Error(Error::invalid_argument, fmt::format("'{}' is none of keep, shift", name));
}

OnDuplicate on_duplicate_of(const std::string& name) {
  if (name == "error") return OnDuplicate::error;
  if (name == "replace") return OnDuplicate::replace;
  if (name == "allow") return OnDuplicate::allow;
  throw Error(Error::invalid_argument, fmt::format("'{}' is none of error, replace, allow", name));
}

Exit run(const MergeFlags& flags, Session& session) {
  require_writable(flags.output);
  const std::vector<std::filesystem::path> files(flags.files.begin(), flags.files.end());
  Stopwatch watch;
  merge_files(
      files, flags.output,
      {.ids = merge_ids_of(flags.ids), .on_duplicate = on_duplicate_of(flags.on_duplicate), .run = session.run()});
  session.bar().clear();
  const double seconds = watch.lap();
  const FileInfo info = inspect(flags.output);
  Result result;
  result.add("output", flags.output, "index file", fmt::format("{}, {}", flags.output, bytes_text(info.file_bytes)));
  result.add_json("file_bytes", info.file_bytes);
  result.add("files", files.size(), "merged", fmt::format("{} files", files.size()));
  result.add("spec", info.spec, "spec", info.spec);
  result.add("dim", info.dim, "dimensions", grouped(info.dim));
  result.add("ntotal", info.ntotal, "vectors", grouped(info.ntotal));
  result.add("merge_seconds", seconds, "merged in", duration_text(seconds));
  add_peak_memory(result);
  session.print(result);
  return Exit::fine;
}

}  // namespace

Command declare_merge(CLI::App& program) {
  auto flags = std::make_shared<MergeFlags>();
  CLI::App* app = program.add_subcommand("merge", "Merge index files into one");
  app->add_option("FILE", flags->files, "Index files of one training")->required();
  app->add_option("-o,--output", flags->output, "The index file to write")->required();
  app->add_option("--ids", flags->ids, "Ids: keep, or shift those of each file behind those before it")
      ->check(accepted_by(merge_ids_of))
      ->capture_default_str();
  app->add_option("--on-duplicate", flags->on_duplicate, "An id in two files: error, replace (the last wins) or allow")
      ->check(accepted_by(on_duplicate_of))
      ->capture_default_str();
  app->footer(kExamples);
  return {app, [flags](Session& session) { return run(*flags, session); }};
}

}  // namespace knear::cli
