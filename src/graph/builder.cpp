#include "graph/builder.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>

namespace knear {
namespace {

constexpr std::size_t kShare = 50;  // a batch is at most this part of the graph …
constexpr std::size_t kMostBatch = 8192;
constexpr std::size_t kTaskRows = 16;
constexpr std::size_t kTaskGroups = 64;
constexpr std::size_t kDecoded = 256;
constexpr std::size_t kSameAmong = 4;  // nearest rows that are looked at whether they are the same

std::size_t tasks_of(std::size_t n, std::size_t task) { return (n + task - 1) / task; }

double square_of(const float* row, std::size_t dim) {
  double sum = 0;
  for (std::size_t j = 0; j < dim; ++j) sum += static_cast<double>(row[j]) * static_cast<double>(row[j]);
  return std::isfinite(sum) ? sum : 0;
}

}  // namespace

std::vector<Vertex> choose_edges(Walk& walk, const Links& links, std::span<const Near> found, std::size_t most) {
  constexpr std::size_t kAtOnce = 8;
  std::vector<Vertex> chosen;
  std::array<float, kAtOnce> distances;
  for (const Near& near : found) {
    if (chosen.size() == most) break;
    if (!std::isfinite(near.distance)) break;
    if (!chosen.empty() && !walk.stand_at_row(links, near.vertex)) continue;
    bool wanted = true;
    for (std::size_t first = 0; wanted && first < chosen.size(); first += kAtOnce) {
      const std::size_t n = std::min(kAtOnce, chosen.size() - first);
      walk.distances(links, std::span(chosen).subspan(first, n), distances.data());
      for (std::size_t i = 0; i < n; ++i) {
        wanted = wanted && near.distance < links.stretch * distances[i];
      }
    }
    if (wanted) chosen.push_back(near.vertex);
  }
  return chosen;
}

Builder::Builder(const Codec& codec, const Snapshot& snapshot, Links& links, std::size_t ef)
    : codec_(codec),
      snapshot_(snapshot),
      links_(links),
      places_(snapshot),
      ef_(ef),
      old_(links.count),
      old_upper_(links.upper.size()) {}

void Builder::insert_rest(const RunOptions& run) {
  const std::size_t count = places_.count() - old_;
  links_.lowest.grow(count);
  if (codec_.metric() == Metric::inner_product) find_depths(old_, run);
  ProgressMeter meter(run, "link", count);
  while (links_.count < places_.count()) {
    const std::size_t share = std::clamp<std::size_t>(links_.count / kShare, 1, kMostBatch);
    const std::size_t some = std::min(share, places_.count() - links_.count);
    insert_batch(static_cast<Vertex>(links_.count), some, run);
    meter.advance(some);
  }
  meter.finish();
}

void Builder::find_depths(std::size_t first, const RunOptions& run) {
  const std::size_t count = places_.count() - first;
  std::vector<double> squares(count);
  parallel_for(tasks_of(count, kDecoded), run, [&](std::size_t task, std::size_t) {
    std::vector<float> row(codec_.dim());
    std::vector<Byte> scratch(codec_.code_bytes());
    for (std::size_t i = task * kDecoded; i < std::min(count, (task + 1) * kDecoded); ++i) {
      const auto place = places_[static_cast<Vertex>(first + i)];
      const Byte* code = snapshot_.code(places_.chunk(place.chunk), place.row, scratch.data());
      codec_.decode(code, 1, row.data());
      squares[i] = square_of(row.data(), row.size());
    }
  });
  if (first == 0 && count > 0) links_.most = *std::max_element(squares.begin(), squares.end());
  for (std::size_t i = 0; i < count; ++i) {
    const auto depth = static_cast<float>(std::sqrt(std::max(0.0, links_.most - squares[i])));
    write_word(links_.lowest.edit(first + i) + Links::depth, std::bit_cast<std::uint32_t>(depth));
  }
}

bool Builder::same_code(Vertex a, Vertex b) const {
  const auto place_a = places_[a];
  const auto place_b = places_[b];
  const Chunk& chunk_a = places_.chunk(place_a.chunk);
  const Chunk& chunk_b = places_.chunk(place_b.chunk);
  if (const std::size_t bytes = snapshot_.shadow_bytes()) {
    if (std::memcmp(chunk_a.shadows + place_a.row * bytes, chunk_b.shadows + place_b.row * bytes, bytes) != 0) {
      return false;
    }
  }
  const bool copies = snapshot_.layout == CodeLayout::planes;
  std::vector<Byte> scratch(copies ? 2 * snapshot_.code_bytes : 0);
  const Byte* const code_a = snapshot_.code(chunk_a, place_a.row, scratch.data());
  const Byte* const code_b = snapshot_.code(chunk_b, place_b.row, scratch.data() + (copies ? snapshot_.code_bytes : 0));
  return std::memcmp(code_a, code_b, snapshot_.code_bytes) == 0;
}

// For each row of a batch the first one with the same code, or itself.
std::vector<Vertex> Builder::same_in_batch(Vertex first, std::size_t count) const {
  std::vector<std::pair<std::uint64_t, Vertex>> hashes;
  std::vector<Byte> scratch(snapshot_.code_bytes);
  for (std::size_t i = 0; i < count; ++i) {
    const auto v = static_cast<Vertex>(first + i);
    const auto place = places_[v];
    const Byte* const code = snapshot_.code(places_.chunk(place.chunk), place.row, scratch.data());
    std::uint64_t hash = 0;
    for (std::size_t j = 0; j < snapshot_.code_bytes; j += 8) {
      std::uint64_t word = 0;
      std::memcpy(&word, code + j, std::min<std::size_t>(8, snapshot_.code_bytes - j));
      hash = mix(hash ^ word) + j;
    }
    hashes.emplace_back(hash, v);
  }
  std::sort(hashes.begin(), hashes.end());
  std::vector<Vertex> same(count);
  Vertex head = kNoVertex;
  for (std::size_t i = 0; i < count; ++i) {
    const auto [hash, v] = hashes[i];
    const bool repeats = i > 0 && hashes[i - 1].first == hash && same_code(head, v);
    if (!repeats) head = v;
    same[v - first] = head;
  }
  return same;
}

Vertex Builder::same_among(Vertex v, std::span<const Near> found) const {
  for (const Near& near : found.first(std::min(kSameAmong, found.size()))) {
    if (same_code(v, near.vertex)) return near.vertex;
  }
  return kNoVertex;
}

void Builder::pick(Walk& walk, Vertex v, Picked& picked) const {
  picked.apart = !walk.stand_at_row(links_, v);
  if (picked.apart || links_.entry == kNoVertex) return;
  const std::size_t levels = std::min(links_.level_for(v), links_.top) + 1;
  picked.edges.resize(levels);
  Near from = walk.descend(links_, levels - 1);
  for (std::size_t level = levels; level-- > 0;) {
    const std::span<const Near> found = walk.nearest(links_, level, from, ef_);
    if (level == 0) picked.same = same_among(v, found);
    if (picked.same != kNoVertex) return;
    from = found.front();
    const std::vector<Near> kept(found.begin(), found.end());
    picked.edges[level] = choose_edges(walk, links_, kept, links_.M);
    walk.stand_at_row(links_, v);
  }
}

void Builder::insert_batch(Vertex first, std::size_t count, const RunOptions& run) {
  const std::vector<Vertex> same = same_in_batch(first, count);
  std::vector<Picked> picked(count);
  parallel_for(tasks_of(count, kTaskRows), run, [&](std::size_t task, std::size_t) {
    Walk walk(codec_, snapshot_, places_, MatrixView(std::span<const float>(), codec_.dim()));
    for (std::size_t i = task * kTaskRows; i < std::min(count, (task + 1) * kTaskRows); ++i) {
      if (same[i] == first + i) pick(walk, same[i], picked[i]);
    }
  });
  links_.count += count;
  std::vector<Back> back;
  for (std::size_t i = 0; i < count; ++i) {
    const auto v = static_cast<Vertex>(first + i);
    if (same[i] == v) {
      place(v, picked[i], back);
      continue;
    }
    const Picked& head = picked[same[i] - first];
    if (head.apart) {
      place(v, head, back);
    } else {
      join(v, head.same != kNoVertex ? head.same : same[i]);
    }
  }
  link_back(back, run);
}

void Builder::join(Vertex v, Vertex same) {
  keep_old(same, 0);
  const std::uint32_t last = read_word(links_.lowest[same] + Links::last_twin);
  const Vertex behind = last < links_.count ? last : same;
  keep_old(behind, 0);
  std::uint32_t* const record = links_.lowest.edit(v);
  write_word(record + Links::twin, kNoVertex);
  write_word(record + Links::last_twin, kNoVertex);
  write_word(record + Links::above, kNoVertex);
  write_word(links_.lowest.edit(behind) + Links::twin, v);
  write_word(links_.lowest.edit(same) + Links::last_twin, v);
}

void Builder::place(Vertex v, const Picked& picked, std::vector<Back>& back) {
  if (picked.same != kNoVertex) return join(v, picked.same);
  std::uint32_t* const record = links_.lowest.edit(v);
  write_word(record + Links::twin, kNoVertex);
  write_word(record + Links::last_twin, kNoVertex);
  write_word(record + Links::above, kNoVertex);
  if (picked.apart) {
    links_.apart.push_back(v);
    return;
  }
  const std::size_t top = links_.level_for(v);
  if (top > 0) {
    write_word(record + Links::levels, static_cast<std::uint32_t>(top));
    write_word(record + Links::above, static_cast<std::uint32_t>(links_.upper.size()));
    links_.upper.grow(top);
  }
  for (std::size_t level = 0; level < picked.edges.size(); ++level) {
    links_.set_edges(v, level, picked.edges[level]);
    for (const Vertex to : picked.edges[level]) back.push_back({level, to, v});
  }
  if (links_.entry == kNoVertex || top > links_.top) {
    links_.entry = v;
    links_.top = top;
  }
}

// Before a record changes that walks may see.
void Builder::keep_old(Vertex v, std::size_t level) {
  if (v >= old_) return;
  if (level == 0) {
    links_.lowest.own(v);
    links_.undo->keep(links_.lowest.edit(v), links_.lowest.words());
    return;
  }
  const std::size_t at = read_word(links_.lowest[v] + Links::above) + level - 1;
  if (at >= old_upper_) return;
  links_.upper.own(at);
  links_.undo->keep(links_.upper.edit(at), links_.upper.words());
}

void Builder::link_back(std::vector<Back>& back, const RunOptions& run) {
  std::sort(back.begin(), back.end());
  std::vector<std::size_t> groups;
  for (std::size_t i = 0; i < back.size(); ++i) {
    if (i > 0 && back[i].level == back[i - 1].level && back[i].at == back[i - 1].at) continue;
    groups.push_back(i);
    keep_old(back[i].at, back[i].level);
  }
  const std::size_t count = groups.size();
  groups.push_back(back.size());
  parallel_for(tasks_of(count, kTaskGroups), run, [&](std::size_t task, std::size_t) {
    Walk walk(codec_, snapshot_, places_, MatrixView(std::span<const float>(), codec_.dim()));
    for (std::size_t g = task * kTaskGroups; g < std::min(count, (task + 1) * kTaskGroups); ++g) {
      link_back(walk, std::span(back).subspan(groups[g], groups[g + 1] - groups[g]));
    }
  });
}

void Builder::link_back(Walk& walk, std::span<const Back> group) {
  const auto [level, at, first] = group.front();
  const std::size_t most = links_.most_edges(level);
  std::vector<Vertex> to(most + group.size());
  std::size_t n = links_.edges_of(at, level, to.data());
  const auto end = to.begin() + static_cast<std::ptrdiff_t>(n);
  for (const Back& back : group) {
    if (std::find(to.begin(), end, back.to) == end) to[n++] = back.to;
  }
  to.resize(n);
  if (n > most) {
    std::vector<float> distances(n);
    walk.stand_at_row(links_, at);
    walk.distances(links_, to, distances.data());
    std::vector<Near> found;
    for (std::size_t i = 0; i < n; ++i) found.push_back({distances[i], to[i]});
    std::sort(found.begin(), found.end());
    to = choose_edges(walk, links_, found, most);
  }
  links_.set_edges(at, level, to);
}

}  // namespace knear
