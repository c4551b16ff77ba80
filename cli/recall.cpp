#include "recall.h"

#include <fmt/format.h>

#include <algorithm>
#include <span>
#include <unordered_set>
#include <vector>

#include "knear/knn.h"

namespace knear::cli {
namespace {

void check_shapes(const Neighbors& found, const IdMatrix& truth) {
  if (truth.rows != found.queries) {
    throw Error(Error::invalid_argument,
                fmt::format("the truth has {} rows, there are {} queries", truth.rows, found.queries));
  }
  if (truth.k < found.k) {
    throw Error(Error::invalid_argument,
                fmt::format("k = {}, but the truth has only {} ids for each query", found.k, truth.k));
  }
}

// The true neighbours of a query: the first k ids up to a missing one.
std::span<const Id> true_ids(const IdMatrix& truth, std::size_t query, std::size_t k) {
  const std::span<const Id> row = std::span(truth.ids).subspan(query * truth.k, k);
  return row.first(static_cast<std::size_t>(std::ranges::find(row, kNoId) - row.begin()));
}

std::size_t count_common(std::span<const Id> found, std::span<const Id> wanted) {
  const std::unordered_set<Id> wanted_set(wanted.begin(), wanted.end());
  return static_cast<std::size_t>(std::ranges::count_if(found, [&](Id id) { return wanted_set.contains(id); }));
}

// The distance of the last true neighbour of a query.
float farthest_true(const Index& index, MatrixView query, std::span<const Id> wanted) {
  return knn(query, index.get(wanted.last(1)), 1, index.metric(), {.run = {.num_threads = 1}}).distances[0];
}

}  // namespace

Recall recall_of(const Index& index, MatrixView queries, const Neighbors& found, const IdMatrix& truth) {
  check_shapes(found, truth);
  const bool larger = larger_is_closer(index.metric());
  std::size_t wanted_total = 0;
  std::size_t common_total = 0;
  std::size_t near_total = 0;
  for (std::size_t q = 0; q < found.queries; ++q) {
    const std::span<const Id> wanted = true_ids(truth, q, found.k);
    if (wanted.empty()) continue;
    const auto ids = std::span(found.ids).subspan(q * found.k, found.counts[q]);
    const auto distances = std::span(found.distances).subspan(q * found.k, found.counts[q]);
    const float farthest = farthest_true(index, queries.slice(q, 1), wanted);
    const auto near = static_cast<std::size_t>(
        std::ranges::count_if(distances, [&](float d) { return larger ? d >= farthest : d <= farthest; }));
    wanted_total += wanted.size();
    common_total += count_common(ids, wanted);
    near_total += std::min(near, wanted.size());
  }
  if (wanted_total == 0) return {1, 1};  // nothing to find
  const auto share = [&](std::size_t part) { return static_cast<double>(part) / static_cast<double>(wanted_total); };
  return {share(common_total), share(near_total)};
}

}  // namespace knear::cli
