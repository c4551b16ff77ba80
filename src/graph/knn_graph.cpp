// The near rows of each row, without an index.
#include <algorithm>
#include <cmath>

#include "core/check.h"
#include "core/hit_sort.h"
#include "core/parallel_for.h"
#include "core/results.h"
#include "graph/near_rows.h"
#include "knear/codecs.h"
#include "knear/knn.h"
#include "knear/scan.h"
#include "storage/code_store.h"
#include "storage/shadows.h"

namespace knear {
namespace {

constexpr std::size_t kTaskRows = 256;
constexpr std::size_t kLeastNear = 32;  // that are looked for, as short lists lead nowhere
constexpr std::uint64_t kSeed = 0x5eed;

Neighbors room_for(std::size_t rows, std::size_t k) {
  require(k >= 1, "k must be at least 1, not ", k);
  require(rows == 0 || k <= static_cast<std::size_t>(-1) / 16 / rows, "k = ", k, " for ", rows,
          " rows is more than memory can hold");
  Neighbors found{.queries = rows, .k = k, .distances = {}, .ids = {}, .counts = {}};
  found.distances.resize(rows * k);
  found.ids.resize(rows * k);
  found.counts.resize(rows);
  return found;
}

// Keeps rows, and the shadows that walks go by.
class KeptRows final : public ScanIndex {
 public:
  KeptRows(MatrixView rows, Metric metric, const RunOptions& run)
      : ScanIndex(make_flat_codec(rows.dim(), metric), Rows::have_places) {
    add(rows, {.run = run});
  }

  void find(std::size_t k, Neighbors& found, const RunOptions& run) const {
    const View now = view();
    const Places places(*now.snapshot);
    Links links(LinksForm{.M = 1, .lowest_edges = 1});
    links.count = places.count();
    std::vector<Vertex> vertices(links.count);
    for (std::size_t i = 0; i < vertices.size(); ++i) vertices[i] = static_cast<Vertex>(i);
    const NearLists near =
        near_rows({*now.codec, *now.snapshot, places, links, vertices}, std::max(k + k / 2, kLeastNear), kSeed, run);
    parallel_for((links.count + kTaskRows - 1) / kTaskRows, run, [&](std::size_t task, std::size_t) {
      const std::size_t first = task * kTaskRows;
      rank(now, places, near, {first, std::min(kTaskRows, links.count - first)}, found);
    });
  }

 protected:
  void complete(Draft& draft, const RunOptions& options) const override {
    const auto codec = this->codec();
    if (!walks_by_shadows(*codec)) return;
    draft.cast_all(learn_shadow(*codec, draft.next()),
                   [&](std::span<const Draft::Casting> jobs) { cast_shadows(jobs, codec->code_bytes(), options); });
  }

 private:
  struct Part {
    std::size_t first;
    std::size_t count;
  };

  void rank(const View& now, const Places& places, const NearLists& near, Part part, Neighbors& found) const {
    const std::size_t k = found.k;
    Matrix queries(DType::f32, part.count, dim());
    std::vector<Byte> scratch(now.codec->code_bytes());
    std::vector<Slot> slots;
    for (std::size_t i = 0; i < part.count; ++i) {
      const auto place = places[static_cast<Vertex>(part.first + i)];
      const Byte* const code = now.snapshot->code(places.chunk(place.chunk), place.row, scratch.data());
      now.codec->decode(code, 1, queries.floats() + i * dim());
    }
    const auto ranker = now.codec->make_ranker(queries);
    for (std::size_t i = 0; i < part.count; ++i) {
      slots.clear();
      for (const Near& one : near.of(static_cast<Vertex>(part.first + i))) {
        if (one.vertex == kNoVertex) continue;
        const auto place = places[one.vertex];
        slots.push_back(Snapshot::slot(place.chunk, place.row));
      }
      std::vector<Hit> hits(slots.size());
      ranker->rank(i, *now.snapshot, slots, hits);
      std::erase_if(hits, [](const Hit& hit) { return !std::isfinite(hit.distance); });
      keep_nearest(hits, k);
      const std::size_t at = (part.first + i) * k;
      write_neighbors(hits, k, metric(), found.distances.data() + at, found.ids.data() + at);
      found.counts[part.first + i] = hits.size();
    }
  }
};

// All rows are compared; each then is left out of what was found for it.
void find_exactly(MatrixView rows, Metric metric, Neighbors& found, const RunOptions& run) {
  const std::size_t k = found.k;
  for (std::size_t first = 0; first < rows.rows(); first += kTaskRows) {
    const std::size_t count = std::min(kTaskRows, rows.rows() - first);
    SearchOptions options;
    options.run = run;
    const Neighbors some = knn(rows.slice(first, count), rows, k + 1, metric, options);
    for (std::size_t i = 0; i < count; ++i) {
      std::size_t kept = 0;
      for (std::size_t j = 0; j < k + 1 && kept < k; ++j) {
        const std::size_t from = i * (k + 1) + j;
        if (some.ids[from] == static_cast<Id>(first + i)) continue;
        found.ids[(first + i) * k + kept] = some.ids[from];
        found.distances[(first + i) * k + kept++] = some.distances[from];
        found.counts[first + i] += some.ids[from] == kNoId ? 0 : 1;
      }
    }
  }
}

}  // namespace

Neighbors knn_graph(MatrixView rows, std::size_t k, Metric metric, const RunOptions& options) {
  Neighbors found = room_for(rows.rows(), k);
  if (rows.rows() == 0) return found;
  const KeptRows kept(rows, metric, options);
  if (metric == Metric::inner_product) {
    find_exactly(rows, metric, found, options);
  } else {
    kept.find(k, found, options);
  }
  return found;
}

}  // namespace knear
