#include "storage/snapshot.h"

#include <algorithm>
#include <bit>

#include "core/planes.h"
#include "io/mapped_file.h"

namespace knear {

const Byte* Snapshot::code(const Chunk& chunk, std::size_t row, Byte* scratch) const noexcept {
  if (layout == CodeLayout::rows) return chunk.codes + static_cast<std::ptrdiff_t>(row) * stride;
  from_group(chunk.group(row / kGroupRows, stride), code_bytes, row % kGroupRows, scratch);
  return scratch;
}

std::size_t Snapshot::rows() const noexcept {
  std::size_t total = 0;
  for (const Chunk& chunk : chunks) total += chunk.count;
  return total;
}

bool Snapshot::mapped() const noexcept {
  return std::any_of(chunks.begin(), chunks.end(), [](const Chunk& chunk) { return chunk.mapped; });
}

std::span<const Byte> Snapshot::scanned_first(const Chunk& chunk) const noexcept {
  if (chunk.shadows) return {chunk.shadows, chunk.count * shadow_bytes()};
  return {chunk.codes, bytes_of_codes(layout, chunk.count, code_bytes)};
}

void Snapshot::ask_for(const Chunk& chunk) const noexcept {
  if (!chunk.mapped) return;
  const std::span<const Byte> bytes = scanned_first(chunk);
  if (!in_memory(bytes)) expect_reading(bytes);
}

void Snapshot::ask_for_ids(const Chunk& chunk) noexcept {
  if (!chunk.mapped || !chunk.ids) return;
  expect_reading({reinterpret_cast<const Byte*>(chunk.ids), chunk.count * sizeof(Id)});
}

bool Snapshot::mostly_on_disk() const noexcept {
  constexpr std::size_t kSample = 64;
  std::size_t absent = 0;
  for (std::size_t i = 0; i < std::min(kSample, chunks.size()); ++i) {
    const Chunk& chunk = chunks[chunks.size() * i / std::min(kSample, chunks.size())];
    if (chunk.mapped && !in_memory(scanned_first(chunk))) ++absent;
  }
  return absent > kSample / 8;
}

std::size_t Snapshot::allowed(const Chunk& chunk, std::size_t first, std::size_t n, const Selector* selector,
                              std::uint64_t* bits) const {
  const std::size_t words = (n + 63) / 64;
  if (!selector) {
    std::fill_n(bits, words, ~std::uint64_t{0});
    if (n % 64) bits[words - 1] = (std::uint64_t{1} << (n % 64)) - 1;
  } else if (chunk.ids) {
    selector->test(chunk.ids + first, n, bits);
  } else {
    selector->test_range(chunk.first_id + static_cast<Id>(first), n, bits);
  }
  std::size_t count = 0;
  for (std::size_t w = 0; w < words; ++w) {
    if (chunk.dead) {
      const std::size_t row = first + w * 64;
      const std::size_t shift = row % 64;
      const DeadRows& dead = *chunk.dead;
      std::uint64_t gone = dead[row / 64] >> shift;
      if (shift && row / 64 + 1 < dead.size()) gone |= dead[row / 64 + 1] << (64 - shift);
      bits[w] &= ~gone;
    }
    count += static_cast<std::size_t>(std::popcount(bits[w]));
  }
  return count;
}

}  // namespace knear
