#include "scan/batch_search.h"

#include <algorithm>
#include <atomic>
#include <bit>
#include <chrono>
#include <cmath>
#include <cstring>
#include <limits>
#include <map>
#include <numeric>

#include "core/call_limits.h"
#include "core/parallel_for.h"
#include "core/top_k.h"
#include "kernels/dispatch.h"
#include "storage/block_feeder.h"

namespace knear {
namespace {

constexpr std::size_t kMostQueries = 256;        // of one scan: their packed form stays in cache
constexpr std::size_t kPlaneQueries = 64;        // the same of lookup tables, which are larger
constexpr std::size_t kStripeBytes = 256 << 10;  // of rows that follow each other when they go in scattered
constexpr std::size_t kStripeStep = 96;          // rows; groups and what tiles take at once divide it
constexpr std::size_t kEarlyStripes = 8;
constexpr std::size_t kLeastBytes = 256 << 10;  // of codes that are worth a thread of their own

// Queries of one filter. Positions name them in the caller's batch.
struct Group {
  const Selector* filter = nullptr;
  std::vector<std::size_t> positions;
  Matrix rows;  // float32
};

std::vector<Group> grouped(const Codec& codec, MatrixView queries, const SearchOptions& options) {
  std::map<const Selector*, std::size_t> place;
  std::vector<Group> groups;
  std::vector<float> row(queries.dim());
  for (std::size_t q = 0; q < queries.rows(); ++q) {
    queries.copy_row(q, row.data());
    if (codec.metric() != Metric::nan_euclidean && !kernels::table().all_finite(row.data(), row.size())) continue;
    const Selector* filter = options.filters.empty() ? options.filter.get() : options.filters[q].get();
    const auto [it, is_new] = place.try_emplace(filter, groups.size());
    if (is_new) groups.push_back({filter, {}, {}});
    groups[it->second].positions.push_back(q);
  }
  for (Group& group : groups) {
    group.rows = Matrix(DType::f32, group.positions.size(), queries.dim());
    for (std::size_t i = 0; i < group.positions.size(); ++i) {
      queries.copy_row(group.positions[i], group.rows.floats() + i * queries.dim());
    }
  }
  return groups;
}

// Rows [first, end).
struct Stretch {
  std::size_t first;
  std::size_t end;
};

// A step near the golden section of n that visits all of 0 … n - 1 when taken n times modulo n.
std::size_t scattering_step(std::size_t n) {
  auto step = static_cast<std::size_t>(static_cast<double>(n) * 0.6180339887498949);
  while (step < 2 || std::gcd(step, n) != 1) ++step;
  return step;
}

// How a group's work is cut: into blocks of queries, and, when these are too few for the threads, the rows too.
struct Cut {
  std::size_t query_blocks;
  std::size_t queries_each;
  std::size_t row_parts;
};

Cut cut_work(std::size_t queries, const Snapshot& snapshot, const RunOptions& options) {
  const std::size_t bytes = snapshot.rows() * snapshot.code_bytes;
  const std::size_t most_parts = std::max<std::size_t>(1, bytes / kLeastBytes);
  const std::size_t threads = threads_for(options, std::max<std::size_t>(most_parts, queries));
  const std::size_t group = kernels::table().tile_queries;
  const std::size_t most = snapshot.layout == CodeLayout::planes ? kPlaneQueries : kMostQueries;
  std::size_t blocks = (queries + most - 1) / most;
  if (blocks > 1 && blocks % threads) blocks += threads - blocks % threads;
  if (blocks == 1 && queries >= 4 * group * threads) blocks = threads;
  const std::size_t each = std::max<std::size_t>(1, ((queries + blocks - 1) / blocks + group - 1) / group * group);
  blocks = (queries + each - 1) / each;
  const std::size_t parts = blocks >= threads ? 1 : std::min(most_parts, (threads + blocks - 1) / blocks);
  return {blocks, each, parts};
}

class GroupSearch {
 public:
  GroupSearch(const Codec& codec, const Snapshot& snapshot, const Group& group, Wanted wanted, Cut cut)
      : codec_(codec),
        snapshot_(snapshot),
        group_(group),
        wanted_(wanted),
        cut_(cut),
        found_(cut.row_parts * group.positions.size()) {
    std::size_t rows = 0;
    for (const Chunk& chunk : snapshot.chunks) {
      starts_.push_back(rows);
      rows += chunk.count;
    }
  }

  void run(const RunOptions& options, ProgressMeter& meter) {
    parallel_for(cut_.query_blocks * cut_.row_parts, options,
                 [&](std::size_t task, std::size_t) { run_task(task, meter); });
  }

  std::uint64_t reranked() const { return reranked_; }

  void take_hits(std::span<std::vector<Hit>> hits) {
    const std::size_t queries = group_.positions.size();
    for (std::size_t q = 0; q < queries; ++q) {
      std::vector<Hit>& out = hits[group_.positions[q]];
      if (cut_.row_parts == 1) {
        out = std::move(found_[q]);
        continue;
      }
      std::vector<std::vector<Hit>> parts;
      for (std::size_t part = 0; part < cut_.row_parts; ++part) {
        parts.push_back(std::move(found_[part * queries + q]));
      }
      out = merge_hits(parts, wanted_.k ? wanted_.k : kAllHits);
    }
  }

 private:
  void run_task(std::size_t task, ProgressMeter& meter) {
    const std::size_t block = task / cut_.row_parts;
    const std::size_t part = task % cut_.row_parts;
    const std::size_t first = block * cut_.queries_each;
    const std::size_t count = std::min(cut_.queries_each, group_.positions.size() - first);
    const MatrixView queries = MatrixView(group_.rows).slice(first, count);
    const auto scan = wanted_.k ? codec_.make_knn_scan(queries, wanted_.k, snapshot_)
                                : codec_.make_range_scan(queries, wanted_.radius, snapshot_);
    const std::size_t rows = snapshot_.rows();
    const Stretch stretch{rows * part / cut_.row_parts, rows * (part + 1) / cut_.row_parts};
    do {
      feed(*scan, stretch, meter);
    } while (!scan->settled());
    scan->finish(std::span(found_).subspan(part * group_.positions.size() + first, count));
    reranked_ += scan->reranked();
    if (part == 0) meter.advance(count);
  }

  // Rows go in stripes, scattered, so that any beginning is a sample of them all, however they are sorted; of the first
  // ones at first a little each, which makes good guesses early. Mapped rows, which may still lie on a disk, and
  // filtered ones go in order.
  void feed(Scan& scan, Stretch stretch, ProgressMeter& meter) {
    BlockFeeder feeder(snapshot_, group_.filter);
    const std::size_t rows = stretch.end - stretch.first;
    const bool in_order = group_.filter || snapshot_.mapped();
    const std::size_t most = kStripeBytes / (snapshot_.shadow ? snapshot_.shadow_bytes() : snapshot_.code_bytes);
    const std::size_t stripe =
        std::clamp(rows / 64, kStripeStep, std::max(kStripeStep, most)) / kStripeStep * kStripeStep;
    const std::size_t stripes = in_order ? 1 : (rows + stripe - 1) / stripe;
    if (stripes < 2) return feed_rows(feeder, scan, stretch, meter);
    const std::size_t step = scattering_step(stripes);
    std::size_t seen = 0;
    const auto feed_part = [&](std::size_t at, std::size_t begin, std::size_t end) {
      const std::size_t first = stretch.first + at * stripe;
      const Stretch part{std::min(first + begin, stretch.end), std::min(first + end, stretch.end)};
      feed_rows(feeder, scan, part, meter);
      seen += part.end - part.first;
      scan.sampled(static_cast<double>(seen) / static_cast<double>(rows));
    };
    const std::size_t early = stripe > kStripeStep ? std::min(kEarlyStripes, stripes) : 0;
    for (std::size_t i = 0, at = 0; i < early; ++i, at = (at + step) % stripes) feed_part(at, 0, kStripeStep);
    for (std::size_t i = 0, at = 0; i < stripes; ++i, at = (at + step) % stripes)
      feed_part(at, i < early ? kStripeStep : 0, stripe);
  }

  void feed_rows(BlockFeeder& feeder, Scan& scan, Stretch stretch, ProgressMeter& meter) const {
    const auto after = std::upper_bound(starts_.begin(), starts_.end(), stretch.first);
    auto c = static_cast<std::size_t>(after - starts_.begin()) - 1;
    for (std::size_t row = stretch.first; row < stretch.end; ++c) {
      const std::size_t end = std::min(stretch.end, starts_[c] + snapshot_.chunks[c].count);
      feeder.feed(c, row - starts_[c], end - starts_[c], scan, [&] { meter.advance(0); });
      row = end;
    }
  }

  const Codec& codec_;
  const Snapshot& snapshot_;
  const Group& group_;
  Wanted wanted_;
  Cut cut_;
  std::vector<std::size_t> starts_;      // of each chunk, counted in rows
  std::vector<std::vector<Hit>> found_;  // row part x query
  std::atomic<std::uint64_t> reranked_ = 0;
};

}  // namespace

void search_batch(const Codec& codec, const Snapshot& snapshot, MatrixView queries, Wanted wanted,
                  const SearchOptions& options, std::span<std::vector<Hit>> hits) {
  if (snapshot.live == 0) return;
  wanted.k = std::min(wanted.k, snapshot.live);
  const auto start = std::chrono::steady_clock::now();
  const std::vector<Group> groups = grouped(codec, queries, options);
  ProgressMeter meter(options.run, "search", queries.rows());
  for (const Group& group : groups) {
    GroupSearch search(codec, snapshot, group, wanted, cut_work(group.positions.size(), snapshot, options.run));
    search.run(remaining(options.run, start), meter);
    search.take_hits(hits);
    if (!options.stats) continue;
    options.stats->rows_scored += group.positions.size() * snapshot.live;
    options.stats->bytes_scored += group.positions.size() * snapshot.live * snapshot.code_bytes;
    options.stats->rows_reranked += search.reranked();
  }
  meter.finish();
}

}  // namespace knear
