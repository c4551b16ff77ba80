// How a command is declared, and the list of all commands.
#pragma once

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <functional>
#include <string>
#include <vector>

#include "failure.h"
#include "session.h"

namespace knear::cli {

// A subcommand: its flags are bound to values that `run` owns.
struct Command {
  CLI::App* app;
  std::function<Exit(Session&)> run;
};

// One file each: build.cpp, search.cpp, …
Command declare_build(CLI::App& program);
Command declare_search(CLI::App& program);
Command declare_eval(CLI::App& program);
Command declare_groundtruth(CLI::App& program);
Command declare_encode(CLI::App& program);
Command declare_decode(CLI::App& program);
Command declare_info(CLI::App& program);
Command declare_verify(CLI::App& program);
Command declare_convert(CLI::App& program);
Command declare_merge(CLI::App& program);
Command declare_kmeans(CLI::App& program);
Command declare_generate(CLI::App& program);

}  // namespace knear::cli
