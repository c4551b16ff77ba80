// Every kernel of every runnable table, beside what the machine can do at most.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <cstdint>
#include <initializer_list>
#include <random>
#include <string>
#include <vector>

#include "kernels/dispatch.h"
#include "kernels/machine.h"
#include "knear/matrix.h"

namespace knear::bench {
namespace {

using benchmark::State;
using kernels::Table;

constexpr std::size_t kDims[] = {2, 3, 8, 32, 100, 128, 784, 2048};

std::vector<float> uniform_floats(std::size_t n) {
  std::minstd_rand random(1);
  std::vector<float> values(n);
  for (float& value : values) value = static_cast<float>(random()) * (1.0f / 2147483647.0f) - 0.5f;
  return values;
}

// Rate and share of the multiply-add peak. `macs` is the work of one iteration.
void report_macs(State& state, const Table& table, std::size_t macs) {
  const double all = static_cast<double>(state.iterations() * static_cast<std::int64_t>(macs)) * 1e-9;
  state.counters["GMAC"] = benchmark::Counter(all, benchmark::Counter::kIsRate);
  state.counters["of_peak"] = benchmark::Counter(all / peak_gmacs(table.name), benchmark::Counter::kIsRate);
}

// Rate and share of the read bandwidth of the level where `bytes`, read once per iteration, lie.
void report_bytes(State& state, std::size_t bytes, std::size_t working_set) {
  const Level* level = std::begin(kLevels);
  while (level + 1 != std::end(kLevels) && level->bytes < working_set) ++level;
  const double all = static_cast<double>(state.iterations() * static_cast<std::int64_t>(bytes)) * 1e-9;
  const auto threads = static_cast<std::size_t>(state.threads());
  state.counters["GB"] = benchmark::Counter(all, benchmark::Counter::kIsRate);
  state.counters["of_read"] = benchmark::Counter(all / read_gbytes(*level, threads), benchmark::Counter::kIsRate);
}

// Blocks of rows pass groups of 256 queries, as a batch search does; nothing beats the limit.
void tile(State& state, const Table* table, std::size_t dim) {
  constexpr std::size_t kBlocks = 16;
  constexpr std::size_t kQueries = 256;
  const std::size_t groups = kQueries / table->tile_queries;
  const std::vector<float> rows = uniform_floats(kBlocks * kernels::kTileRows * dim);
  const std::size_t group_floats = dim * table->tile_queries;
  std::vector<float> storage = uniform_floats(groups * group_floats + 32 + kernels::kTileRows * table->tile_queries);
  float* queries = storage.data() + (64 - reinterpret_cast<std::uintptr_t>(storage.data()) % 64) / sizeof(float);
  float* scratch = queries + (groups * group_floats + 15) / 16 * 16;
  const std::vector<float> bias(kernels::kTileRows, 1.0f);
  const std::vector<float> limit(table->tile_queries, -1e30f);
  std::vector<kernels::TileHit> hits(kernels::kTileRows * table->tile_queries);
  for (auto _ : state) {
    for (std::size_t block = 0; block < kBlocks; ++block) {
      for (std::size_t group = 0; group < groups; ++group) {
        const kernels::TileJob job{rows.data() + block * kernels::kTileRows * dim,
                                   dim,
                                   kernels::kTileRows,
                                   dim,
                                   nullptr,
                                   table->tile_queries,
                                   queries + group * group_floats,
                                   bias.data(),
                                   bias.data(),
                                   limit.data(),
                                   scratch,
                                   hits.data()};
        benchmark::DoNotOptimize(table->tile(&job));
      }
    }
  }
  report_macs(state, *table, kBlocks * kernels::kTileRows * kQueries * dim);
}

// The same with shadows; of_peak is of the float32 multiply-adds that the bytes stand for, so it may exceed 1.
void shadow_tile(State& state, const Table* table, std::size_t dim) {
  constexpr std::size_t kBlocks = 4;
  constexpr std::size_t kBlockBytes = 96 << 10;  // as a search has them
  constexpr std::size_t kQueries = 256;
  const std::size_t width = table->tile_queries;
  const std::size_t groups = kQueries / width;
  const std::size_t codes = (dim + 3) / 4 * 4;
  const std::size_t stride = codes + sizeof(kernels::ShadowFactors);
  const std::size_t count = kBlockBytes / stride / 12 * 12;
  const std::size_t runs = table->shadow_run ? (codes / 4 + table->shadow_run - 1) / table->shadow_run : 1;
  const std::size_t words = (codes / 4 + runs) * width;
  std::vector<std::uint8_t> rows(kBlocks * count * stride, 3);  // as factors: tiny positive floats
  Matrix queries(DType::u8, groups, words * sizeof(std::int32_t));
  std::fill_n(queries.data(), groups * words * sizeof(std::int32_t), Byte{1});
  Matrix scratch(DType::f32, count, width);
  const std::vector<float> ones(width, 1.0f);
  const std::vector<float> limit(width, 1e30f);
  std::vector<kernels::ShadowHit> hits(count * width);
  for (auto _ : state) {
    for (std::size_t block = 0; block < kBlocks; ++block) {
      for (std::size_t group = 0; group < groups; ++group) {
        const kernels::ShadowJob job{rows.data() + block * count * stride,
                                     stride,
                                     count,
                                     codes,
                                     nullptr,
                                     width,
                                     reinterpret_cast<const std::int32_t*>(queries.data()) + group * words,
                                     ones.data(),
                                     ones.data(),
                                     limit.data(),
                                     reinterpret_cast<std::int32_t*>(scratch.data()),
                                     hits.data()};
        benchmark::DoNotOptimize(table->shadow_tile(&job));
      }
    }
  }
  report_macs(state, *table, kBlocks * count * kQueries * dim);
}

// One query passes rows of `bytes` in all; threads share them. Distances go to a small buffer, as a scan does.
template <class Kernel>
void scan_rows(State& state, std::size_t dim, std::size_t bytes, Kernel kernel) {
  static std::vector<float> rows;
  if (state.thread_index() == 0) rows = uniform_floats(bytes / sizeof(float));
  const std::vector<float> query = uniform_floats(dim);
  constexpr std::size_t kBlock = 1024;
  std::vector<float> out(kBlock);
  const auto threads = static_cast<std::size_t>(state.threads());
  const std::size_t count = bytes / sizeof(float) / dim / threads;
  const std::size_t from = count * static_cast<std::size_t>(state.thread_index());
  for (auto _ : state) {
    for (std::size_t row = from; row < from + count; row += kBlock) {
      const std::size_t n = std::min(kBlock, from + count - row);
      kernel(query.data(), rows.data() + row * dim, n, out.data());
    }
    benchmark::ClobberMemory();
  }
  report_bytes(state, count * dim * sizeof(float), bytes);
}

void register_rows(const Table* table, std::size_t dim, const Level& level) {
  const auto name = [&](const char* kernel) {
    return std::string(kernel) + "/" + table->name + "/" + std::to_string(dim) + "/" + level.name;
  };
  const std::size_t bytes = level.bytes;
  const auto add = [&](const char* kernel, auto run) {
    const auto scan = [=](State& state) { scan_rows(state, dim, bytes, run); };
    benchmark::RegisterBenchmark(name(kernel).c_str(), scan)->UseRealTime();
    if (bytes > (64u << 20)) benchmark::RegisterBenchmark(name(kernel).c_str(), scan)->Threads(2)->UseRealTime();
  };
  add("l2_rows", [=](const float* query, const float* rows, std::size_t n, float* out) {
    table->l2_rows(query, rows, dim, n, dim, out);
  });
  add("ip_rows", [=](const float* query, const float* rows, std::size_t n, float* out) {
    table->ip_rows(query, rows, dim, n, dim, out);
  });
  add("norm_rows",
      [=](const float*, const float* rows, std::size_t n, float* out) { table->norm_rows(rows, dim, n, dim, out); });
}

// Rows scattered over 256 MB, as survivors of a filter are, or few that stay in the cache.
void exact(State& state, const Table* table, kernels::ExactKind kind, std::size_t dim, std::size_t bytes) {
  constexpr std::size_t kRows = 1024;
  const std::size_t count = bytes / sizeof(float) / dim;
  const std::vector<float> all = uniform_floats(count * dim);
  const std::vector<float> query = uniform_floats(dim);
  std::minstd_rand random(2);
  std::vector<const float*> rows(64 * kRows);
  for (const float*& row : rows) row = all.data() + random() % count * dim;
  std::vector<double> out(kRows);
  std::size_t next = 0;
  for (auto _ : state) {
    table->exact[kind](query.data(), rows.data() + next, kRows, dim, 2.0f, out.data());
    benchmark::ClobberMemory();
    next = (next + kRows) % rows.size();
  }
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(kRows));
  report_bytes(state, kRows * dim * sizeof(float), bytes);
}

void select(State& state, const Table* table) {
  const std::vector<float> values = uniform_floats(4096);
  std::vector<std::uint32_t> positions(values.size());
  const auto limit = static_cast<float>(state.range(0)) / 1000.0f - 0.5f;
  for (auto _ : state) benchmark::DoNotOptimize(table->select(values.data(), values.size(), limit, positions.data()));
  report_bytes(state, values.size() * sizeof(float), values.size() * sizeof(float));
}

template <class In, class Out>
void convert(State& state, void (*kernel)(const In*, std::size_t, Out*)) {
  constexpr std::size_t kValues = 2048;
  const std::vector<In> in(kValues, static_cast<In>(1));
  std::vector<Out> out(kValues);
  for (auto _ : state) {
    kernel(in.data(), kValues, out.data());
    benchmark::ClobberMemory();
  }
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(kValues));
  report_bytes(state, kValues * sizeof(In), kValues * sizeof(In));
}

void register_converts(const Table* table) {
  const auto add = [&](const char* name, auto kernel) {
    benchmark::RegisterBenchmark((std::string(name) + "/" + table->name).c_str(),
                                 [=](State& state) { convert(state, kernel); });
  };
  add("f32_from_f16", table->f32_from_f16);
  add("f32_from_bf16", table->f32_from_bf16);
  add("f32_from_i8", table->f32_from_i8);
  add("f32_from_u8", table->f32_from_u8);
  add("f16_from_f32", table->f16_from_f32);
  add("bf16_from_f32", table->bf16_from_f32);
  add("i8_from_f32", table->i8_from_f32);
  add("u8_from_f32", table->u8_from_f32);
}

void register_exact(const Table* table) {
  constexpr std::pair<kernels::ExactKind, const char*> kinds[] = {{kernels::exact_l2, "l2"},
                                                                  {kernels::exact_inner_product, "ip"},
                                                                  {kernels::exact_l1, "l1"},
                                                                  {kernels::exact_linf, "linf"},
                                                                  {kernels::exact_cosine, "cosine"}};
  for (const auto& [kind, kind_name] : kinds) {
    for (const std::size_t dim : kDims) {
      for (const Level& level : {kLevels[1], kLevels[3]}) {
        const std::string name =
            std::string("exact_") + kind_name + "/" + table->name + "/" + std::to_string(dim) + "/" + level.name;
        benchmark::RegisterBenchmark(name.c_str(), [=, kind = kind, bytes = level.bytes](State& state) {
          exact(state, table, kind, dim, bytes);
        });
      }
    }
  }
}

void register_table(const Table* table) {
  for (const std::size_t dim : kDims)
    benchmark::RegisterBenchmark((std::string("tile/") + table->name + "/" + std::to_string(dim)).c_str(),
                                 [=](State& state) { tile(state, table, dim); });
  for (const std::size_t dim : std::initializer_list<std::size_t>{32, 100, 128, 784, 2048})
    benchmark::RegisterBenchmark((std::string("shadow_tile/") + table->name + "/" + std::to_string(dim)).c_str(),
                                 [=](State& state) { shadow_tile(state, table, dim); });
  for (const std::size_t dim : kDims)
    for (const Level& level : {kLevels[1], kLevels[3]}) register_rows(table, dim, level);
  register_exact(table);
  benchmark::RegisterBenchmark((std::string("select/") + table->name).c_str(),
                               [=](State& state) { select(state, table); })
      ->ArgName("permille")
      ->Arg(0)
      ->Arg(1)
      ->Arg(100);
  register_converts(table);
}

}  // namespace
}  // namespace knear::bench

int main(int argc, char** argv) {
  for (const auto& [what, rate] : knear::bench::machine_report()) benchmark::AddCustomContext(what, rate);
  for (const knear::kernels::Table* table : knear::kernels::runnable_tables()) knear::bench::register_table(table);
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  benchmark::RunSpecifiedBenchmarks();
}
