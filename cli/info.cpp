// knear info: what a file says of itself.
#include <fmt/format.h>

#include "cells.h"
#include "command.h"
#include "graphs.h"
#include "knear/io.h"
#include "knear/spec.h"
#include "knear/wrap.h"
#include "source.h"
#include "text.h"

namespace knear::cli {
namespace {

constexpr const char* kExamples = R"(Examples:
  knear info base.knear
  knear info base.knear --sections
  knear info ivf.knear --lists                          (cell number and size, one a line)
  knear info graph.knear --graph                        (edges, and rows that they lead to)
  knear info queries.fvecs)";

struct InfoFlags {
  std::string file;
  bool sections = false;
  bool lists = false;
  bool graph = false;
};

Result describe_vectors(const std::string& argument, const Session& session) {
  const auto file = open_source(argument, "train", session);
  Result result;
  result.add("file", argument, "file", argument);
  result.add("rows", file->rows(), "rows", grouped(file->rows()));
  result.add("dim", file->dim(), "dimensions", grouped(file->dim()));
  result.add("dtype", name_of(file->dtype()), "read as", name_of(file->dtype()));
  return result;
}

void add_sections(const FileInfo& info, Result& result) {
  Json sections = Json::array();
  for (const FileInfo::Section& section : info.sections) {
    sections.push_back(
        {{"name", section.name}, {"version", section.version}, {"offset", section.offset}, {"length", section.length}});
    result.add_line("section", fmt::format("{} v{}, {} bytes at {}", section.name, section.version,
                                           grouped(section.length), grouped(section.offset)));
  }
  result.add_json("sections", std::move(sections));
}

// {"transforms": […], "cells": …, "codec": …, "code_bytes": …, "refine": {…}}, and a line for each.
Json stages_of(const Spec& spec, const FileInfo& info, const std::string& label, Result& result) {
  Json stages = {{"transforms", Json::array()}};
  for (const Stage& stage : spec.transforms) {
    stages["transforms"].push_back(stage.str());
    result.add_line(label + "transform", stage.str());
  }
  if (spec.cells) {
    stages["cells"] = spec.cells->str();
    result.add_line(label + "cells", spec.cells->str());
  }
  Spec alone = spec;
  alone.refine = nullptr;
  const std::size_t code_bytes = build(alone, info.dim, metric_of(info.metric))->stats().code_bytes;
  stages["codec"] = spec.codec.str();
  stages["code_bytes"] = code_bytes;
  result.add_line(label + "codec", fmt::format("{}, {} bytes a vector", spec.codec.str(), grouped(code_bytes)));
  if (spec.refine) {
    const float k_factor = spec.k_factor == 0 ? kDefaultKFactor : spec.k_factor;
    stages["k_factor"] = k_factor;
    result.add_line(label + "ranked again", fmt::format("{} candidates for each result", k_factor));
    stages["refine"] = stages_of(*spec.refine, info, label + "again: ", result);
  }
  return stages;
}

void add_graph_of(const std::string& file, Result& result) {
  const auto index = load(file);
  const GraphIndex* graph = graph_in(*index);
  if (!graph) throw Error(Error::invalid_argument, file + " holds no graph");
  add_graph(*graph, result);
}

Result describe_index(const InfoFlags& flags) {
  const FileInfo info = inspect(flags.file);
  const double per_vector =
      info.ntotal == 0 ? 0 : static_cast<double>(info.file_bytes) / static_cast<double>(info.ntotal);
  Result result;
  result.add("file", flags.file, "file", fmt::format("{}, {}", flags.file, bytes_text(info.file_bytes)));
  result.add_json("file_bytes", info.file_bytes);
  result.add("format_version", info.format_version, "format version", std::to_string(info.format_version));
  result.add("spec", info.spec, "spec", info.spec);
  result.add_json("stages", stages_of(parse_spec(info.spec), info, "", result));
  result.add("metric", info.metric, "metric", info.metric);
  result.add("dim", info.dim, "dimensions", grouped(info.dim));
  result.add("ntotal", info.ntotal, "vectors", grouped(info.ntotal));
  result.add("bytes_per_vector", per_vector, "bytes per vector", fmt::format("{:.1f}", per_vector));
  const Spec spec = parse_spec(info.spec);
  if (spec.cells || spec.dedup) {
    const auto index = load(flags.file);
    if (const std::size_t distinct = index->stats().distinct_rows) {
      result.add("distinct_rows", distinct, "distinct vectors", grouped(distinct));
    }
    if (const IvfIndex* partition = partition_in(*index)) add_lists(*partition, result);
  }
  if (flags.graph) add_graph_of(flags.file, result);
  result.add_json("metadata", info.metadata);
  for (const auto& [name, value] : info.metadata) result.add_line("metadata", fmt::format("{} = {}", name, value));
  if (flags.sections) add_sections(info, result);
  return result;
}

std::string lists_in(const std::string& file) {
  const auto index = is_vector_file(file) ? nullptr : load(file);
  const IvfIndex* partition = index ? partition_in(*index) : nullptr;
  if (!partition) throw Error(Error::invalid_argument, file + " holds no index with cells, so there are no lists");
  return table_of_lists(*partition);
}

Exit run(const InfoFlags& flags, Session& session) {
  if (flags.lists) {
    const std::string table = lists_in(flags.file);
    if (!session.json()) {
      session.print(table);
      return Exit::fine;
    }
  }
  session.print(is_vector_file(flags.file) ? describe_vectors(flags.file, session) : describe_index(flags));
  return Exit::fine;
}

}  // namespace

Command declare_info(CLI::App& program) {
  auto flags = std::make_shared<InfoFlags>();
  CLI::App* app = program.add_subcommand("info", "Tell what a file holds, without reading all of it");
  app->add_option("FILE", flags->file, "An index file, or vectors as DATA of build")->required();
  app->add_flag("-s,--sections", flags->sections, "List the sections of an index file");
  app->add_flag("-l,--lists", flags->lists, "Only the number and size of each cell, one a line; --json: list_sizes");
  app->add_flag("-g,--graph", flags->graph, "Count the edges of a graph, too, which reads all of them");
  app->footer(kExamples);
  return {app, [flags](Session& session) { return run(*flags, session); }};
}

}  // namespace knear::cli
