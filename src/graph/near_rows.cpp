#include "graph/near_rows.h"

#include <algorithm>
#include <atomic>
#include <limits>

#include "core/parallel_for.h"
#include "core/rng.h"

namespace knear {
namespace {

constexpr std::size_t kHops = 8;  // sampled of a row's near rows, and as many of those that it is near to
constexpr std::size_t kPlaces = 2 * kHops;
constexpr std::size_t kTaskRows = 64;
constexpr std::size_t kCompareAll = 2000;  // rows up to which all are compared
constexpr std::size_t kMostRounds = 16;
constexpr double kEnough = 0.002;  // of all entries, that a round changes
constexpr std::uint64_t kStride = 2654435761;

// A sample of where to go on from a row: its own choice, then those whose choice it is.
class Hops {
 public:
  explicit Hops(std::size_t rows) : vertices_(rows * kPlaces), counts_(rows) {}

  std::span<const Vertex> of(Vertex v) const noexcept { return std::span(vertices_).subspan(kPlaces * v, counts_[v]); }
  void clear(Vertex v) noexcept { counts_[v] = 0; }
  bool is_full(Vertex v, std::size_t most) const noexcept { return counts_[v] >= most; }
  void add(Vertex v, Vertex to) noexcept { vertices_[kPlaces * v + counts_[v]++] = to; }

 private:
  std::vector<Vertex> vertices_;
  std::vector<std::uint8_t> counts_;
};

class NnDescent {
 public:
  NnDescent(const RowsToJoin& rows, std::size_t k, const RunOptions& run)
      : rows_(rows),
        run_(run),
        lists_{std::min(k, rows.vertices.size() - 1), {}},
        is_fresh_(rows.links.count * lists_.k, 1),
        fresh_(rows.links.count),
        old_(rows.links.count) {
    lists_.all.resize(rows.links.count * lists_.k, Near{std::numeric_limits<float>::infinity(), kNoVertex});
  }

  NearLists compare_all() && {
    ProgressMeter meter(run_, "near rows", rows_.vertices.size());
    for_each_row(
        [&](Walk& walk, Vertex v, Scratch& scratch) {
          for (const Vertex other : rows_.vertices) scratch.to.push_back(other);
          take_nearer(walk, v, scratch);
        },
        &meter);
    meter.finish();
    return std::move(lists_);
  }

  NearLists descend(std::uint64_t seed) && {
    ProgressMeter meter(run_, "near rows", 0);
    for_each_row(
        [&](Walk& walk, Vertex v, Scratch& scratch) {
          Rng random(mix(seed ^ mix(v + 1)));
          while (scratch.to.size() < lists_.k + 1)
            scratch.to.push_back(rows_.vertices[random.below(rows_.vertices.size())]);
          take_nearer(walk, v, scratch);
        },
        &meter);
    const double enough = kEnough * static_cast<double>(lists_.k) * static_cast<double>(rows_.vertices.size());
    for (std::size_t round = 0; round < kMostRounds; ++round) {
      sample();
      if (static_cast<double>(join(meter)) <= enough) break;
    }
    meter.finish();
    return std::move(lists_);
  }

 private:
  struct Scratch {
    std::vector<Vertex> to;
    std::vector<float> distances;
    std::vector<Near> nearer;
    std::vector<std::uint8_t> was_fresh;
  };

  template <class Do>
  void for_each_row(const Do& work, ProgressMeter* meter) {
    const std::size_t n = rows_.vertices.size();
    parallel_for((n + kTaskRows - 1) / kTaskRows, run_, [&](std::size_t task, std::size_t) {
      Walk walk(rows_.codec, rows_.snapshot, rows_.places, MatrixView(std::span<const float>(), rows_.codec.dim()));
      Scratch scratch;
      const std::size_t end = std::min(n, (task + 1) * kTaskRows);
      for (std::size_t i = task * kTaskRows; i < end; ++i) {
        scratch.to.clear();
        work(walk, rows_.vertices[i], scratch);
      }
      if (meter) meter->advance(end - task * kTaskRows);
    });
  }

  std::span<Near> list(Vertex v) noexcept { return std::span(lists_.all).subspan(v * lists_.k, lists_.k); }

  // Of the candidates in `scratch.to`, those that are nearer than the last of the list get into it. How many?
  std::size_t take_nearer(Walk& walk, Vertex v, Scratch& scratch) {
    const std::span<Near> known = list(v);
    walk.forget_visits();
    walk.first_visit(v);
    for (const Near& near : known) {
      if (near.vertex != kNoVertex) walk.first_visit(near.vertex);
    }
    std::erase_if(scratch.to, [&](Vertex to) { return !walk.first_visit(to); });
    if (scratch.to.empty() || !walk.stand_at_row(rows_.links, v)) return 0;
    scratch.distances.resize(scratch.to.size());
    walk.distances(rows_.links, scratch.to, scratch.distances.data());
    scratch.nearer.clear();
    for (std::size_t i = 0; i < scratch.to.size(); ++i) {
      const Near near{scratch.distances[i], scratch.to[i]};
      if (near < known.back()) scratch.nearer.push_back(near);
    }
    std::sort(scratch.nearer.begin(), scratch.nearer.end());
    return merge(v, scratch);
  }

  // Puts what is nearer, ascending, into the list of v.
  std::size_t merge(Vertex v, Scratch& scratch) {
    const std::span<Near> known = list(v);
    std::uint8_t* const is_fresh = is_fresh_.data() + v * lists_.k;
    std::size_t more = 0;
    std::size_t kept = known.size();
    while (more < scratch.nearer.size() && kept > 0 && scratch.nearer[more] < known[kept - 1]) {
      ++more;
      --kept;
    }
    // So many of both are in: merged from the back.
    const std::size_t taken = more;
    for (std::size_t at = known.size(); at > 0 && more > 0; --at) {
      const bool from_known = kept > 0 && scratch.nearer[more - 1] < known[kept - 1];
      known[at - 1] = from_known ? known[--kept] : scratch.nearer[--more];
      is_fresh[at - 1] = from_known ? is_fresh[kept] : 1;
    }
    return taken;
  }

  void sample() {
    for_each_row([&](Walk&, Vertex v, Scratch&) { sample(v); }, nullptr);
    const std::size_t n = rows_.vertices.size();
    std::vector<std::uint8_t> own_fresh(rows_.links.count);
    std::vector<std::uint8_t> own_old(rows_.links.count);
    for (const Vertex v : rows_.vertices) {
      own_fresh[v] = static_cast<std::uint8_t>(fresh_.of(v).size());
      own_old[v] = static_cast<std::uint8_t>(old_.of(v).size());
    }
    // In an order that prefers no rows.
    for (std::size_t i = 0; i < n; ++i) {
      const Vertex v = rows_.vertices[shuffled(i)];
      add_back(v, own_fresh, fresh_);
      add_back(v, own_old, old_);
    }
  }

  void sample(Vertex v) {
    fresh_.clear(v);
    old_.clear(v);
    std::uint8_t* const is_fresh = is_fresh_.data() + v * lists_.k;
    const std::span<const Near> near = list(v);
    for (std::size_t i = 0; i < near.size(); ++i) {
      if (near[i].vertex == kNoVertex) continue;
      Hops& hops = is_fresh[i] ? fresh_ : old_;
      if (hops.is_full(v, kHops)) continue;
      hops.add(v, near[i].vertex);
      is_fresh[i] = 0;
    }
  }

  std::size_t shuffled(std::size_t i) const noexcept {
    const std::uint64_t n = rows_.vertices.size();
    return kStride % n == 0 ? i : (i * (kStride % n)) % n;
  }

  static void add_back(Vertex v, std::span<const std::uint8_t> own, Hops& hops) {
    for (std::size_t i = 0; i < own[v]; ++i) {
      const Vertex to = hops.of(v)[i];
      if (!hops.is_full(to, own[to] + kHops)) hops.add(to, v);
    }
  }

  // Tries for each row those that a fresh edge of two leads to. How many entries changed?
  std::size_t join(ProgressMeter& meter) {
    std::atomic<std::size_t> changed = 0;
    for_each_row(
        [&](Walk& walk, Vertex v, Scratch& scratch) {
          const auto append = [&](std::span<const Vertex> more) {
            scratch.to.insert(scratch.to.end(), more.begin(), more.end());
          };
          for (const Vertex hop : fresh_.of(v)) {
            append(fresh_.of(hop));
            append(old_.of(hop));
          }
          for (const Vertex hop : old_.of(v)) append(fresh_.of(hop));
          changed.fetch_add(take_nearer(walk, v, scratch), std::memory_order_relaxed);
        },
        &meter);
    return changed;
  }

  const RowsToJoin& rows_;
  const RunOptions& run_;
  NearLists lists_;
  std::vector<std::uint8_t> is_fresh_;  // entries that were not gone on from
  Hops fresh_;
  Hops old_;
};

}  // namespace

NearLists near_rows(const RowsToJoin& rows, std::size_t k, std::uint64_t seed, const RunOptions& run) {
  if (rows.vertices.size() < 2) return {};
  NnDescent descent(rows, k, run);
  if (rows.vertices.size() <= kCompareAll) return std::move(descent).compare_all();
  return std::move(descent).descend(seed);
}

}  // namespace knear
