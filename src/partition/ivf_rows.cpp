// Rows of an IvfIndex: in, out, and as codes that stand alone.
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstring>

#include "codec/registry.h"
#include "codec/rows_to_store.h"
#include "core/call_limits.h"
#include "core/check.h"
#include "core/parallel_for.h"
#include "metric/finite_rows.h"
#include "partition/cell_finder.h"
#include "partition/ivf_view.h"
#include "storage/shadows.h"

namespace knear {
namespace {

constexpr std::size_t kTaskRows = 1024;
constexpr std::size_t kPlacedAtOnce = 65536;

bool is_finite(const Matrix& row) {
  return std::all_of(row.floats(), row.floats() + row.dim(), [](float value) { return std::isfinite(value); });
}

}  // namespace

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
  const bool same = same_cells && ivf->residual_ == residual_ && means_the_same(theirs.learned, mine);
  const Id shift = options.ids == MergeIds::shift ? store_->next_id() : 0;
  if (same && shift == 0 && store_->adopt(theirs.part, options.on_commit)) return;
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
    parallel_for(count, options.run, [&](std::size_t i, std::size_t) { decode(first + i, rows.floats() + i * dim()); });
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
                 {encode, [&](Draft& draft) { complete(draft, mine, options.run); }, options.on_commit, options.run,
                  by_cell.runs, by_cell.order});
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
    std::vector<Byte> code(each - in_front);  // codecs want codes at the beginning of memory, not behind some bytes
    for (std::size_t i = task * kTaskRows; i < end; ++i) {
      std::size_t cell = 0;
      for (std::size_t b = 0; b < in_front; ++b) cell |= std::size_t{codes[i * each + b]} << (8 * b);
      require(cell < nlist_, "code ", i, " names cell ", cell, " of ", nlist_);
      std::copy_n(codes + i * each + in_front, code.size(), code.data());
      decode_in_cell(now, codes_of(), static_cast<std::uint32_t>(cell), code.data(), 1, rows + i * dim());
    }
    meter.advance(end - task * kTaskRows);
  });
  meter.finish();
}

}  // namespace knear
