#include "scan/rank_candidates.h"

#include <algorithm>
#include <cmath>

#include "core/hit_sort.h"
#include "core/parallel_for.h"
#include "kernels/dispatch.h"
#include "storage/code_store.h"

namespace knear {
namespace {

constexpr std::size_t kQueriesAtOnce = 16;

// The places of all candidates, query after query, as of one moment.
struct Located {
  std::shared_ptr<const Snapshot> snapshot;
  std::vector<Slot> slots;
  std::vector<std::size_t> limits;  // query q's at [limits[q], limits[q + 1])
};

Located locate(const CodeStore& store, std::span<const std::vector<Id>> candidates) {
  Located located;
  std::vector<Id> ids;
  located.limits.push_back(0);
  for (const std::vector<Id>& of_query : candidates) {
    const auto first = static_cast<std::ptrdiff_t>(ids.size());
    ids.insert(ids.end(), of_query.begin(), of_query.end());
    std::sort(ids.begin() + first, ids.end());
    ids.erase(std::unique(ids.begin() + first, ids.end()), ids.end());
    located.limits.push_back(ids.size());
  }
  located.slots.resize(ids.size());
  located.snapshot = store.locate(ids, located.slots.data());
  return located;
}

}  // namespace

void rank_candidates(const Codec& codec, const CodeStore& store, MatrixView queries, RankWanted wanted,
                     const RunOptions& options, std::span<std::vector<Hit>> hits) {
  const Located located = locate(store, wanted.candidates);
  const std::size_t tasks = (queries.rows() + kQueriesAtOnce - 1) / kQueriesAtOnce;
  ProgressMeter meter(options, "rank", queries.rows());
  parallel_for(tasks, options, [&](std::size_t task, std::size_t) {
    const std::size_t first = task * kQueriesAtOnce;
    const MatrixView some = queries.slice(first, std::min(kQueriesAtOnce, queries.rows() - first));
    const auto ranker = codec.make_ranker(some);
    std::vector<float> query(queries.dim());
    for (std::size_t i = 0; i < some.rows(); ++i) {
      some.copy_row(i, query.data());
      if (codec.metric() != Metric::nan_euclidean && !kernels::table().all_finite(query.data(), query.size())) continue;
      const std::size_t q = first + i;
      std::vector<Slot> slots(located.slots.begin() + static_cast<std::ptrdiff_t>(located.limits[q]),
                              located.slots.begin() + static_cast<std::ptrdiff_t>(located.limits[q + 1]));
      std::erase(slots, kNoSlot);
      hits[q].resize(slots.size());
      ranker->rank(i, *located.snapshot, slots, hits[q]);
      std::erase_if(hits[q], [](const Hit& hit) { return !std::isfinite(hit.distance); });
      keep_nearest(hits[q], wanted.k);
    }
    meter.advance(some.rows());
  });
  meter.finish();
}

}  // namespace knear
