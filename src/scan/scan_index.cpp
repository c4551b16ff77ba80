#include "knear/scan.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstring>

#include "codec/rows_to_store.h"
#include "core/call_limits.h"
#include "core/check.h"
#include "core/parallel_for.h"
#include "core/results.h"
#include "core/same_shape.h"
#include "io/container.h"
#include "metric/finite_rows.h"
#include "scan/batch_search.h"
#include "scan/rank_candidates.h"
#include "storage/code_store.h"
#include "storage/shadows.h"

namespace knear {
namespace {

constexpr std::size_t kEncodeRows = 1024;   // of one task
constexpr std::uint32_t kCodecVersion = 1;  // 1: first

// The codec as the options want it searched; null when that is as always.
std::unique_ptr<Codec> other_search(const Codec& codec, const SearchOptions& options) {
  if (!options.pq) return nullptr;
  auto other = codec.searched_by(*options.pq);
  require(other != nullptr, "only a product quantizer has other searches, not ", codec.spec());
  return other;
}

bool is_finite(const std::vector<float>& row) {
  return std::all_of(row.begin(), row.end(), [](float value) { return std::isfinite(value); });
}

}  // namespace

ScanIndex::ScanIndex(std::unique_ptr<Codec> codec) : ScanIndex(std::move(codec), Rows::alone) {}

ScanIndex::ScanIndex(std::unique_ptr<Codec> codec, Rows rows)
    : Index(codec->dim(), codec->metric()),
      codec_(std::move(codec)),
      store_(std::make_unique<CodeStore>(codec_->code_bytes(), codec_->layout(), 0,
                                         rows == Rows::have_places ? RowPlaces::stay : RowPlaces::move)) {}

ScanIndex::~ScanIndex() = default;

std::shared_ptr<const Codec> ScanIndex::codec() const {
  std::shared_lock lock(codec_mutex_);
  return codec_;
}

// Training needs an empty store, so a codec never meets codes of another.
ScanIndex::View ScanIndex::view() const {
  std::shared_lock lock(codec_mutex_);
  return {codec_, store_->snapshot()};
}

// Texts are made only for errors: a search of a small index takes microseconds.
void ScanIndex::check_search(const SearchOptions& options) const {
  if (options.k_factor != 0) {
    fail(Error::invalid_argument, "k_factor = ", options.k_factor, " is for indexes that rank again, not for ", spec());
  }
  if (options.nprobe != 0 || options.max_codes != 0) {
    fail(Error::invalid_argument, "nprobe and max_codes are for indexes with cells, not for ", spec());
  }
  if (options.ef_search != 0) {
    fail(Error::invalid_argument, "ef_search = ", options.ef_search, " is for graphs, not for ", spec());
  }
}

DType ScanIndex::dtype() const noexcept { return codec()->dtype(); }
std::size_t ScanIndex::size() const noexcept { return store_->snapshot()->live; }
Id ScanIndex::next_id() const { return store_->next_id(); }
bool ScanIndex::is_trained() const noexcept { return codec()->is_trained(); }
std::string ScanIndex::spec() const { return codec()->spec(); }

Capabilities ScanIndex::capabilities() const {
  const auto codec = this->codec();
  return {.exact = codec->exact(),
          .needs_training = !codec->is_trained(),
          .fast_remove = true,
          .fast_range_search = true,
          .fast_filter = true,
          .mmap = true,
          .keeps_rows = codec->exact()};
}

IndexStats ScanIndex::stats() const {
  const auto snapshot = store_->snapshot();
  IndexStats stats;
  stats.ntotal = snapshot->live;
  stats.removed_slots = snapshot->rows() - snapshot->live;
  stats.code_bytes = codec()->code_bytes();
  stats.memory_bytes = store_->memory_bytes();
  stats.mapped_bytes = store_->mapped_bytes();
  if (snapshot->shadow) {
    stats.shadow_bytes = snapshot->shadow_bytes();
    stats.shadow = snapshot->shadow->about();
  }
  return stats;
}

Report ScanIndex::verify() const {
  Report report = store_->verify();
  for (std::string& problem : problems_of_shadows(*store_->snapshot())) report.problems.push_back(std::move(problem));
  report.ok = report.problems.empty();
  return report;
}

void ScanIndex::write_merged(SectionWriter& writer, Others others, const MergeOptions& options) const {
  std::shared_lock lock(codec_mutex_);
  const std::vector<Byte> learned = learned_bytes(*codec_);
  std::vector<StoredPart> parts = {store_->part()};
  for (const ScanIndex* other : same_shape(*this, others)) {
    std::shared_lock their_lock(other->codec_mutex_);
    require(other->codec_->spec() == codec_->spec() && learned_bytes(*other->codec_) == learned,
            "codes of the parts mean different things: they come from different training");
    parts.push_back(other->store_->part());
  }
  if (!learned.empty()) writer.section("codec", kCodecVersion, learned);
  write_parts(writer, with_ids_settled(std::move(parts), options));
}

void ScanIndex::read(const Container& container) {
  if (container.find("codec")) learn_from(container.at("codec", kCodecVersion).bytes, "section codec", *codec_);
  store_->read(container, [this](ByteSource& source) { return codec_->read_shadow(source); });
  if (!codec_->is_trained() && size() > 0) {
    fail(Error::corrupt_file, size(), " codes of a codec ", codec_->spec(), " that is not trained");
  }
}

void ScanIndex::train_rows(MatrixView rows, const TrainOptions& options) {
  reject_bad_rows(rows, options.run);
  std::shared_ptr<Codec> taught = codec()->trained(rows, options);
  if (!taught) return;
  const bool empty = store_->while_empty([&] {
    std::unique_lock lock(codec_mutex_);
    codec_ = std::move(taught);
  });
  if (!empty) fail(Error::wrong_state, "the index holds ", size(), " rows: clear it before it is trained again");
}

std::size_t ScanIndex::add_rows(MatrixView rows, const AddOptions& options) {
  const auto start = std::chrono::steady_clock::now();
  const RowsToStore some(rows, options, *codec());
  const RunOptions run = remaining(options.run, start);
  ProgressMeter meter(run, "add", some.count());
  store_->append(some.count(), some.ids(), options.on_duplicate,
                 {[&](std::size_t first, std::size_t count, Byte* codes) {
                    some.encode(*codec(), first, count, codes);
                    meter.advance(count);
                  },
                  [&](Draft& draft) { complete(draft, run); }, options.on_commit, run});
  meter.finish();
  return some.count();
}

void ScanIndex::encode(const RowsToStore& rows, Part part, Byte* codes, const RunOptions& options,
                       ProgressMeter& meter) const {
  const std::size_t tasks = (part.count + kEncodeRows - 1) / kEncodeRows;
  const auto codec = this->codec();
  parallel_for(tasks, options, [&](std::size_t task, std::size_t) {
    const std::size_t from = task * kEncodeRows;
    const std::size_t count = std::min(kEncodeRows, part.count - from);
    rows.encode(*codec, part.first + from, count, codes + from * codec->code_bytes());
    meter.advance(count);
  });
}

void ScanIndex::complete(Draft& draft, const RunOptions& options) const {
  if (draft.next().shadow || !ranks_only_) add_shadows(*codec(), draft, options);
}

void ScanIndex::search_rows(MatrixView queries, std::size_t k, float* distances, Id* ids, std::size_t* counts,
                            const SearchOptions& options) const {
  std::vector<std::vector<Hit>> hits(queries.rows());
  check_search(options);
  const View now = view();
  const auto other = other_search(*now.codec, options);
  search_batch(other ? *other : *now.codec, *now.snapshot, queries, {.k = k, .radius = 0}, options, hits);
  for (std::size_t q = 0; q < queries.rows(); ++q) {
    write_neighbors(hits[q], k, metric(), distances + q * k, ids + q * k);
    if (counts) counts[q] = hits[q].size();
  }
}

RangeNeighbors ScanIndex::range_rows(MatrixView queries, float radius, const SearchOptions& options) const {
  std::vector<std::vector<Hit>> hits(queries.rows());
  const double limit = larger_is_closer(metric()) ? -static_cast<double>(radius) : radius;
  check_search(options);
  const View now = view();
  const auto other = other_search(*now.codec, options);
  search_batch(other ? *other : *now.codec, *now.snapshot, queries, {.k = 0, .radius = limit}, options, hits);
  const auto rounds_to_radius = [&](const Hit& hit) { return value_of(hit.distance, metric()) == radius; };
  for (std::vector<Hit>& query_hits : hits) {
    while (!query_hits.empty() && rounds_to_radius(query_hits.back())) query_hits.pop_back();
  }
  return range_of(hits, metric());
}

RangeNeighbors ScanIndex::rank_rows(MatrixView queries, std::span<const std::vector<Id>> candidates, std::size_t k,
                                    const RunOptions& options) const {
  std::vector<std::vector<Hit>> hits(queries.rows());
  const View now = view();
  rank_candidates(*now.codec, *store_, queries, {candidates, k}, options, hits);
  return range_of(hits, metric());
}

bool ScanIndex::has_id(Id id) const { return store_->contains(id); }

std::vector<Id> ScanIndex::list_ids() const {
  const auto snapshot = store_->snapshot();
  std::vector<Id> ids;
  ids.reserve(snapshot->live);
  snapshot->for_live([&](const Chunk& chunk, std::size_t row) { ids.push_back(chunk.id(row)); });
  return ids;
}

void ScanIndex::get_rows(std::span<const Id> ids, float* rows) const {
  const auto codec = this->codec();
  std::vector<Byte> codes(ids.size() * codec->code_bytes());
  store_->fetch(ids, codes.data());
  codec->decode(codes.data(), ids.size(), rows);
}

std::size_t ScanIndex::remove_selected(const Selector& selector) { return store_->remove(selector); }
std::size_t ScanIndex::remove_ids(std::span<const Id> ids) { return store_->remove(ids); }

void ScanIndex::update_rows(std::span<const Id> ids, MatrixView rows, const AddOptions& options) {
  const auto start = std::chrono::steady_clock::now();
  AddOptions with_ids = options;
  with_ids.ids = ids;
  const RowsToStore some(rows, with_ids, *codec());
  const RunOptions run = remaining(options.run, start);
  ProgressMeter meter(run, "update", some.count());
  store_->replace(some.ids(), {[&](std::size_t first, std::size_t count, Byte* codes) {
                                 some.encode(*codec(), first, count, codes);
                                 meter.advance(count);
                               },
                               [&](Draft& draft) { complete(draft, run); }, options.on_commit, run});
  meter.finish();
}

// Codes are taken over as they are when both sides mean the same by them, else through float32.
void ScanIndex::merge_rows(const Index& other, const MergeOptions& options) {
  const auto* scan = dynamic_cast<const ScanIndex*>(&other);
  require(scan != nullptr, "cannot merge an index of another shape: ", other.spec(), " into ", spec());
  const View now = scan->view();
  const bool as_they_are = takes_rows_as_they_are() && scan->takes_rows_as_they_are();
  const std::shared_ptr<const Codec>& their_codec = now.codec;
  const std::shared_ptr<const Snapshot>& theirs = now.snapshot;
  const Id shift = options.ids == MergeIds::shift ? store_->next_id() : 0;
  const auto means_the_same = [](const Codec& a, const Codec& b) {
    return a.spec() == b.spec() && learned_bytes(a) == learned_bytes(b);
  };
  if (shift == 0 && as_they_are && means_the_same(*their_codec, *codec()) &&
      store_->adopt(scan->store_->part(), options.on_commit)) {
    return;
  }
  std::vector<Slot> slots;
  std::vector<Id> ids;
  theirs->for_live_slots([&](Slot slot) {
    slots.push_back(slot);
    ids.push_back(theirs->id(slot) + shift);
  });
  ProgressMeter meter(options.run, "merge", slots.size());
  std::once_flag compared;
  bool same = false;
  const auto encode_theirs = [&](std::size_t first, std::size_t count, Byte* codes) {
    const auto codec = this->codec();
    std::call_once(compared, [&] { same = means_the_same(*their_codec, *codec); });
    std::vector<float> row(dim());
    std::vector<Byte> scratch(their_codec->code_bytes());
    for (std::size_t i = 0; i < count; ++i, codes += codec->code_bytes()) {
      const Byte* code = theirs->code(slots[first + i], scratch.data());
      if (same) {
        std::memcpy(codes, code, codec->code_bytes());
        continue;
      }
      their_codec->decode(code, 1, row.data());
      require(codec->keeps_bad_rows() || is_finite(row), "the row with id ", ids[first + i] - shift,
              " holds NaN or Inf, which a code of ", codec->spec(), " cannot keep");
      codec->encode(MatrixView(row, dim()), codes);
    }
    meter.advance(count);
  };
  store_->append(slots.size(), ids, options.on_duplicate,
                 {encode_theirs, [&](Draft& draft) { complete(draft, options.run); }, options.on_commit, options.run});
  meter.finish();
}

void ScanIndex::remove_all() { store_->clear(); }

void ScanIndex::encode_rows(MatrixView rows, Byte* codes, const RunOptions& options) const {
  const auto start = std::chrono::steady_clock::now();
  const RowsToStore all(rows, {.run = options}, *codec());
  const RunOptions run = remaining(options, start);
  ProgressMeter meter(run, "encode", rows.rows());
  encode(all, {0, rows.rows()}, codes, run, meter);
  meter.finish();
}

void ScanIndex::decode_codes(const Byte* codes, std::size_t n, float* rows, const RunOptions& options) const {
  const auto codec = this->codec();
  ProgressMeter meter(options, "decode", n);
  parallel_for((n + kEncodeRows - 1) / kEncodeRows, options, [&](std::size_t task, std::size_t) {
    const std::size_t from = task * kEncodeRows;
    const std::size_t count = std::min(kEncodeRows, n - from);
    codec->decode(codes + from * codec->code_bytes(), count, rows + from * dim());
    meter.advance(count);
  });
  meter.finish();
}

}  // namespace knear
