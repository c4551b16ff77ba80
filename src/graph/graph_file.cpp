#include "graph/graph_file.h"

#include <algorithm>
#include <cmath>

#include "core/check.h"

namespace knear {
namespace {

constexpr std::uint32_t kRecordsVersion = 1;  // 1: first
// 1: first; 2: with the room for edges on the lowest level, which is 2 M in files of version 1
constexpr std::uint32_t kGraphVersion = 2;

void write_records(SectionWriter& writer, const char* name, const Records& records) {
  writer.begin(name, kRecordsVersion);
  for (std::size_t first = 0; first < records.size(); first += Records::kBlock) {
    const std::size_t count = std::min(Records::kBlock, records.size() - first);
    writer.append({reinterpret_cast<const Byte*>(records[first]), count * records.words() * sizeof(std::uint32_t)});
  }
  writer.end();
}

void take_records(const Container& container, const char* name, std::size_t count, Records& records) {
  const std::span<const Byte> bytes = container.at(name, kRecordsVersion).bytes;
  const std::size_t record_bytes = records.words() * sizeof(std::uint32_t);
  if (count > bytes.size() / record_bytes || bytes.size() != count * record_bytes) {
    fail(Error::corrupt_file, "section ", name, " has ", bytes.size(), " bytes, not ", count, " records of ",
         record_bytes);
  }
  records.take(reinterpret_cast<const std::uint32_t*>(bytes.data()), count, container.owner());
}

// Heads that say what cannot be: walks pass over them.
std::size_t wrong_heads(const Links& links) {
  std::size_t wrong = 0;
  for (std::size_t i = 0; i < links.count; ++i) {
    const auto v = static_cast<Vertex>(i);
    const std::uint32_t* const record = links.lowest[v];
    const Vertex next = read_word(record + Links::twin);
    const Vertex last = read_word(record + Links::last_twin);
    const bool right = read_word(record + Links::levels) == links.level_of(v) && next == links.twin_of(v) &&
                       (last == kNoVertex || last < links.count) && !std::isnan(links.depth_of(v));
    wrong += right ? 0 : 1;
  }
  return wrong;
}

}  // namespace

std::vector<std::uint8_t> reached_from_entry(const Links& links, std::size_t& wrong) {
  std::vector<std::uint8_t> reached(links.count);
  std::vector<Vertex> todo;
  const auto reach = [&](Vertex v) {
    if (!reached[v]) todo.push_back(v);
    reached[v] = 1;
  };
  for (const Vertex v : links.apart) reached[v] = 1;
  if (links.entry != kNoVertex) reach(links.entry);
  std::vector<Vertex> edges;
  while (!todo.empty()) {
    const Vertex v = todo.back();
    todo.pop_back();
    for (Vertex twin = links.twin_of(v); twin != kNoVertex; twin = links.twin_of(twin)) reached[twin] = 1;
    for (std::size_t level = 0; level <= links.level_of(v); ++level) {
      edges.resize(2 * links.M);
      edges.resize(links.edges_of(v, level, edges.data()));
      for (const Vertex to : edges) reach(to);
      std::sort(edges.begin(), edges.end());
      const bool repeats = std::adjacent_find(edges.begin(), edges.end()) != edges.end();
      wrong += repeats || edges.size() != links.record(v, level)[0] ? 1 : 0;
    }
  }
  return reached;
}

void write_links(SectionWriter& writer, const Links& links) {
  ByteSink sink;
  const bool is_usual = links.lowest_edges == 2 * links.M;
  sink.u64(links.M);
  if (!is_usual) sink.u64(links.lowest_edges);
  sink.u64(links.count);
  sink.u64(links.upper.size());
  sink.u32(links.entry);
  sink.u32(static_cast<std::uint32_t>(links.top));
  sink.f64(links.most);
  sink.u64(links.apart.size());
  for (const Vertex v : links.apart) sink.u32(v);
  writer.section("graph", is_usual ? 1 : kGraphVersion, sink.bytes());
  write_records(writer, "graph.lowest", links.lowest);
  write_records(writer, "graph.upper", links.upper);
}

std::shared_ptr<Links> read_links(const Container& container, const LinksForm& form, std::size_t rows) {
  const auto& section = container.at("graph", kGraphVersion);
  ByteSource source(section.bytes, "section graph");
  auto links = std::make_shared<Links>(form);
  const std::uint64_t their_m = source.u64();
  const std::uint64_t their_lowest = section.version == 1 ? 2 * their_m : source.u64();
  links->count = source.u64();
  const std::uint64_t upper = source.u64();
  links->entry = source.u32();
  links->top = source.u32();
  links->most = source.f64();
  if (their_m != form.M || their_lowest != form.lowest_edges || links->count != rows || !(links->most >= 0)) {
    fail(Error::corrupt_file, "section graph is of ", links->count, " rows with ", their_lowest, " edges, not of ",
         rows, " with ", form.lowest_edges);
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
  const bool no_entry = links->entry == kNoVertex;
  if (no_entry ? links->top != 0 : links->entry >= rows || links->top > links->level_of(links->entry)) {
    fail(Error::corrupt_file, "the walk of the graph begins at row ", links->entry, " on level ", links->top);
  }
  return links;
}

std::vector<std::string> problems_of_links(const Links& links, const Snapshot& snapshot) {
  std::vector<std::string> problems;
  std::size_t wrong = wrong_heads(links);
  const std::vector<std::uint8_t> reached = reached_from_entry(links, wrong);
  if (wrong)
    problems.push_back(
        concat(wrong, " rows of the graph have edges that lead nowhere or stand twice, or a head that cannot be"));
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
