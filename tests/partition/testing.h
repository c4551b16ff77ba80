// What the tests of partitions share: partitions to test, and the slow, obvious search of lists.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <map>
#include <memory>
#include <set>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "knear/knear.h"
#include "support/normals.h"
#include "support/reference.h"

namespace knear::testing {

// What a search goes by.
enum class Distances {
  of_decoded_rows,  // the canonical distance to the row that a code decodes to
  of_codes,         // the codec's own, as rank() gives it
};

inline std::unique_ptr<IvfIndex> make_ivf(std::size_t dim, std::string_view spec, Metric metric = Metric::l2) {
  auto index = index_factory(dim, spec, metric);
  if (dynamic_cast<IvfIndex*>(index.get()) == nullptr) throw std::logic_error("not a partition");
  return std::unique_ptr<IvfIndex>(static_cast<IvfIndex*>(index.release()));
}

inline std::unique_ptr<IvfIndex> trained_ivf(std::string_view spec, MatrixView rows, Metric metric = Metric::l2) {
  auto index = make_ivf(rows.dim(), spec, metric);
  index->train(rows);
  return index;
}

inline std::unique_ptr<IvfIndex> filled_ivf(std::string_view spec, MatrixView rows, Metric metric = Metric::l2) {
  auto index = trained_ivf(spec, rows, metric);
  index->add(rows);
  return index;
}

// Centroids that the caller chose, to put a partition around.
inline std::shared_ptr<Index> flat_of(MatrixView rows, Metric metric = Metric::l2) {
  auto index = std::make_shared<IndexFlat>(rows.dim(), metric);
  index->add(rows);
  return index;
}

inline std::vector<Id> ids_of_cells(const IvfIndex& index, std::span<const Id> cells) {
  std::vector<Id> ids;
  for (const Id cell : std::set<Id>(cells.begin(), cells.end())) {
    if (cell < 0) continue;
    const std::vector<Id> some = index.list_ids_of(static_cast<std::size_t>(cell));
    ids.insert(ids.end(), some.begin(), some.end());
  }
  return ids;
}

// All rows of these cells that the selector allows, nearest first, at most k.
inline Neighbors search_of_cells(const IvfIndex& index, MatrixView query, std::size_t k, std::span<const Id> cells,
                                 Distances by, const Selector* selector = nullptr) {
  std::vector<Id> ids = ids_of_cells(index, cells);
  if (selector) std::erase_if(ids, [&](Id id) { return !selector->contains(id); });
  std::vector<std::pair<double, Id>> all;
  const double sign = larger_is_closer(index.metric()) ? -1 : 1;
  if (by == Distances::of_codes) {
    const RangeNeighbors ranked = index.rank(query, std::span(&ids, 1), std::max<std::size_t>(1, ids.size()));
    for (std::size_t i = 0; i < ranked.ids.size(); ++i) all.emplace_back(sign * ranked.distances[i], ranked.ids[i]);
  } else {
    const Matrix rows = index.get(ids);
    std::vector<float> values(query.dim());
    query.copy_row(0, values.data());
    for (std::size_t i = 0; i < ids.size(); ++i) {
      const float* row = rows.floats() + i * query.dim();
      all.emplace_back(sign * reference_distance(index.metric(), values.data(), row, query.dim()), ids[i]);
    }
    std::sort(all.begin(), all.end());
  }
  Neighbors found{1, k, std::vector<float>(k, worst_value(index.metric())), std::vector<Id>(k, kNoId), {0}};
  found.counts[0] = std::min(k, all.size());
  for (std::size_t i = 0; i < found.counts[0]; ++i) {
    found.distances[i] = static_cast<float>(sign * all[i].first);
    found.ids[i] = all[i].second;
  }
  return found;
}

inline void append(Neighbors& all, const Neighbors& more) {
  all.queries += more.queries;
  all.ids.insert(all.ids.end(), more.ids.begin(), more.ids.end());
  all.distances.insert(all.distances.end(), more.distances.begin(), more.distances.end());
  all.counts.insert(all.counts.end(), more.counts.begin(), more.counts.end());
}

// The same for each query, over the cells that the coarse index names.
inline Neighbors search_of_nearest_cells(const IvfIndex& index, MatrixView queries, std::size_t k, std::size_t nprobe,
                                         Distances by, const Selector* selector = nullptr) {
  Neighbors all{0, k, {}, {}, {}};
  for (std::size_t q = 0; q < queries.rows(); ++q) {
    const Neighbors cells = index.coarse()->search(queries.slice(q, 1), std::min(nprobe, index.nlist()));
    append(all, search_of_cells(index, queries.slice(q, 1), k, cells.ids, by, selector));
  }
  return all;
}

inline Neighbors part_of(const Neighbors& all, std::size_t first, std::size_t count) {
  const auto cut = [](const auto& values, std::size_t begin, std::size_t n) {
    const auto at = values.begin() + static_cast<std::ptrdiff_t>(begin);
    return std::decay_t<decltype(values)>(at, at + static_cast<std::ptrdiff_t>(n));
  };
  return {count, all.k, cut(all.distances, first * all.k, count * all.k), cut(all.ids, first * all.k, count * all.k),
          cut(all.counts, first, count)};
}

// The same ids and the same bits.
inline ::testing::AssertionResult same(const Neighbors& a, const Neighbors& b) {
  if (a.k != b.k || a.ids.size() != b.ids.size()) return ::testing::AssertionFailure() << "other shapes";
  for (std::size_t i = 0; i < a.ids.size(); ++i) {
    if (a.ids[i] == b.ids[i] && std::memcmp(&a.distances[i], &b.distances[i], sizeof(float)) == 0) continue;
    return ::testing::AssertionFailure() << "query " << i / a.k << ", place " << i % a.k << ": id " << a.ids[i]
                                         << " at " << a.distances[i] << ", not " << b.ids[i] << " at "
                                         << b.distances[i];
  }
  if (a.counts != b.counts) return ::testing::AssertionFailure() << "other counts";
  return ::testing::AssertionSuccess();
}

inline ::testing::AssertionResult same(const RangeNeighbors& a, const RangeNeighbors& b) {
  if (a.limits != b.limits) return ::testing::AssertionFailure() << "other limits";
  if (a.ids != b.ids) return ::testing::AssertionFailure() << "other ids";
  if (a.distances != b.distances) return ::testing::AssertionFailure() << "other distances";
  return ::testing::AssertionSuccess();
}

}  // namespace knear::testing
