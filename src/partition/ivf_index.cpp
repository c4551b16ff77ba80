#include "knear/partition.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstring>
#include <mutex>
#include <numeric>

#include "codec/registry.h"
#include "codec/rows_to_store.h"
#include "core/call_limits.h"
#include "core/check.h"
#include "core/parallel_for.h"
#include "core/row_set.h"
#include "io/container.h"
#include "metric/finite_rows.h"
#include "partition/cell_finder.h"
#include "partition/ivf_view.h"
#include "storage/code_store.h"
#include "storage/shadows.h"

namespace knear {
namespace {

constexpr std::uint32_t kCodecVersion = 1;  // 1: first
constexpr const char* kCoarsePrefix = "coarse.";
constexpr std::size_t kTrainingRows = std::size_t{1} << 18;  // that a codec of residuals learns from
constexpr std::size_t kTaskRows = 1024;
constexpr std::size_t kPlacedAtOnce = 65536;

bool knows_differences(Metric metric) {
  switch (metric.kind) {
    case Metric::l2:
    case Metric::inner_product:
    case Metric::l1:
    case Metric::linf:
    case Metric::lp:
      return true;
    default:
      return false;
  }
}

bool chosen_residual(const Codec& codec, const IvfOptions& options) {
  const bool can = knows_differences(codec.metric());
  require(can || !options.by_residual.value_or(false), "by_residual takes a metric that knows differences, not ",
          text_of(codec.metric()));
  return options.by_residual.value_or(can && codec.suits_residuals());
}

bool is_finite(const Matrix& row) {
  return std::all_of(row.floats(), row.floats() + row.dim(), [](float value) { return std::isfinite(value); });
}

bool same_codes(const Codec& a, const Codec& b) {
  return a.spec() == b.spec() && learned_bytes(a) == learned_bytes(b);
}

}  // namespace

IvfIndex::IvfIndex(std::shared_ptr<Index> coarse, std::unique_ptr<Codec> codec, const IvfOptions& options)
    : Index(codec->dim(), codec->metric()),
      nlist_(options.nlist),
      residual_(chosen_residual(*codec, options)),
      residual_asked_(options.by_residual),
      kmeans_(options.kmeans),
      nprobe_(options.nprobe),
      coarse_(std::move(coarse)),
      codec_(std::move(codec)) {
  require(nlist_ >= 1 && nlist_ <= kMaxCentroids, "a partition has 1 to ", kMaxCentroids, " cells, not ", nlist_);
  require(coarse_ != nullptr, "a partition needs a coarse index");
  require(coarse_->dim() == dim(), "the coarse index has ", coarse_->dim(), " dimensions, the codec ", dim());
  require(coarse_->size() == 0 || coarse_->size() == nlist_, "the coarse index has ", coarse_->size(), " rows for ",
          nlist_, " cells");
  store_ = std::make_unique<CodeStore>(codec_->code_bytes(), codec_->layout(), nlist_);
  if (coarse_->size()) cells_ = std::make_shared<CellFinder>(coarse_);
}

IvfIndex::~IvfIndex() = default;

CodesOf IvfIndex::codes_of() const noexcept { return residual_ ? CodesOf::residuals : CodesOf::rows; }

Learned IvfIndex::learned() const {
  std::shared_lock lock(learned_mutex_);
  return {cells_, codec_};
}

// Training needs an empty store, so a codec never meets codes of another.
IvfIndex::View IvfIndex::view() const {
  std::shared_lock lock(learned_mutex_);
  return {{cells_, codec_}, store_->snapshot()};
}

std::size_t IvfIndex::nprobe() const noexcept {
  const std::size_t asked = nprobe_;
  const auto usual = static_cast<std::size_t>(std::ceil(std::sqrt(static_cast<double>(nlist_)) / 2));
  return asked ? asked : usual;
}

void IvfIndex::set_nprobe(std::size_t nprobe) { nprobe_ = nprobe; }

DType IvfIndex::dtype() const noexcept { return residual_ ? DType::f32 : learned().codec->dtype(); }
std::size_t IvfIndex::size() const noexcept { return store_->snapshot()->live; }
Id IvfIndex::next_id() const { return store_->next_id(); }
bool IvfIndex::is_trained() const noexcept {
  const Learned now = learned();
  return now.cells && now.codec->is_trained();
}

std::string IvfIndex::spec() const {
  const std::string coarse = coarse_->spec();
  std::string text = concat("IVF", nlist_, coarse == "Flat" ? "" : "(" + coarse + ")");
  if (!(coarse_->metric() == metric())) text += concat(",metric=", name_of(coarse_->metric()));
  if (residual_asked_) text += *residual_asked_ ? ",by_residual=on" : ",by_residual=off";
  if (const std::size_t nprobe = nprobe_) text += concat(",nprobe=", nprobe);
  return text + "," + learned().codec->spec();
}

Capabilities IvfIndex::capabilities() const {
  return {.exact = false,
          .needs_training = !is_trained(),
          .fast_remove = true,
          .fast_range_search = true,
          .fast_filter = true,
          .mmap = true};
}

IndexStats IvfIndex::stats() const {
  const View now = view();
  IndexStats stats;
  stats.ntotal = now.snapshot->live;
  stats.removed_slots = now.snapshot->rows() - now.snapshot->live;
  stats.code_bytes = now.learned.codec->code_bytes();
  stats.memory_bytes = store_->memory_bytes() + coarse_->stats().memory_bytes;
  if (now.learned.cells) stats.memory_bytes += nlist_ * dim() * sizeof(float);
  if (now.snapshot->shadow) {
    stats.shadow_bytes = now.snapshot->shadow_bytes();
    stats.shadow = now.snapshot->shadow->about();
  }
  stats.mapped_bytes = store_->mapped_bytes() + coarse_->stats().mapped_bytes;
  return stats;
}

ListStats IvfIndex::lists() const {
  const auto snapshot = store_->snapshot();
  ListStats stats;
  double squares = 0;
  for (const Chunk& chunk : snapshot->chunks) {
    stats.sizes.push_back(chunk.live());
    squares += static_cast<double>(chunk.live()) * static_cast<double>(chunk.live());
  }
  const auto n = static_cast<double>(snapshot->live);
  if (n > 0) stats.imbalance = static_cast<double>(nlist_) * squares / (n * n);
  return stats;
}

std::vector<Id> IvfIndex::list_ids_of(std::size_t cell) const {
  require(cell < nlist_, "there is no list ", cell, " of ", nlist_);
  const auto snapshot = store_->snapshot();
  const Chunk& chunk = snapshot->chunks[cell];
  std::vector<Id> ids;
  for (std::size_t row = 0; row < chunk.count; ++row) {
    if (chunk.alive(row)) ids.push_back(chunk.id(row));
  }
  return ids;
}

std::vector<Byte> IvfIndex::list_codes_of(std::size_t cell) const {
  require(cell < nlist_, "there is no list ", cell, " of ", nlist_);
  const auto snapshot = store_->snapshot();
  const Chunk& chunk = snapshot->chunks[cell];
  std::vector<Byte> codes;
  std::vector<Byte> scratch(snapshot->code_bytes);
  for (std::size_t row = 0; row < chunk.count; ++row) {
    if (!chunk.alive(row)) continue;
    const Byte* code = snapshot->code(chunk, row, scratch.data());
    codes.insert(codes.end(), code, code + snapshot->code_bytes);
  }
  return codes;
}

Report IvfIndex::verify() const {
  Report report = store_->verify();
  for (std::string& problem : problems_of_shadows(*store_->snapshot())) report.problems.push_back(std::move(problem));
  for (const std::string& problem : coarse_->verify().problems) report.problems.push_back("coarse index: " + problem);
  if (coarse_->size() != 0 && coarse_->size() != nlist_) {
    report.problems.push_back(concat("the coarse index has ", coarse_->size(), " rows for ", nlist_, " cells"));
  }
  report.ok = report.problems.empty();
  return report;
}

void IvfIndex::write(SectionWriter& writer) const {
  std::shared_lock lock(learned_mutex_);
  const std::vector<Byte> learned = learned_bytes(*codec_);
  if (!learned.empty()) writer.section("codec", kCodecVersion, learned);
  PrefixedWriter coarse(writer, kCoarsePrefix);
  coarse_->write(coarse);
  store_->write(writer);
}

void IvfIndex::read(const Container& container) {
  if (container.find("codec")) learn_from(container.at("codec", kCodecVersion).bytes, "section codec", *codec_);
  coarse_->read(container.part(kCoarsePrefix));
  if (coarse_->size() != 0 && coarse_->size() != nlist_) {
    fail(Error::corrupt_file, "the coarse index has ", coarse_->size(), " rows for ", nlist_, " cells");
  }
  store_->read(container, [this](ByteSource& source) { return codec_->read_shadow(source); });
  try {
    if (coarse_->size()) cells_ = std::make_shared<CellFinder>(coarse_);
  } catch (const Error& error) {
    if (error.kind() != Error::not_found) throw;
    fail(Error::corrupt_file, "the coarse index: ", error.what());
  }
  if (!is_trained() && size() > 0) fail(Error::corrupt_file, size(), " codes of an index that is not trained");
}

// Cells first; a codec of residuals learns from a sample of those. A coarse index that came full stays as it is.
void IvfIndex::train_rows(MatrixView rows, const TrainOptions& options) {
  const auto start = std::chrono::steady_clock::now();
  reject_bad_rows(rows, options.run);
  if (size()) fail(Error::wrong_state, "the index holds ", size(), " rows: clear it before it is trained again");
  std::shared_ptr<const CellFinder> cells = learned().cells;
  if (!cells) {
    KmeansOptions kmeans = kmeans_;
    kmeans.run = remaining(options.run, start);
    fill_coarse(rows, nlist_, kmeans, *coarse_);
    cells = std::make_shared<CellFinder>(coarse_);
  }
  std::shared_ptr<Codec> taught = teach(*cells, rows, remaining(options.run, start));
  const bool empty = store_->while_empty([&] {
    std::unique_lock lock(learned_mutex_);
    cells_ = std::move(cells);
    if (taught) codec_ = std::move(taught);
  });
  if (!empty) fail(Error::wrong_state, "rows came while the index was trained: it stays as it was");
}

std::unique_ptr<Codec> IvfIndex::teach(const CellFinder& cells, MatrixView rows, const RunOptions& options) const {
  const auto start = std::chrono::steady_clock::now();
  const auto codec = learned().codec;
  if (!residual_) return codec->trained(rows, {.run = options});
  Matrix sample = RowSet(rows, kTrainingRows).floats();
  const std::vector<std::uint32_t> of = cells.assign(sample, options);
  for (std::size_t i = 0; i < of.size(); ++i) {
    const float* const centroid = cells.centroid(of[i]);
    for (std::size_t j = 0; j < dim(); ++j) sample.floats()[i * dim() + j] -= centroid[j];
  }
  return codec->trained(sample, {.run = remaining(options, start)});
}

// Rows were placed before the store's turn came. Their shadows are of use where queries meet all lists as they are.
void IvfIndex::complete(Draft& draft, const Learned& before, const RunOptions& run) const {
  if (!(learned() == before)) fail(Error::wrong_state, "the index was trained while rows were on their way into it");
  if (!residual_) add_shadows(*before.codec, draft, run);
}

std::size_t IvfIndex::add_rows(MatrixView rows, const AddOptions& options) {
  const auto start = std::chrono::steady_clock::now();
  const RowsToStore some(rows, options, *learned().codec);
  const Placement placement(some, learned(), codes_of(), options.run);
  const RunOptions run = remaining(options.run, start);
  ProgressMeter meter(run, "add", some.count());
  store_->append(some.count(), some.ids(), options.on_duplicate,
                 {[&](std::size_t first, std::size_t count, Byte* codes) {
                    placement.encode(first, count, codes);
                    meter.advance(count);
                  },
                  [&](Draft& draft) { complete(draft, placement.learned(), run); }, options.on_commit, run,
                  placement.by_cell().runs, placement.by_cell().order});
  meter.finish();
  return some.count();
}

void IvfIndex::update_rows(std::span<const Id> ids, MatrixView rows, const AddOptions& options) {
  const auto start = std::chrono::steady_clock::now();
  AddOptions with_ids = options;
  with_ids.ids = ids;
  const RowsToStore some(rows, with_ids, *learned().codec);
  const Placement placement(some, learned(), codes_of(), options.run);
  const RunOptions run = remaining(options.run, start);
  ProgressMeter meter(run, "update", some.count());
  store_->replace(some.ids(), {[&](std::size_t first, std::size_t count, Byte* codes) {
                                 placement.encode(first, count, codes);
                                 meter.advance(count);
                               },
                               [&](Draft& draft) { complete(draft, placement.learned(), run); }, options.on_commit, run,
                               placement.by_cell().runs, placement.by_cell().order});
  meter.finish();
}

// Codes are taken over as they are when both sides mean the same by them, else through float32.
void IvfIndex::merge_rows(const Index& other, const MergeOptions& options) {
  const auto* ivf = dynamic_cast<const IvfIndex*>(&other);
  require(ivf != nullptr, "cannot merge an index of another shape: ", other.spec(), " into ", spec());
  const View theirs = ivf->view();
  const Learned mine = learned();
  const bool same_cells = theirs.learned.cells && theirs.learned.cells->means_the_same_as(*mine.cells);
  const bool same = same_cells && ivf->residual_ == residual_ && same_codes(*theirs.learned.codec, *mine.codec);
  const Id shift = options.ids == MergeIds::shift ? store_->next_id() : 0;
  std::vector<Slot> slots;
  std::vector<Id> ids;
  theirs.snapshot->for_live_slots([&](Slot slot) {
    slots.push_back(slot);
    ids.push_back(theirs.snapshot->id(slot) + shift);
  });
  const auto decode = [&](std::size_t i, float* row) {
    std::vector<Byte> scratch(theirs.snapshot->code_bytes);
    const Byte* const code = theirs.snapshot->code(slots[i], scratch.data());
    decode_in_cell(theirs.learned, ivf->codes_of(), static_cast<std::uint32_t>(slots[i] >> 32), code, 1, row);
  };
  std::vector<std::uint32_t> cells(slots.size());
  for (std::size_t first = 0; first < slots.size(); first += kPlacedAtOnce) {
    const std::size_t count = std::min(kPlacedAtOnce, slots.size() - first);
    if (same_cells) {
      for (std::size_t i = first; i < first + count; ++i) cells[i] = static_cast<std::uint32_t>(slots[i] >> 32);
      continue;
    }
    Matrix rows(DType::f32, count, dim());
    parallel_for(count, options.run,
                 [&](std::size_t i, std::size_t) { decode(first + i, rows.floats() + i * dim()); });
    const std::vector<std::uint32_t> found = mine.cells->assign(rows, options.run);
    std::copy(found.begin(), found.end(), cells.begin() + static_cast<std::ptrdiff_t>(first));
  }
  const ByCell by_cell(cells, nlist_);
  ProgressMeter meter(options.run, "merge", slots.size());
  const auto encode = [&](std::size_t first, std::size_t count, Byte* codes) {
    Matrix row(DType::f32, 1, dim());
    for (std::size_t i = first; i < first + count; ++i, codes += mine.codec->code_bytes()) {
      const std::size_t from = by_cell.order[i];
      if (same) {
        const Byte* const code = theirs.snapshot->code(slots[from], codes);
        if (code != codes) std::memcpy(codes, code, mine.codec->code_bytes());
        continue;
      }
      decode(from, row.floats());
      require(mine.codec->keeps_bad_rows() || is_finite(row), "the row with id ", ids[from] - shift,
              " holds NaN or Inf, which a code of ", mine.codec->spec(), " cannot keep");
      encode_in_cells(mine, codes_of(), row, std::span(cells).subspan(from, 1), codes);
    }
    meter.advance(count);
  };
  store_->append(slots.size(), ids, options.on_duplicate,
                 {encode, [&](Draft& draft) { complete(draft, mine, options.run); }, options.on_commit, options.run, by_cell.runs,
                  by_cell.order});
  meter.finish();
}

bool IvfIndex::has_id(Id id) const { return store_->contains(id); }

std::vector<Id> IvfIndex::list_ids() const {
  const auto snapshot = store_->snapshot();
  std::vector<Id> ids;
  ids.reserve(snapshot->live);
  snapshot->for_live([&](const Chunk& chunk, std::size_t row) { ids.push_back(chunk.id(row)); });
  return ids;
}

void IvfIndex::get_rows(std::span<const Id> ids, float* rows) const {
  const Learned now = learned();
  std::vector<Slot> slots(ids.size());
  const auto snapshot = store_->locate(ids, slots.data());
  std::vector<Byte> scratch(snapshot->code_bytes);
  for (std::size_t i = 0; i < ids.size(); ++i, rows += dim()) {
    if (slots[i] == kNoSlot) fail(Error::not_found, "id ", ids[i], " is not in the index");
    const Byte* const code = snapshot->code(slots[i], scratch.data());
    decode_in_cell(now, codes_of(), static_cast<std::uint32_t>(slots[i] >> 32), code, 1, rows);
  }
}

std::size_t IvfIndex::remove_selected(const Selector& selector) { return store_->remove(selector); }
std::size_t IvfIndex::remove_ids(std::span<const Id> ids) { return store_->remove(ids); }
void IvfIndex::remove_all() { store_->clear(); }

// Bytes for the number of a cell, the lowest first.
std::size_t IvfIndex::cell_bytes() const noexcept {
  std::size_t bytes = 0;
  for (std::size_t most = nlist_ - 1; most; most >>= 8) ++bytes;
  return bytes;
}

std::size_t IvfIndex::code_bytes() const { return cell_bytes() + learned().codec->code_bytes(); }

void IvfIndex::encode_rows(MatrixView rows, Byte* codes, const RunOptions& options) const {
  const auto start = std::chrono::steady_clock::now();
  const Learned now = learned();
  reject_bad_rows(rows, options);
  const std::vector<std::uint32_t> cells = now.cells->assign(rows, options);
  const RunOptions run = remaining(options, start);
  const std::size_t in_front = cell_bytes();
  const std::size_t each = in_front + now.codec->code_bytes();
  ProgressMeter meter(run, "encode", rows.rows());
  parallel_for((rows.rows() + kTaskRows - 1) / kTaskRows, run, [&](std::size_t task, std::size_t) {
    const std::size_t first = task * kTaskRows;
    const std::size_t count = std::min(kTaskRows, rows.rows() - first);
    std::vector<Byte> some(count * now.codec->code_bytes());
    encode_in_cells(now, codes_of(), rows.slice(first, count), std::span(cells).subspan(first, count), some.data());
    for (std::size_t i = 0; i < count; ++i) {
      Byte* const code = codes + (first + i) * each;
      for (std::size_t b = 0; b < in_front; ++b) code[b] = static_cast<Byte>(cells[first + i] >> (8 * b));
      std::copy_n(some.data() + i * now.codec->code_bytes(), now.codec->code_bytes(), code + in_front);
    }
    meter.advance(count);
  });
  meter.finish();
}

void IvfIndex::decode_codes(const Byte* codes, std::size_t n, float* rows, const RunOptions& options) const {
  const Learned now = learned();
  const std::size_t in_front = cell_bytes();
  const std::size_t each = in_front + now.codec->code_bytes();
  ProgressMeter meter(options, "decode", n);
  parallel_for((n + kTaskRows - 1) / kTaskRows, options, [&](std::size_t task, std::size_t) {
    const std::size_t end = std::min(n, (task + 1) * kTaskRows);
    for (std::size_t i = task * kTaskRows; i < end; ++i) {
      std::size_t cell = 0;
      for (std::size_t b = 0; b < in_front; ++b) cell |= std::size_t{codes[i * each + b]} << (8 * b);
      require(cell < nlist_, "code ", i, " names cell ", cell, " of ", nlist_);
      decode_in_cell(now, codes_of(), static_cast<std::uint32_t>(cell), codes + i * each + in_front, 1,
                     rows + i * dim());
    }
    meter.advance(end - task * kTaskRows);
  });
  meter.finish();
}

}  // namespace knear
