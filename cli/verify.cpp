// knear verify: is this index file whole?
#include <fmt/format.h>

#include <filesystem>

#include "command.h"
#include "knear/io.h"

namespace knear::cli {
namespace {

constexpr const char* kExamples = R"(Examples:
  knear verify base.knear && echo whole
  knear verify base.knear --json

Checks every checksum and every cross-reference. Exit code 0: intact; 1: damaged.)";

Exit run(const std::string& file, Session& session) {
  // Throws for a file that cannot be opened, which is no damage.
  const std::uint64_t file_bytes = std::filesystem::file_size(file);
  const Report report = verify_file(file, session.run());
  session.bar().clear();
  Result result;
  result.add_json("file", file);
  result.add_json("file_bytes", file_bytes);
  result.add("ok", report.ok, file, report.ok ? "intact" : "damaged");
  for (const std::string& problem : report.problems) result.add_line("", problem);
  result.add_json("problems", report.problems);
  session.print(result);
  return report.ok ? Exit::fine : Exit::answer_is_no;
}

}  // namespace

Command declare_verify(CLI::App& program) {
  auto file = std::make_shared<std::string>();
  CLI::App* app = program.add_subcommand("verify", "Check an index file for damage");
  app->add_option("FILE", *file, "An index file")->required();
  app->footer(kExamples);
  return {app, [file](Session& session) { return run(*file, session); }};
}

}  // namespace knear::cli
