// Graphs of one level, all rows at once: begun by insertion or from near rows, then each row's edges are chosen again.
#include <algorithm>
#include <bit>
#include <cmath>

#include "graph/builder.h"
#include "graph/near_rows.h"
#include "graph/reach.h"

namespace knear {
namespace {

constexpr std::size_t kBatch = 8192;
constexpr std::size_t kTaskRows = 16;
constexpr std::size_t kMeanRows = 1024;

std::size_t tasks_of(std::size_t n, std::size_t task) { return (n + task - 1) / task; }

// 32 steps from a power of two to the next.
std::size_t step_of(std::size_t rows) {
  const auto bits = static_cast<std::size_t>(std::bit_width(rows));
  return 32 * bits + (bits > 6 ? rows >> (bits - 6) : rows);
}

// All near ones, and one from anywhere: near rows of near rows stay in their neighbourhood.
std::vector<Vertex> near_and_far(std::span<const Near> found, std::span<const Vertex> vertices, std::size_t at,
                                 std::uint64_t seed) {
  std::vector<Vertex> edges;
  for (const Near& near : found) edges.push_back(near.vertex);
  std::erase(edges, kNoVertex);
  const Vertex far = vertices[mix(seed ^ mix(at + 1)) % vertices.size()];
  if (far != vertices[at] && std::find(edges.begin(), edges.end(), far) == edges.end()) edges.push_back(far);
  return edges;
}

}  // namespace

void Builder::build(const GraphOptions& options, const RunOptions& run) {
  if (options.kind == GraphKind::vamana) {
    const float longer = std::exchange(links_.stretch, 1.0f);
    insert_rest(run);
    links_.stretch = longer;
  } else {
    settle(run);
    start_from_near_rows(options, run);
  }
  const std::vector<Vertex> vertices = vertices_of(links_);
  links_.entry = middle(vertices, run);
  lead_everywhere();
  if (options.kind == GraphKind::nn_descent) return;
  choose_again(vertices, run);
  lead_everywhere();
}

void Builder::lead_everywhere() {
  Walk walk(codec_, snapshot_, places_, MatrixView(std::span<const float>(), codec_.dim()));
  lead_to_all(walk, links_, [this](Vertex v) { keep_old(v, 0); });
}

// Looking at all edges costs as much as a few insertions in a hundred rows, and so it is done for each three in a
// hundred, counted by the rows that there are.
void Builder::keep_reachable() {
  if (step_of(old_) == step_of(links_.count)) return;
  lead_everywhere();
}

// Gives all rows their places, without edges.
void Builder::settle(const RunOptions& run) {
  const std::size_t count = places_.count();
  links_.lowest.grow(count);
  if (codec_.metric() == Metric::inner_product) find_depths(0, run);
  const std::vector<Vertex> same = same_in_batch(0, count);
  std::vector<Picked> picked(count);
  parallel_for(tasks_of(count, kTaskRows), run, [&](std::size_t task, std::size_t) {
    Walk walk(codec_, snapshot_, places_, MatrixView(std::span<const float>(), codec_.dim()));
    for (std::size_t v = task * kTaskRows; v < std::min(count, (task + 1) * kTaskRows); ++v) {
      picked[v].apart = !walk.stand_at_row(links_, static_cast<Vertex>(v));
    }
  });
  links_.count = count;
  std::vector<Back> none;
  for (std::size_t i = 0; i < count; ++i) {
    const auto v = static_cast<Vertex>(i);
    if (same[i] == v || picked[i].apart) {
      place(v, picked[i], none);
    } else {
      join(v, same[i]);
    }
  }
}

void Builder::start_from_near_rows(const GraphOptions& options, const RunOptions& run) {
  const std::vector<Vertex> vertices = vertices_of(links_);
  const bool as_they_are = options.kind == GraphKind::nn_descent;
  const std::size_t k = as_they_are ? options.M : options.near_rows;
  const NearLists near = near_rows({codec_, snapshot_, places_, links_, vertices}, k, options.seed, run);
  parallel_for(tasks_of(vertices.size(), kTaskRows), run, [&](std::size_t task, std::size_t) {
    Walk walk(codec_, snapshot_, places_, MatrixView(std::span<const float>(), codec_.dim()));
    for (std::size_t i = task * kTaskRows; i < std::min(vertices.size(), (task + 1) * kTaskRows); ++i) {
      const std::span<const Near> found = near.of(vertices[i]);
      const std::vector<Vertex> edges =
          as_they_are ? near_and_far(found, vertices, i, options.seed) : choose_edges(walk, links_, found, options.M);
      links_.set_edges(vertices[i], 0, edges);
    }
  });
  link_all_back(vertices, run);
}

// In batches, so that few edges lie beside the graph at a time.
void Builder::link_all_back(std::span<const Vertex> rows, const RunOptions& run) {
  std::vector<Back> back;
  std::vector<Vertex> edges(links_.most_edges(0));
  for (std::size_t first = 0; first < rows.size(); first += kBatch) {
    back.clear();
    for (const Vertex v : rows.subspan(first, std::min(kBatch, rows.size() - first))) {
      const std::size_t n = links_.edges_of(v, 0, edges.data());
      for (std::size_t i = 0; i < n; ++i) back.push_back({0, edges[i], v});
    }
    link_back(back, run);
  }
}

// All rows see the graph as it was.
void Builder::choose_again(std::span<const Vertex> rows, const RunOptions& run) {
  ProgressMeter meter(run, "choose edges", rows.size());
  std::vector<std::vector<Vertex>> chosen(rows.size());
  parallel_for(tasks_of(rows.size(), kTaskRows), run, [&](std::size_t task, std::size_t) {
    Walk walk(codec_, snapshot_, places_, MatrixView(std::span<const float>(), codec_.dim()));
    const std::size_t end = std::min(rows.size(), (task + 1) * kTaskRows);
    for (std::size_t i = task * kTaskRows; i < end; ++i) chosen[i] = choose_again(walk, rows[i]);
    meter.advance(end - task * kTaskRows);
  });
  for (std::size_t i = 0; i < rows.size(); ++i) links_.set_edges(rows[i], 0, chosen[i]);
  link_all_back(rows, run);
  meter.finish();
}

// From what a walk to the row meets, and the edges that it has.
std::vector<Vertex> Builder::choose_again(Walk& walk, Vertex v) const {
  walk.stand_at_row(links_, v);
  const std::span<const Near> found = walk.nearest(links_, 0, walk.descend(links_, 0), ef_);
  std::vector<Near> all(found.begin(), found.end());
  all.insert(all.end(), walk.trail().begin(), walk.trail().end());
  std::vector<Vertex> edges(links_.most_edges(0));
  edges.resize(links_.edges_of(v, 0, edges.data()));
  std::vector<float> distances(edges.size());
  walk.distances(links_, edges, distances.data());
  for (std::size_t i = 0; i < edges.size(); ++i) all.push_back({distances[i], edges[i]});
  std::sort(all.begin(), all.end());
  const auto same = [](const Near& a, const Near& b) { return a.vertex == b.vertex; };
  all.erase(std::unique(all.begin(), all.end(), same), all.end());
  std::erase_if(all, [&](const Near& near) { return near.vertex == v; });
  return choose_edges(walk, links_, all, links_.most_edges(0));
}

std::vector<double> Builder::mean_row(std::span<const Vertex> rows, const RunOptions& run) const {
  const std::size_t dim = codec_.dim();
  const std::size_t tasks = tasks_of(rows.size(), kMeanRows);
  std::vector<double> sums(tasks * dim);
  parallel_for(tasks, run, [&](std::size_t task, std::size_t) {
    std::vector<float> row(dim);
    std::vector<Byte> scratch(codec_.code_bytes());
    for (std::size_t i = task * kMeanRows; i < std::min(rows.size(), (task + 1) * kMeanRows); ++i) {
      const auto place = places_[rows[i]];
      codec_.decode(snapshot_.code(places_.chunk(place.chunk), place.row, scratch.data()), 1, row.data());
      for (std::size_t j = 0; j < dim; ++j) sums[task * dim + j] += static_cast<double>(row[j]);
    }
  });
  for (std::size_t task = 1; task < tasks; ++task) {
    for (std::size_t j = 0; j < dim; ++j) sums[j] += sums[task * dim + j];
  }
  sums.resize(dim);
  for (double& sum : sums) sum /= static_cast<double>(rows.size());
  return sums;
}

// The row nearest to the mean of all.
Vertex Builder::middle(std::span<const Vertex> rows, const RunOptions& run) const {
  if (rows.empty()) return kNoVertex;
  const std::vector<double> sums = mean_row(rows, run);
  std::vector<float> mean(sums.begin(), sums.end());
  if (!std::all_of(mean.begin(), mean.end(), [](float value) { return std::isfinite(value); })) return rows.front();
  const std::size_t tasks = tasks_of(rows.size(), kMeanRows);
  std::vector<Near> nearest(tasks);
  parallel_for(tasks, run, [&](std::size_t task, std::size_t) {
    Walk walk(codec_, snapshot_, places_, MatrixView(std::span<const float>(mean), codec_.dim()));
    const std::span<const Vertex> some =
        rows.subspan(task * kMeanRows, std::min(kMeanRows, rows.size() - task * kMeanRows));
    std::vector<float> distances(some.size());
    if (walk.stand_at_query(0)) walk.distances(links_, some, distances.data());
    nearest[task] = {distances[0], some[0]};
    for (std::size_t i = 1; i < some.size(); ++i) nearest[task] = std::min(nearest[task], Near{distances[i], some[i]});
  });
  return std::min_element(nearest.begin(), nearest.end())->vertex;
}

}  // namespace knear
