#include "cells.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "knear/wrap.h"
#include "text.h"

namespace knear::cli {

const IvfIndex* partition_in(const Index& index) {
  if (const auto* refine = dynamic_cast<const RefineIndex*>(&index)) return partition_in(refine->base());
  if (const auto* chain = dynamic_cast<const PreTransformIndex*>(&index)) return partition_in(chain->inner());
  if (const auto* dedup = dynamic_cast<const DedupIndex*>(&index)) return partition_in(dedup->base());
  return dynamic_cast<const IvfIndex*>(&index);
}

void add_lists(const IvfIndex& partition, Result& result) {
  const ListStats lists = partition.lists();
  std::vector<std::size_t> sorted = lists.sizes;
  std::ranges::sort(sorted);
  const auto empty = static_cast<std::size_t>(std::ranges::count(sorted, std::size_t{0}));
  result.add("nlist", partition.nlist(), "lists", fmt::format("{}, {} empty", grouped(partition.nlist()), empty));
  result.add("nprobe", partition.nprobe(), "nprobe", grouped(partition.nprobe()));
  if (!sorted.empty()) {
    result.add_line("list sizes", fmt::format("smallest {}, median {}, largest {}", grouped(sorted.front()),
                                              grouped(sorted[(sorted.size() - 1) / 2]), grouped(sorted.back())));
  }
  result.add("imbalance", lists.imbalance, "imbalance", fmt::format("{:.4f}", lists.imbalance));
  if (lists.drift > 0) result.add("drift", lists.drift, "drift", fmt::format("{:.4f}", lists.drift));
  result.add_json("list_sizes", lists.sizes);
}

std::string table_of_lists(const IvfIndex& partition) {
  const ListStats lists = partition.lists();
  fmt::memory_buffer out;
  for (std::size_t cell = 0; cell < lists.sizes.size(); ++cell) {
    fmt::format_to(std::back_inserter(out), "{}\t{}\n", cell, lists.sizes[cell]);
  }
  return fmt::to_string(out);
}

CLI::Option* add_max_codes_flag(CLI::App& app, std::size_t& max_codes) {
  return app.add_option("--max-codes", max_codes, "Rows after which a search looks into no further cell [no limit]")
      ->check(at_least_one());
}

}  // namespace knear::cli
