#include "knear/partition.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <mutex>

#include "codec/registry.h"
#include "core/call_limits.h"
#include "core/check.h"
#include "core/row_set.h"
#include "core/same_shape.h"
#include "io/byte_fields.h"
#include "io/container.h"
#include "metric/finite_rows.h"
#include "partition/cell_finder.h"
#include "partition/implicit_centroids.h"
#include "partition/ivf_view.h"
#include "storage/code_store.h"
#include "storage/shadows.h"

namespace knear {
namespace {

constexpr std::uint32_t kCodecVersion = 1;  // 1: first
constexpr std::uint32_t kCellsVersion = 1;  // 1: first
constexpr std::size_t kSpreadRows = 4096;   // that tell how far rows are from their centroids
constexpr const char* kCoarsePrefix = "coarse.";
constexpr std::size_t kTrainingRows = std::size_t{1} << 18;  // that a codec of residuals learns from

double square_between(const float* a, const float* b, std::size_t dim) {
  double sum = 0;
  for (std::size_t j = 0; j < dim; ++j) {
    const double difference = static_cast<double>(a[j]) - static_cast<double>(b[j]);
    sum += difference * difference;
  }
  return sum;
}

// Mean squared distance of a sample of rows from their centroids.
double spread_of(MatrixView rows, const CellFinder& cells, const RunOptions& run) {
  const Matrix sample = RowSet(rows, kSpreadRows).floats();
  const std::vector<std::uint32_t> of = cells.assign(sample, run);
  std::vector<float> scratch(sample.dim());
  double sum = 0;
  for (std::size_t i = 0; i < of.size(); ++i) {
    const float* const centroid = cells.centroid(of[i], scratch.data());
    sum += square_between(sample.floats() + i * sample.dim(), centroid, sample.dim());
  }
  return of.empty() ? 0 : sum / static_cast<double>(of.size());
}

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
  require(codec.takes_residuals() || !options.by_residual.value_or(false), "by_residual under ",
          text_of(codec.metric()), " takes transforms that are ",
          codec.metric() == Metric::inner_product ? "linear, without a mean" : "matrices or means",
          ", unlike those of ", codec.spec());
  return options.by_residual.value_or(can && codec.suits_residuals());
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
      came_full_(coarse_ && coarse_->size() != 0),
      codec_(std::move(codec)) {
  require(nlist_ >= 1 && nlist_ <= kMaxCentroids, "a partition has 1 to ", kMaxCentroids, " cells, not ", nlist_);
  require(coarse_ != nullptr, "a partition needs a coarse index");
  require(coarse_->dim() == dim(), "the coarse index has ", coarse_->dim(), " dimensions, the codec ", dim());
  const auto* const implicit = dynamic_cast<const ImplicitIndex*>(coarse_.get());
  const std::size_t rows = implicit ? implicit->centroids()->cells() : coarse_->size();
  require(rows == 0 || rows == nlist_, "the coarse index has ", rows, " rows for ", nlist_, " cells");
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
  StoredPart part = store_->part();
  return {{cells_, codec_}, part, part.snapshot};
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
  std::string text = text_of_cells(nlist_, coarse_->spec());
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
          .mmap = true,
          .keeps_rows = learned().codec->exact() && !residual_};
}

IndexStats IvfIndex::stats() const {
  const View now = view();
  IndexStats stats;
  stats.ntotal = now.snapshot->live;
  stats.removed_slots = now.snapshot->rows() - now.snapshot->live;
  stats.code_bytes = now.learned.codec->code_bytes();
  stats.memory_bytes = store_->memory_bytes() + now.snapshot->chunks.memory_bytes() + coarse_->stats().memory_bytes;
  if (now.learned.cells) stats.memory_bytes += now.learned.cells->memory_bytes();
  if (now.snapshot->shadow) {
    stats.shadow_bytes = now.snapshot->shadow_bytes();
    stats.shadow = now.snapshot->shadow->about();
  }
  stats.mapped_bytes = store_->mapped_bytes() + coarse_->stats().mapped_bytes;
  return stats;
}

// Of codes, so that their error counts, too.
double IvfIndex::drift_of(const Snapshot& snapshot) const {
  const Learned now = learned();
  std::shared_lock lock(learned_mutex_);
  const double before = spread_;
  lock.unlock();
  if (!(before > 0) || snapshot.live == 0) return 0;
  const std::size_t step = std::max<std::size_t>(1, snapshot.live / kSpreadRows);
  std::vector<float> row(dim());
  std::vector<float> centroid(dim());
  std::vector<Byte> scratch(snapshot.code_bytes);
  std::size_t seen = 0;
  std::size_t taken = 0;
  double sum = 0;
  snapshot.for_live_slots([&](Slot slot) {
    if (seen++ % step != 0) return;
    const auto cell = static_cast<std::uint32_t>(slot >> 32);
    decode_in_cell(now, codes_of(), cell, snapshot.code(slot, scratch.data()), 1, row.data());
    const double square = square_between(row.data(), now.cells->centroid(cell, centroid.data()), dim());
    if (!std::isfinite(square)) return;
    sum += square;
    ++taken;
  });
  return taken ? sum / static_cast<double>(taken) / before : 0;
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
  stats.drift = drift_of(*snapshot);
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

void IvfIndex::write_merged(SectionWriter& writer, Others others, const MergeOptions& options) const {
  std::shared_lock lock(learned_mutex_);
  std::vector<StoredPart> parts = {store_->part()};
  for (const IvfIndex* other : same_shape(*this, others)) {
    const View theirs = other->view();
    require(means_the_same({cells_, codec_}, theirs.learned) && other->residual_ == residual_,
            "cells or codes of the parts mean different things: they come from different training");
    parts.push_back(theirs.part);
  }
  const std::vector<Byte> learned = learned_bytes(*codec_);
  if (!learned.empty()) writer.section("codec", kCodecVersion, learned);
  ByteSink spread;
  spread.f64(spread_);
  writer.section("partition", kCellsVersion, spread.bytes());
  PrefixedWriter coarse(writer, kCoarsePrefix);
  coarse_->write(coarse);
  write_parts(writer, with_ids_settled(std::move(parts), options));
}

void IvfIndex::read(const Container& container) {
  if (container.find("codec")) learn_from(container.at("codec", kCodecVersion).bytes, "section codec", *codec_);
  ByteSource spread(container.at("partition", kCellsVersion).bytes, "section partition");
  spread_ = spread.f64();
  spread.done();
  if (!(spread_ >= 0 && std::isfinite(spread_))) {
    fail(Error::corrupt_file, "section partition has the mean squared distance ", spread_);
  }
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
  const CoarseBackup backup(*coarse_, cells);
  try {
    if (!came_full_) {
      fill_coarse(rows, nlist_, kmeans_, {remaining(options.run, start), options.warnings}, *coarse_);
      cells = std::make_shared<CellFinder>(coarse_);
    }
    std::shared_ptr<Codec> taught = teach(*cells, rows, {remaining(options.run, start), options.warnings});
    const double spread = spread_of(rows, *cells, remaining(options.run, start));
    const bool empty = store_->while_empty([&] {
      std::unique_lock lock(learned_mutex_);
      spread_ = spread;
      cells_ = std::move(cells);
      if (taught) codec_ = std::move(taught);
    });
    if (!empty) fail(Error::wrong_state, "rows came while the index was trained: it stays as it was");
  } catch (...) {
    if (!came_full_) backup.restore();
    throw;
  }
}

std::unique_ptr<Codec> IvfIndex::teach(const CellFinder& cells, MatrixView rows, const TrainOptions& options) const {
  const auto start = std::chrono::steady_clock::now();
  const auto codec = learned().codec;
  if (!residual_) return codec->trained(rows, options);
  Matrix sample = RowSet(rows, kTrainingRows).floats();
  const std::vector<std::uint32_t> of = cells.assign(sample, options.run);
  std::vector<float> scratch(dim());
  for (std::size_t i = 0; i < of.size(); ++i) {
    const float* const centroid = cells.centroid(of[i], scratch.data());
    for (std::size_t j = 0; j < dim(); ++j) sample.floats()[i * dim() + j] -= centroid[j];
  }
  return codec->trained(sample, {remaining(options.run, start), options.warnings});
}

}  // namespace knear
