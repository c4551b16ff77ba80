// knear search: the nearest neighbours of each query, or all within a radius.
#include <fmt/format.h>

#include <cstdlib>
#include <filesystem>
#include <iterator>
#include <optional>

#include "cells.h"
#include "command.h"
#include "flags.h"
#include "knear/io.h"
#include "measure.h"
#include "source.h"
#include "target.h"
#include "text.h"

namespace knear::cli {
namespace {

constexpr const char* kExamples = R"(Examples:
  knear search base.knear queries.fvecs -k 10 -o found.ivecs --distances found.fvecs
  knear search base.knear queries.npy -k 3              (a table: query, rank, id, distance)
  echo "0.1 0.9 0.3" | knear search base.knear - --json
  knear search base.knear queries.npy --range 0.5 -o near.tsv
  knear search ivf.knear queries.npy -k 10 --nprobe 32 -o found.ivecs)";

struct SearchFlags {
  std::string index;
  std::string queries;
  std::size_t k = 10;
  std::optional<float> radius;
  std::string output;
  std::string distances;
  std::optional<float> k_factor;
  std::size_t nprobe = 0;     // 0: the index's own
  std::size_t ef_search = 0;  // the same
  std::size_t max_codes = 0;  // 0: no limit
};

// Results of any number of queries, query i's at [limits[i], limits[i + 1]): nearest first, none missing.
struct Found {
  RangeNeighbors near{.limits = {0}, .distances = {}, .ids = {}};
  double seconds = 0;

  std::size_t queries() const { return near.limits.size() - 1; }
  void append(std::span<const float> distances, std::span<const Id> ids) {
    near.distances.insert(near.distances.end(), distances.begin(), distances.end());
    near.ids.insert(near.ids.end(), ids.begin(), ids.end());
    near.limits.push_back(near.ids.size());
  }
};

void append_neighbors(const Neighbors& block, Found& found) {
  for (std::size_t q = 0; q < block.queries; ++q) {
    found.append(std::span(block.distances).subspan(q * block.k, block.counts[q]),
                 std::span(block.ids).subspan(q * block.k, block.counts[q]));
  }
}

void append_range(const RangeNeighbors& block, Found& found) {
  for (std::size_t q = 0; q + 1 < block.limits.size(); ++q) {
    const std::size_t first = block.limits[q];
    const std::size_t count = block.limits[q + 1] - first;
    found.append(std::span(block.distances).subspan(first, count), std::span(block.ids).subspan(first, count));
  }
}

Found search_all(const Index& index, VectorFile& queries, const SearchFlags& flags, Session& session) {
  Found found;
  Stopwatch watch;
  for_each_block(queries, {0, queries.rows()}, session, [&](std::size_t first, MatrixView rows) {
    const SearchOptions options{.nprobe = flags.nprobe,
                                .max_codes = flags.max_codes,
                                .ef_search = flags.ef_search,
                                .k_factor = flags.k_factor.value_or(0),
                                .run = session.run_part("search", first, queries.rows())};
    watch.lap();
    if (flags.radius) {
      const RangeNeighbors block = index.range_search(rows, *flags.radius, options);
      found.seconds += watch.lap();
      append_range(block, found);
    } else {
      const Neighbors block = index.search(rows, flags.k, options);
      found.seconds += watch.lap();
      append_neighbors(block, found);
    }
  });
  return found;
}

std::string table_of(const Found& found) {
  fmt::memory_buffer out;
  auto to = std::back_inserter(out);
  fmt::format_to(to, "query\trank\tid\tdistance\n");
  for (std::size_t q = 0; q < found.queries(); ++q) {
    const std::size_t first = found.near.limits[q];
    for (std::size_t i = first; i < found.near.limits[q + 1]; ++i) {
      fmt::format_to(to, "{}\t{}\t{}\t{}\n", q, i - first + 1, found.near.ids[i], found.near.distances[i]);
    }
  }
  return fmt::to_string(out);
}

// [[…of query 0…], [… 1 …], …]
template <class Value>
Json lists_of(const Found& found, const std::vector<Value>& values) {
  Json lists = Json::array();
  for (std::size_t q = 0; q < found.queries(); ++q) {
    lists.push_back(std::span(values).subspan(found.near.limits[q], found.near.limits[q + 1] - found.near.limits[q]));
  }
  return lists;
}

// Query by query, k values each, missing ones `filler`.
template <class Value>
std::vector<Value> padded(const Found& found, const std::vector<Value>& values, std::size_t k, Value filler) {
  std::vector<Value> rows(found.queries() * k, filler);
  for (std::size_t q = 0; q < found.queries(); ++q) {
    std::copy(values.begin() + static_cast<std::ptrdiff_t>(found.near.limits[q]),
              values.begin() + static_cast<std::ptrdiff_t>(found.near.limits[q + 1]),
              rows.begin() + static_cast<std::ptrdiff_t>(q * k));
  }
  return rows;
}

bool is_table(const std::string& path) { return std::filesystem::path(path).extension() == ".tsv"; }

void write_files(const Found& found, Metric metric, const SearchFlags& flags) {
  if (!flags.distances.empty()) {
    const auto writer = create_vectors(flags.distances, flags.k, DType::f32);
    writer->append(MatrixView(padded(found, found.near.distances, flags.k, worst_value(metric)), flags.k));
    writer->finish();
  }
  if (is_table(flags.output)) {
    write_text_file(flags.output, table_of(found));
  } else if (!flags.output.empty()) {
    write_ids(flags.output, {found.queries(), flags.k, padded(found, found.near.ids, flags.k, kNoId)});
  }
}

void report(const Found& found, const SearchFlags& flags, Session& session) {
  if (flags.output.empty() && !session.json()) return session.print(table_of(found));
  const double qps = found.seconds > 0 ? static_cast<double>(found.queries()) / found.seconds : 0;
  Result result;
  result.add("queries", found.queries(), "queries", grouped(found.queries()));
  if (flags.radius) {
    result.add("radius", *flags.radius, "radius", fmt::format("{}", *flags.radius));
  } else {
    result.add("k", flags.k, "k", grouped(flags.k));
  }
  result.add("results", found.near.ids.size(), "results", grouped(found.near.ids.size()));
  result.add("seconds", found.seconds, "searched in",
             fmt::format("{}, {} threads", duration_text(found.seconds), session.threads()));
  result.add("qps", qps, "queries per second", short_count(qps));
  if (flags.output.empty()) {
    result.add_json("ids", lists_of(found, found.near.ids));
    result.add_json("distances", lists_of(found, found.near.distances));
  } else {
    result.add("output", flags.output, "written to", flags.output);
  }
  session.print(result);
}

void check_together(const SearchFlags& flags) {
  if (flags.radius && !flags.output.empty() && !is_table(flags.output)) {
    throw UsageError("--range finds another number of rows for each query: -o must name a .tsv file, not " +
                     flags.output);
  }
  if (!flags.distances.empty() && (flags.output.empty() || is_table(flags.output))) {
    throw UsageError("--distances goes with -o RESULT.ivecs, .ibin or .npy; tables hold the distances already");
  }
}

Exit run(const SearchFlags& flags, Session& session) {
  check_together(flags);
  for (const std::string& path : {flags.output, flags.distances}) {
    if (!path.empty()) require_writable(path);
  }
  const auto index = load(flags.index);
  const auto queries = open_source(flags.queries, "test", session);
  const Found found = search_all(*index, *queries, flags, session);
  write_files(found, index->metric(), flags);
  report(found, flags, session);
  return Exit::fine;
}

}  // namespace

Command declare_search(CLI::App& program) {
  auto flags = std::make_shared<SearchFlags>();
  CLI::App* app = program.add_subcommand("search", "Find the nearest neighbours of each query");
  app->add_option("FILE", flags->index, "An index file")->required();
  app->add_option("QUERIES", flags->queries, "Vectors, as DATA of build; - reads lines of numbers from standard input")
      ->required();
  auto* k = add_k_flag(*app, flags->k);
  app->add_option("-r,--range", flags->radius, "All rows strictly closer than this value of the metric instead")
      ->excludes(k);
  app->add_option("-o,--output", flags->output, "Ids as .ivecs, .ibin, .npy, or a table as .tsv [standard output]")
      ->check(named_like({".ivecs", ".ibin", ".npy", ".tsv"}));
  app->add_option("-d,--distances", flags->distances, "Distances as .fvecs, .fbin or .npy")
      ->check(named_like({".fvecs", ".fbin", ".npy"}));
  app->add_option("--k-factor", flags->k_factor, "Candidates for each result, of an index that ranks again (RFlat)")
      ->check(accepted_by([](const std::string& text) {
        if (!(std::strtof(text.c_str(), nullptr) >= 1)) throw Error(Error::invalid_argument, "it is at least 1");
      }))
      ->excludes("--range");
  app->add_option("--nprobe", flags->nprobe, "Cells to look into, of an index with cells (IVF) [the index's own]")
      ->check(at_least_one());
  app->add_option("--ef-search", flags->ef_search,
                  "Near rows that a walk keeps, of a graph (HNSW, NSG, …) [the index's own]")
      ->check(at_least_one());
  add_max_codes_flag(*app, flags->max_codes);
  app->footer(kExamples);
  return {app, [flags](Session& session) { return run(*flags, session); }};
}

}  // namespace knear::cli
