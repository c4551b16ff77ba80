#include "storage/block_feeder.h"

#include <algorithm>
#include <cstring>

namespace knear {
namespace {

constexpr std::size_t kBlockRows = 1152;         // handed to a scan at once
constexpr std::size_t kPlaneBlockRows = 4096;    // the same for codes in planes, which are small
constexpr std::size_t kPickedBytes = 256 << 10;  // of codes picked by a filter and copied together
constexpr std::size_t kMostPicked = 2;           // of codes with shadows: one in so many is worth copying

}  // namespace

std::size_t BlockFeeder::most_rows() const noexcept {
  return snapshot_.layout == CodeLayout::planes ? kPlaneBlockRows : kBlockRows;
}

void BlockFeeder::feed_block(std::size_t chunk_index, std::size_t first, std::size_t count, Scan& scan) {
  if (snapshot_.layout == CodeLayout::planes) return feed_groups(chunk_index, first, count, scan);
  const Chunk& chunk = snapshot_.chunks[chunk_index];
  const CodeBlock whole{chunk.codes + static_cast<std::ptrdiff_t>(first) * snapshot_.stride,
                        count,
                        snapshot_.stride,
                        Snapshot::slot(chunk_index, first),
                        nullptr,
                        nullptr,
                        chunk.shadows ? chunk.shadows + first * snapshot_.shadow_bytes() : nullptr,
                        snapshot_.shadow.get()};
  if (!filter_ && chunk.dead_count == 0) return scan.block(whole);
  bits_.resize((count + 63) / 64);
  const std::size_t allowed = snapshot_.allowed(chunk, first, count, filter_, bits_.data());
  if (allowed == count) return scan.block(whole);
  if (chunk.shadows && allowed > count / kMostPicked) {
    CodeBlock masked = whole;
    masked.allowed = bits_.data();
    return scan.block(masked);
  }
  if (allowed) pick(whole, scan);
}

// Whole groups, with a mask where not every row of theirs is asked for.
void BlockFeeder::feed_groups(std::size_t chunk_index, std::size_t first, std::size_t count, Scan& scan) {
  const Chunk& chunk = snapshot_.chunks[chunk_index];
  const std::size_t begin = first / kGroupRows * kGroupRows;
  const std::size_t end = std::min((first + count + kGroupRows - 1) / kGroupRows * kGroupRows, chunk.count);
  const bool all = !filter_ && chunk.dead_count == 0 && first == begin && first + count == end;
  const std::size_t full = chunk.last_group ? std::min(end, chunk.count / kGroupRows * kGroupRows) : end;
  if (begin < full) feed_groups(chunk_index, {begin, full}, {first, first + count}, all, scan);
  if (full < end) feed_groups(chunk_index, {full, end}, {first, first + count}, all, scan);
}

// Of the groups that hold rows `range`, only rows `wanted`.
void BlockFeeder::feed_groups(std::size_t chunk_index, Stretch range, Stretch wanted, bool all, Scan& scan) {
  const Chunk& chunk = snapshot_.chunks[chunk_index];
  const std::size_t count = range.end - range.first;
  if (!all) {
    bits_.resize((count + 63) / 64);
    if (snapshot_.allowed(chunk, range.first, count, filter_, bits_.data()) == 0) return;
    for (std::size_t row = range.first; row < wanted.first; ++row) clear_bit(row - range.first);
    for (std::size_t row = wanted.end; row < range.end; ++row) clear_bit(row - range.first);
  }
  scan.block({chunk.group(range.first / kGroupRows, snapshot_.stride), count, snapshot_.stride,
              Snapshot::slot(chunk_index, range.first), nullptr, all ? nullptr : bits_.data(), nullptr, nullptr});
}

void BlockFeeder::pick(const CodeBlock& whole, Scan& scan) {
  const std::size_t code_bytes = snapshot_.code_bytes;
  const std::size_t room = std::clamp<std::size_t>(kPickedBytes / code_bytes, 16, kBlockRows);
  codes_.resize(room * code_bytes);
  slots_.clear();
  for (std::size_t i = 0; i < whole.count; ++i) {
    if ((bits_[i / 64] >> (i % 64) & 1) == 0) continue;
    std::memcpy(codes_.data() + slots_.size() * code_bytes, whole.code(i), code_bytes);
    slots_.push_back(whole.slot(i));
    if (slots_.size() == room) flush(scan);
  }
  if (!slots_.empty()) flush(scan);
}

void BlockFeeder::flush(Scan& scan) {
  scan.block({codes_.data(), slots_.size(), static_cast<std::ptrdiff_t>(snapshot_.code_bytes), 0, slots_.data(),
              nullptr, nullptr, nullptr});
  slots_.clear();
}

}  // namespace knear
