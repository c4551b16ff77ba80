// Indexes with cells: what lies in their lists, and the flags that say how many of them a search looks into.
#pragma once

#include <cstddef>
#include <string>

#include "flags.h"
#include "knear/partition.h"
#include "result.h"

namespace knear::cli {

// The partition that an index is or stands around; null when there is none.
const IvfIndex* partition_in(const Index& index);

// "nlist", "nprobe", "imbalance", "list_sizes", and how full the lists are in words.
void add_lists(const IvfIndex& partition, Result& result);

// A line for each cell: its number, a tab, its live rows.
std::string table_of_lists(const IvfIndex& partition);

CLI::Option* add_max_codes_flag(CLI::App& app, std::size_t& max_codes);

}  // namespace knear::cli
