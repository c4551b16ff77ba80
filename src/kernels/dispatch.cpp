#include "kernels/dispatch.h"

#include <array>
#include <cstdlib>
#include <string>
#include <string_view>

#include "kernels/cpu.h"
#include "knear/parallel.h"

namespace knear::kernels {
namespace {

constexpr std::size_t kMaxTables = 8;

struct Runnable {
  std::array<const Table*, kMaxTables> tables{};
  std::size_t count = 0;
};

Runnable find_runnable() {
  Runnable runnable;
  for (const Candidate& candidate : candidates())
    if (candidate.runs) runnable.tables[runnable.count++] = candidate.table;
  return runnable;
}

struct Choice {
  const Table* table;
  std::string error;
};

std::string names(std::span<const Table* const> tables) {
  std::string names;
  for (const Table* each : tables) names += (names.empty() ? "" : ", ") + std::string(each->name);
  return names;
}

Choice choose(const char* forced) {
  const std::span<const Table* const> tables = runnable_tables();
  const Table* best = tables.back();
  if (forced == nullptr || *forced == '\0') return {best, ""};
  const std::string_view wanted = std::string_view(forced) == "scalar" ? "portable" : forced;
  for (const Table* each : tables)
    if (wanted == each->name) return {each, ""};
  return {best, "KNEAR_ISA=" + std::string(forced) + " cannot be followed: this build and processor run " +
                    names(tables) + "; using " + best->name};
}

const Choice& choice() {
  static const Choice chosen = choose(std::getenv("KNEAR_ISA"));
  return chosen;
}

}  // namespace

const Table& table() noexcept { return *choice().table; }

std::span<const Table* const> runnable_tables() noexcept {
  static const Runnable runnable = find_runnable();
  return {runnable.tables.data(), runnable.count};
}

const char* forced_isa_error() noexcept { return choice().error.c_str(); }

}  // namespace knear::kernels

namespace knear {

const char* cpu_level() noexcept { return kernels::table().name; }

}  // namespace knear
