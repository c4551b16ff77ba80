// The program: finds the command, runs it, and turns what went wrong into one line and an exit code.
#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <iterator>
#include <memory>
#include <string>
#include <vector>

#include "command.h"
#include "flags.h"
#include "interrupt.h"
#include "knear/parallel.h"
#include "knear/version.h"
#include "text.h"

namespace knear::cli {
namespace {

constexpr const char* kAbout = "knear finds the nearest neighbours of vectors.";
constexpr const char* kExamples = R"(Examples:
  knear build base.fvecs --metric l2 -o base.knear
  knear search base.knear queries.fvecs -k 10 -o found.ivecs
  knear groundtruth base.fvecs queries.fvecs -k 100 -o truth.ivecs
  knear eval base.knear queries.fvecs --truth truth.ivecs -k 10

knear COMMAND --help tells more of each.
Exit codes: 0 fine, 1 the answer is no, 2 wrong usage, 3 bad data or file, 4 out of memory or disk, 130 stopped.)";

#if defined(__clang__)
constexpr const char* kCompiler = "clang " __clang_version__;
#else
constexpr const char* kCompiler = "g++ " __VERSION__;
#endif

class Program {
 public:
  Program() : app_(kAbout, "knear") {
    app_.set_help_flag("-h,--help", "Show this and leave");
    app_.add_flag("--version", version_, "Show version, compiler and instruction set, and leave");
    app_.add_flag("--json", flags_.json, "With --version: as a JSON object");
    app_.footer(kExamples);
    app_.get_formatter()->column_width(28);
    app_.get_formatter()->label("SUBCOMMAND", "COMMAND");
    for (const auto declare :
         {declare_build, declare_search, declare_eval, declare_groundtruth, declare_info, declare_verify,
          declare_convert, declare_merge, declare_kmeans, declare_encode, declare_decode, declare_generate}) {
      commands_.push_back(declare(app_));
      add_shared_flags(*commands_.back().app);
    }
  }

  Exit run(std::vector<std::string> arguments) {
    reject_unknown_command(arguments);
    std::ranges::reverse(arguments);  // the order that the parser takes
    try {
      app_.parse(std::move(arguments));
    } catch (const CLI::CallForHelp&) {
      write_stdout(app_.help());
      return Exit::fine;
    } catch (const CLI::ExtrasError&) {
      throw UsageError(unexpected_argument());
    } catch (const CLI::ParseError& error) {
      throw UsageError(error.what() + see_help());
    }
    return run_parsed();
  }

 private:
  void add_shared_flags(CLI::App& app) {
    app.add_option("--threads", flags_.threads, "Threads to use [all]")->check(at_least_one());
    app.add_flag("--json", flags_.json, "Print one JSON object");
    app.add_flag("-q,--quiet", flags_.quiet, "No progress bar");
  }

  Exit run_parsed() {
    if (version_) return show_version();
    const Interrupt interrupt;
    Session session(flags_, interrupt.token());
    const auto chosen = std::ranges::find_if(commands_, [](const Command& c) { return c.app->parsed(); });
    if (chosen == commands_.end()) {
      write_stdout(app_.help());
      return Exit::wrong_usage;
    }
    return chosen->run(session);
  }

  Exit show_version() const {
    Result result;
    result.add("version", version(), "knear", version());
    result.add("compiler", kCompiler, "compiler", kCompiler);
    result.add("cpu_level", cpu_level(), "instruction set", cpu_level());
    write_stdout(result.str(flags_.json ? Result::Format::json : Result::Format::text));
    return Exit::fine;
  }

  void reject_unknown_command(const std::vector<std::string>& arguments) const {
    if (arguments.empty() || arguments[0].starts_with('-')) return;
    std::vector<std::string> names;
    std::ranges::transform(commands_, std::back_inserter(names), [](const Command& c) { return c.app->get_name(); });
    if (std::ranges::find(names, arguments[0]) != names.end()) return;
    throw UsageError(fmt::format("no command '{}'{}", arguments[0], did_you_mean(nearest_word(arguments[0], names))) +
                     "; see knear --help");
  }

  std::string unexpected_argument() const {
    const CLI::App& app = parsed_command();
    const std::vector<std::string> extras = app_.remaining(true);
    const auto flag = std::ranges::find_if(extras, [](const std::string& extra) { return extra.starts_with('-'); });
    if (flag == extras.end()) return fmt::format("too many arguments: '{}'{}", extras.front(), see_help());
    std::vector<std::string> names;
    for (const CLI::Option* option : app.get_options()) {
      for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
    }
    const std::string typed = flag->substr(0, flag->find('='));
    return fmt::format("no flag '{}'{}{}", typed, did_you_mean(nearest_word(typed, names)), see_help());
  }

  static std::string did_you_mean(const std::string& word) {
    return word.empty() ? "" : fmt::format("; did you mean '{}'?", word);
  }

  const CLI::App& parsed_command() const {
    const auto chosen = std::ranges::find_if(commands_, [](const Command& c) { return c.app->parsed(); });
    return chosen == commands_.end() ? app_ : *chosen->app;
  }

  std::string see_help() const {
    const CLI::App& app = parsed_command();
    return fmt::format("; see knear {}--help", &app == &app_ ? "" : app.get_name() + " ");
  }

  CLI::App app_;
  SharedFlags flags_;
  bool version_ = false;
  std::vector<Command> commands_;
};

int run(int argc, char** argv) {
  try {
    return static_cast<int>(Program().run({argv + 1, argv + argc}));
  } catch (...) {
    const Failure failure = failure_of(std::current_exception());
    if (!failure.line.empty()) fmt::print(stderr, "knear: {}\n", failure.line);
    return static_cast<int>(failure.code);
  }
}

}  // namespace
}  // namespace knear::cli

// Only running out of memory while reporting an error gets out.
// NOLINTNEXTLINE(bugprone-exception-escape)
int main(int argc, char** argv) { return knear::cli::run(argc, argv); }
