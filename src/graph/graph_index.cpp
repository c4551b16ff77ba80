#include <algorithm>

#include "core/check.h"
#include "core/results.h"
#include "graph/builder.h"
#include "graph/graph_file.h"
#include "graph/graph_search.h"
#include "graph/live_links.h"
#include "knear/graph.h"
#include "storage/code_store.h"
#include "storage/shadows.h"

namespace knear {
namespace {

constexpr std::uint32_t kCodecVersion = 1;  // 1: first; as that of a scan
constexpr std::size_t kMostM = 512;
constexpr float kMostAlpha = 10;
constexpr std::size_t kMostEfConstruction = 65536;
constexpr std::size_t kMostEfSearch = std::size_t{1} << 24;

void require_ef(const char* name, std::size_t ef, std::size_t most) {
  require(ef >= 1 && ef <= most, name, " = ", ef, " is not from 1 to ", most);
}

std::shared_ptr<const Links> links_of(const Snapshot& snapshot) {
  return std::static_pointer_cast<const Links>(snapshot.beside);
}

LinksForm form_of(const GraphOptions& options) {
  const bool twice = options.kind == GraphKind::hnsw || options.kind == GraphKind::nn_descent;
  const bool longer = options.kind == GraphKind::vamana || options.kind == GraphKind::nn_descent;
  return {.M = options.M,
          .lowest_edges = twice ? 2 * options.M : options.M,
          .has_levels = options.kind == GraphKind::hnsw,
          .stretch = longer ? options.alpha : 1,
          .seed = options.seed};
}

const char* name_of(GraphKind kind) {
  switch (kind) {
    case GraphKind::hnsw:
      return "HNSW";
    case GraphKind::nsg:
      return "NSG";
    case GraphKind::vamana:
      return "Vamana";
    case GraphKind::nn_descent:
      return "NNDescent";
  }
  return "HNSW";
}

std::size_t usual_ef_construction(GraphKind kind) { return kind == GraphKind::nsg ? 200 : 100; }

std::size_t ef_construction_of(const GraphOptions& options) {
  return options.ef_construction ? options.ef_construction : usual_ef_construction(options.kind);
}

void add_to(SearchStats& to, const SearchStats& more) {
  to.rows_scored += more.rows_scored;
  to.bytes_scored += more.bytes_scored;
  to.rows_reranked += more.rows_reranked;
}

}  // namespace

GraphIndex::GraphIndex(std::unique_ptr<Codec> codec, const GraphOptions& options)
    : ScanIndex(std::move(codec), Rows::have_places),
      options_(options),
      ef_construction_(ef_construction_of(options)),
      ef_search_(options.ef_search) {
  require(options.M >= 2 && options.M <= kMostM, "M = ", options.M, " edges are not from 2 to ", kMostM);
  require(options.near_rows >= 2 && options.near_rows <= kMostM, "near_rows = ", options.near_rows,
          " is not from 2 to ", kMostM);
  require(options.alpha >= 1 && options.alpha <= kMostAlpha, "alpha = ", options.alpha, " is not from 1 to ",
          kMostAlpha);
  require_ef("ef_construction", ef_construction(), kMostEfConstruction);
  require_ef("ef_search", options.ef_search, kMostEfSearch);
}

void GraphIndex::set_ef_construction(std::size_t ef) {
  require_ef("ef_construction", ef, kMostEfConstruction);
  ef_construction_.store(ef, std::memory_order_relaxed);
}

void GraphIndex::set_ef_search(std::size_t ef) {
  require_ef("ef_search", ef, kMostEfSearch);
  ef_search_.store(ef, std::memory_order_relaxed);
}

std::string text_of(const GraphOptions& options) {
  const GraphOptions usual;
  std::string text = concat(name_of(options.kind), options.M);
  if (options.kind == GraphKind::vamana && options.alpha != usual.alpha) text += concat(",alpha=", options.alpha);
  if (options.kind == GraphKind::nsg && options.near_rows != usual.near_rows) {
    text += concat(",near_rows=", options.near_rows);
  }
  const std::size_t ef = ef_construction_of(options);
  if (ef != usual_ef_construction(options.kind)) text += concat(",ef_construction=", ef);
  if (options.ef_search != usual.ef_search) text += concat(",ef_search=", options.ef_search);
  return options.seed == usual.seed ? text : concat(text, ",seed=", options.seed);
}

std::string GraphIndex::spec() const {
  GraphOptions now = options_;
  now.ef_construction = ef_construction();
  now.ef_search = ef_search();
  return text_of(now) + "," + codec()->spec();
}

Capabilities GraphIndex::capabilities() const {
  Capabilities all = ScanIndex::capabilities();
  all.exact = false;
  all.fast_range_search = false;
  return all;
}

IndexStats GraphIndex::stats() const {
  IndexStats stats = ScanIndex::stats();
  if (const auto links = links_of(*view().snapshot)) {
    stats.memory_bytes += links->lowest.memory_bytes() + links->upper.memory_bytes();
    stats.mapped_bytes += links->lowest.mapped_bytes() + links->upper.mapped_bytes();
  }
  return stats;
}

Report GraphIndex::verify() const {
  Report report = ScanIndex::verify();
  const auto snapshot = view().snapshot;
  if (const auto links = links_of(*snapshot)) {
    for (std::string& problem : problems_of_links(*links, *snapshot)) report.problems.push_back(std::move(problem));
  }
  report.ok = report.problems.empty();
  return report;
}

// Rows that a codec casts shadows of are walked by these, however few they are.
void GraphIndex::complete(Draft& draft, const RunOptions& options) const {
  const auto codec = this->codec();
  if (walks_by_shadows(*codec)) {
    if (!draft.next().shadow) {
      draft.cast_all(learn_shadow(*codec, draft.next()),
                     [&](std::span<const Draft::Casting> jobs) { cast_shadows(jobs, codec->code_bytes(), options); });
    } else {
      add_shadows(*codec, draft, options);
    }
  }
  const auto now = links_of(draft.next());
  if (now) now->undo->forget();
  require(draft.next().rows() <= kMostVertices, "a graph has up to ", kMostVertices, " rows, not ",
          draft.next().rows());
  auto next = now ? std::make_shared<Links>(*now) : std::make_shared<Links>(form_of(options_));
  next->undo = std::make_shared<Undo>();
  Builder builder(*codec, draft.next(), *next, ef_construction());
  if (next->count == 0 && kind() != GraphKind::hnsw) {
    builder.build(options_, options);
  } else {
    builder.insert_rest(options);
    builder.keep_reachable();
  }
  draft.put_beside(std::move(next));
}

void GraphIndex::check_search(const SearchOptions& options) const {
  SearchOptions others = options;
  others.ef_search = 0;
  ScanIndex::check_search(others);
  if (options.ef_search != 0) require_ef("ef_search", options.ef_search, kMostEfSearch);
}

void GraphIndex::search_rows(MatrixView queries, std::size_t k, float* distances, Id* ids, std::size_t* counts,
                             const SearchOptions& options) const {
  check_search(options);
  const View now = view();
  const auto links = links_of(*now.snapshot);
  SearchOptions scan = options;
  scan.ef_search = 0;
  if (!links || now.snapshot->live == 0 || options.pq) {
    return ScanIndex::search_rows(queries, k, distances, ids, counts, scan);
  }
  std::vector<std::vector<Hit>> hits(queries.rows());
  const std::size_t ef = options.ef_search ? options.ef_search : ef_search();
  const auto scans = search_graph({*now.codec, *now.snapshot, *links}, queries, k, ef, options, hits);
  for (std::size_t q = 0; q < queries.rows(); ++q) {
    write_neighbors(hits[q], k, metric(), distances + q * k, ids + q * k);
    if (counts) counts[q] = hits[q].size();
  }
  if (!scans.empty()) scan_some(queries, scans, k, scan, {distances, ids, counts});
}

// What walks leave to a scan.
void GraphIndex::scan_some(MatrixView queries, std::span<const std::size_t> which, std::size_t k,
                           const SearchOptions& options, const Into& into) const {
  Matrix some(DType::f32, which.size(), dim());
  std::vector<SelectorPtr> filters;
  for (std::size_t i = 0; i < which.size(); ++i) {
    queries.copy_row(which[i], some.floats() + i * dim());
    if (!options.filters.empty()) filters.push_back(options.filters[which[i]]);
  }
  SearchStats stats;
  SearchOptions scan = options;
  scan.filters = filters;
  scan.stats = options.stats ? &stats : nullptr;
  std::vector<float> distances(which.size() * k);
  std::vector<Id> ids(which.size() * k);
  std::vector<std::size_t> counts(which.size());
  ScanIndex::search_rows(some, k, distances.data(), ids.data(), counts.data(), scan);
  for (std::size_t i = 0; i < which.size(); ++i) {
    std::copy_n(distances.data() + i * k, k, into.distances + which[i] * k);
    std::copy_n(ids.data() + i * k, k, into.ids + which[i] * k);
    if (into.counts) into.counts[which[i]] = counts[i];
  }
  if (options.stats) add_to(*options.stats, stats);
}

void GraphIndex::write_merged(SectionWriter& writer, Others others, const MergeOptions& options) const {
  if (!others.empty()) fail(Error::unsupported, "files of ", spec(), " cannot be merged: merge the indexes");
  const View now = view();
  const StoredPart part = store().part();
  const Snapshot& rows = *part.snapshot;
  const std::vector<Byte> learned = learned_bytes(*now.codec);
  if (!learned.empty()) writer.section("codec", kCodecVersion, learned);
  write_parts(writer, std::span(&part, 1));
  const auto links = links_of(rows);
  if (!links || rows.live == 0) return;
  write_links(writer, rows.live == rows.rows() ? *links : *live_links(*now.codec, rows, *links, options.run));
}

void GraphIndex::read(const Container& container) {
  ScanIndex::read(container);
  const auto snapshot = view().snapshot;
  if (snapshot->rows() == 0) return;
  store().put_beside(read_links(container, form_of(options_), snapshot->rows()));
}

}  // namespace knear
