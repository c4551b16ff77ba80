#include "knear/knn.h"
#include "knear/codecs.h"

#include <algorithm>
#include <chrono>
#include <cmath>

#include "core/call_limits.h"
#include "core/check.h"
#include "core/parallel_for.h"
#include "core/results.h"
#include "knear/error.h"
#include "scan/batch_search.h"
#include "storage/shadows.h"

namespace knear {
namespace {

constexpr std::size_t kLeastQueries = 128;

// The rows of a matrix as a snapshot whose ids are row numbers.
Snapshot snapshot_of(MatrixView base, std::size_t code_bytes) {
  constexpr std::size_t kChunkRows = std::size_t{1} << 31;
  Snapshot snapshot;
  snapshot.code_bytes = code_bytes;
  snapshot.stride = base.row_stride();
  snapshot.live = base.rows();
  for (std::size_t first = 0; first < base.rows(); first += kChunkRows) {
    Chunk chunk;
    chunk.codes = base.row(first);
    chunk.first_id = static_cast<Id>(first);
    chunk.count = std::min(kChunkRows, base.rows() - first);
    snapshot.chunks.push_back(std::move(chunk));
  }
  return snapshot;
}

// Casts shadows when so many queries will pay for it.
void give_shadows(const Codec& codec, std::size_t queries, Snapshot& snapshot, const RunOptions& options) {
  if (queries < kLeastQueries || snapshot.live < codec.casts_shadows_from()) return;
  if (snapshot.stride != static_cast<std::ptrdiff_t>(codec.code_bytes())) return;
  snapshot.shadow = learn_shadow(codec, snapshot);
  for (std::size_t c = 0; c < snapshot.chunks.size(); ++c) {
    Chunk& chunk = snapshot.chunks.edit(c);
    auto shadows = std::make_shared<Matrix>(DType::u8, chunk.count, snapshot.shadow_bytes());
    const Draft::Casting job{*snapshot.shadow, chunk.codes, chunk.count, shadows->data()};
    cast_shadows(std::span(&job, 1), codec.code_bytes(), options);
    chunk.shadows = shadows->data();
    chunk.shadow_owner = std::move(shadows);
  }
}

}  // namespace

Neighbors knn(MatrixView queries, MatrixView base, std::size_t k, Metric metric, const SearchOptions& options) {
  require(queries.dim() == base.dim(), "the queries have ", queries.dim(), " dimensions, the base has ", base.dim());
  require(k >= 1, "k must be at least 1, not ", k);
  require(queries.rows() == 0 || k <= static_cast<std::size_t>(-1) / 16 / queries.rows(), "k = ", k, " for ",
          queries.rows(), " queries is more than memory can hold");
  const auto codec = make_flat_codec(base.dim(), metric, base.dtype());
  std::vector<std::vector<Hit>> hits(queries.rows());
  const auto start = std::chrono::steady_clock::now();
  Snapshot rows = snapshot_of(base, codec->code_bytes());
  give_shadows(*codec, queries.rows(), rows, options.run);
  SearchOptions rest = options;
  rest.run = remaining(options.run, start);
  search_batch(*codec, rows, queries, {.k = k, .radius = 0}, rest, hits);
  Neighbors result{queries.rows(), k, {}, {}, {}};
  result.distances.resize(queries.rows() * k);
  result.ids.resize(queries.rows() * k);
  for (std::size_t q = 0; q < queries.rows(); ++q) {
    write_neighbors(hits[q], k, metric, result.distances.data() + q * k, result.ids.data() + q * k);
    result.counts.push_back(hits[q].size());
  }
  return result;
}

void normalize_l2(std::span<float> values, std::size_t dim) {
  require(dim >= 1 && values.size() % dim == 0, values.size(), " values are no rows of ", dim, " dimensions");
  for (std::size_t row = 0; row < values.size(); row += dim) {
    double norm = 0;
    for (std::size_t j = row; j < row + dim; ++j) norm += static_cast<double>(values[j]) * values[j];
    if (!(norm > 0)) continue;
    const double scale = 1 / std::sqrt(norm);
    for (std::size_t j = row; j < row + dim; ++j) values[j] = static_cast<float>(values[j] * scale);
  }
}

double recall(std::span<const Id> found, std::size_t found_k, std::span<const Id> truth, std::size_t truth_k,
              std::size_t k) {
  require(k >= 1 && k <= found_k && k <= truth_k, "recall@", k, " needs at least ", k, " results and truths, not ",
          found_k, " and ", truth_k);
  require(
      found.size() % found_k == 0 && truth.size() % truth_k == 0 && found.size() / found_k == truth.size() / truth_k,
      found.size(), " found ids by ", found_k, " and ", truth.size(), " true ids by ", truth_k,
      " are not for the same queries");
  const std::size_t queries = found.size() / found_k;
  std::size_t common = 0;
  for (std::size_t q = 0; q < queries; ++q) {
    std::vector<Id> a(found.begin() + static_cast<std::ptrdiff_t>(q * found_k),
                      found.begin() + static_cast<std::ptrdiff_t>(q * found_k + k));
    std::vector<Id> b(truth.begin() + static_cast<std::ptrdiff_t>(q * truth_k),
                      truth.begin() + static_cast<std::ptrdiff_t>(q * truth_k + k));
    std::sort(a.begin(), a.end());
    std::sort(b.begin(), b.end());
    std::vector<Id> both;
    std::set_intersection(a.begin(), a.end(), b.begin(), b.end(), std::back_inserter(both));
    common += both.size() - static_cast<std::size_t>(std::count(both.begin(), both.end(), kNoId));
  }
  return queries ? static_cast<double>(common) / static_cast<double>(queries * k) : 1.0;
}

}  // namespace knear
