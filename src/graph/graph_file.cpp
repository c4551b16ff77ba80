#include "graph/graph_file.h"

#include <algorithm>
#include <cmath>

#include "core/check.h"

namespace knear {
namespace {

constexpr std::uint32_t kGraphVersion = 1;  // 1: first

void write_records(SectionWriter& writer, const char* name, const Records& records) {
  writer.begin(name, kGraphVersion);
  for (std::size_t first = 0; first < records.size(); first += Records::kBlock) {
    const std::size_t count = std::min(Records::kBlock, records.size() - first);
    writer.append({reinterpret_cast<const Byte*>(records[first]), count * records.words() * sizeof(std::uint32_t)});
  }
  writer.end();
}

void take_records(const Container& container, const char* name, std::size_t count, Records& records) {
  const std::span<const Byte> bytes = container.at(name, kGraphVersion).bytes;
  const std::size_t record_bytes = records.words() * sizeof(std::uint32_t);
  if (count > bytes.size() / record_bytes || bytes.size() != count * record_bytes) {
    fail(Error::corrupt_file, "section ", name, " has ", bytes.size(), " bytes, not ", count, " records of ",
         record_bytes);
  }
  records.take(reinterpret_cast<const std::uint32_t*>(bytes.data()), count, container.owner());
}

// What walks follow without a look: where upper records are, and rows that share a place, whose numbers ascend.
void check_records(const Links& links) {
  for (std::size_t i = 0; i < links.count; ++i) {
    const auto v = static_cast<Vertex>(i);
    const std::uint32_t* const record = links.lowest[v];
    const std::size_t levels = record[Links::levels];
    const std::size_t above = record[Links::above];
    if (levels > kMostLevels || (levels > 0 && (above > links.upper.size() || links.upper.size() - above < levels))) {
      fail(Error::corrupt_file, "row ", v, " of the graph has ", levels, " upper levels from record ", above, " of ",
           links.upper.size());
    }
    const Vertex next = record[Links::twin];
    const Vertex last = record[Links::last_twin];
    if ((next != kNoVertex && (next >= links.count || next <= v)) || (last != kNoVertex && last >= links.count)) {
      fail(Error::corrupt_file, "row ", v, " of the graph is followed by row ", next, " with its code, and last by ",
           last);
    }
    if (std::isnan(links.depth_of(v))) fail(Error::corrupt_file, "row ", v, " of the graph has a depth of NaN");
  }
}

}  // namespace

void write_links(SectionWriter& writer, const Links& links) {
  ByteSink sink;
  sink.u64(links.M);
  sink.u64(links.count);
  sink.u64(links.upper.size());
  sink.u32(links.entry);
  sink.u32(static_cast<std::uint32_t>(links.top));
  sink.f64(links.most);
  sink.u64(links.apart.size());
  for (const Vertex v : links.apart) sink.u32(v);
  writer.section("graph", kGraphVersion, sink.bytes());
  write_records(writer, "graph.lowest", links.lowest);
  write_records(writer, "graph.upper", links.upper);
}

std::shared_ptr<Links> read_links(const Container& container, std::size_t M, std::uint64_t seed, std::size_t rows) {
  ByteSource source(container.at("graph", kGraphVersion).bytes, "section graph");
  auto links = std::make_shared<Links>(M, seed);
  const std::uint64_t M_there = source.u64();
  links->count = source.u64();
  const std::uint64_t upper = source.u64();
  links->entry = source.u32();
  links->top = source.u32();
  links->most = source.f64();
  if (M_there != M || links->count != rows || !(links->most >= 0)) {
    fail(Error::corrupt_file, "section graph is of ", links->count, " rows with ", M_there, " edges, not of ", rows,
         " with ", M);
  }
  Vertex before = 0;
  for (std::uint64_t left = source.u64(); left > 0; --left) {
    const Vertex v = source.u32();
    if (v >= rows || (!links->apart.empty() && v <= before)) fail(Error::corrupt_file, "section graph has row ", v);
    links->apart.push_back(before = v);
  }
  source.done();
  take_records(container, "graph.lowest", rows, links->lowest);
  take_records(container, "graph.upper", upper, links->upper);
  check_records(*links);
  const bool no_entry = links->entry == kNoVertex;
  if (no_entry ? links->top != 0 : links->entry >= rows || links->top > links->level_of(links->entry)) {
    fail(Error::corrupt_file, "the walk of the graph begins at row ", links->entry, " on level ", links->top);
  }
  return links;
}

std::vector<std::string> problems_of_links(const Links& links, const Snapshot& snapshot) {
  std::vector<std::string> problems;
  std::vector<std::uint8_t> reached(links.count);
  std::vector<Vertex> todo;
  const auto reach = [&](Vertex v) {
    if (!reached[v]) todo.push_back(v);
    reached[v] = 1;
  };
  for (const Vertex v : links.apart) reached[v] = 1;
  if (links.entry != kNoVertex) reach(links.entry);
  std::vector<Vertex> edges(2 * links.M);
  std::size_t wrong = 0;
  while (!todo.empty()) {
    const Vertex v = todo.back();
    todo.pop_back();
    for (Vertex twin = links.twin_of(v); twin != kNoVertex; twin = links.twin_of(twin)) reached[twin] = 1;
    for (std::size_t level = 0; level <= links.level_of(v); ++level) {
      const std::size_t n = links.edges_of(v, level, edges.data());
      wrong += n != links.record(v, level)[0] ? 1 : 0;
      for (std::size_t i = 0; i < n; ++i) reach(edges[i]);
      std::sort(edges.begin(), edges.begin() + static_cast<std::ptrdiff_t>(n));
      wrong += std::adjacent_find(edges.begin(), edges.begin() + static_cast<std::ptrdiff_t>(n)) !=
                       edges.begin() + static_cast<std::ptrdiff_t>(n)
                   ? 1
                   : 0;
    }
  }
  if (wrong) problems.push_back(concat(wrong, " rows of the graph have edges that lead nowhere or stand twice"));
  std::size_t lost = 0;
  const Places places(snapshot);
  for (std::size_t i = 0; i < links.count; ++i) {
    const auto place = places[static_cast<Vertex>(i)];
    lost += !reached[i] && places.chunk(place.chunk).alive(place.row) ? 1 : 0;
  }
  if (lost) problems.push_back(concat(lost, " rows of the graph cannot be reached"));
  return problems;
}

}  // namespace knear
