// Codes on their way into a scan: blocks of a chunk, with a filter or removed rows only what is left of them.
#pragma once

#include <cstddef>
#include <vector>

#include "knear/codec.h"
#include "knear/selector.h"
#include "storage/snapshot.h"

namespace knear {

class BlockFeeder {
 public:
  // Both must live on; the filter may be null.
  BlockFeeder(const Snapshot& snapshot, const Selector* filter) : snapshot_(snapshot), filter_(filter) {}

  // Rows [first, end) of a chunk. `between` is called after each block and may throw.
  template <class Between>
  void feed(std::size_t chunk, std::size_t first, std::size_t end, Scan& scan, const Between& between) {
    // Blocks end with a group, so that only the first may begin inside one.
    for (std::size_t count = 0; first < end; first += count) {
      count = std::min(most_rows() - first % kGroupRows, end - first);
      feed_block(chunk, first, count, scan);
      between();
    }
  }

 private:
  // Rows [first, end).
  struct Stretch {
    std::size_t first;
    std::size_t end;
  };

  std::size_t most_rows() const noexcept;
  void feed_block(std::size_t chunk, std::size_t first, std::size_t count, Scan& scan);
  void feed_groups(std::size_t chunk, std::size_t first, std::size_t count, Scan& scan);
  void feed_groups(std::size_t chunk, Stretch range, Stretch wanted, bool all, Scan& scan);
  void clear_bit(std::size_t i) { bits_[i / 64] &= ~(std::uint64_t{1} << (i % 64)); }
  void pick(const CodeBlock& whole, Scan& scan);
  void flush(Scan& scan);

  const Snapshot& snapshot_;
  const Selector* filter_;
  std::vector<std::uint64_t> bits_;
  std::vector<Byte> codes_;
  std::vector<Slot> slots_;
};

}  // namespace knear
