#include "kernels/machine.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <map>
#include <span>
#include <thread>

#include "kernels/dispatch.h"
#include "kernels/peak.h"

namespace knear::bench {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

std::span<const Peak> peaks() {
  static const Peak all[] = {
#ifdef KNEAR_PEAK_portable
      peak_portable(),
#endif
#ifdef KNEAR_PEAK_avx2
      peak_avx2(),
#endif
#ifdef KNEAR_PEAK_avx512
      peak_avx512(),
#endif
#ifdef KNEAR_PEAK_neon
      peak_neon(),
#endif
  };
  return all;
}

// What has another's floats is called after it: avx512_vnni, neon_dot.
const Peak* peak_of(const std::string& isa) {
  for (const Peak& each : peaks())
    if (isa.starts_with(each.name)) return &each;
  return nullptr;
}

void keep(float value) {
  static std::atomic<float> sink;
  sink.store(value, std::memory_order_relaxed);
}

double measure_gmacs(const Peak& peak) {
  constexpr std::size_t kSteps = 200'000;  // well below a time slice, so that the best attempt ran undisturbed
  double best = 0;
  for (int attempt = 0; attempt < 100; ++attempt) {
    const Clock::time_point start = Clock::now();
    keep(peak.multiply(kSteps));
    best = std::max(best, static_cast<double>(kSteps * peak.macs_per_step) / seconds_since(start) * 1e-9);
  }
  return best;
}

double measure_read(const Level& level, std::size_t threads) {
  const Peak& peak = *peak_of(kernels::runnable_tables().back()->name);
  const std::size_t n = level.bytes / sizeof(float);
  // In the caches each thread has a working set of its own.
  const bool in_memory = level.bytes > (64u << 20);
  const std::size_t part = in_memory ? n / threads : n;
  const std::size_t rounds = std::max<std::size_t>(1, (512u << 20) / level.bytes);
  std::vector<float> values(in_memory ? n : n * threads, 1.0f);
  double best = 0;
  for (int attempt = 0; attempt < 4; ++attempt) {
    const Clock::time_point start = Clock::now();
    std::vector<std::thread> readers;
    for (std::size_t t = 0; t < threads; ++t)
      readers.emplace_back([&, t] {
        for (std::size_t round = 0; round < rounds; ++round) keep(peak.read(values.data() + t * part, part));
      });
    for (std::thread& reader : readers) reader.join();
    best = std::max(best, static_cast<double>(part * threads * rounds * sizeof(float)) / seconds_since(start) * 1e-9);
  }
  return best;
}

}  // namespace

double peak_gmacs(const std::string& isa) {
  static std::map<std::string, double> known;
  const Peak* peak = peak_of(isa);
  if (peak == nullptr) return 0;
  const auto [at, is_new] = known.try_emplace(isa, 0);
  if (is_new) at->second = measure_gmacs(*peak);
  return at->second;
}

double read_gbytes(const Level& level, std::size_t threads) {
  static std::map<std::pair<std::string, std::size_t>, double> known;
  const auto [at, is_new] = known.try_emplace({level.name, threads}, 0);
  if (is_new) at->second = measure_read(level, threads);
  return at->second;
}

std::vector<std::pair<std::string, std::string>> machine_report() {
  std::vector<std::pair<std::string, std::string>> lines;
  char text[64];
  for (const kernels::Table* table : kernels::runnable_tables()) {
    std::snprintf(text, sizeof text, "%.1f GMAC/s", peak_gmacs(table->name));
    lines.emplace_back(std::string("fma peak, ") + table->name, text);
  }
  for (const Level& level : kLevels) {
    std::snprintf(text, sizeof text, "%.1f GB/s, 2 threads %.1f GB/s", read_gbytes(level, 1), read_gbytes(level, 2));
    lines.emplace_back(std::string("read ") + level.name, text);
  }
  return lines;
}

}  // namespace knear::bench
