#include "codec/hamming_scan.h"

#include <algorithm>
#include <array>
#include <bit>
#include <limits>
#include <vector>

#include "core/top_k.h"
#include "kernels/dispatch.h"

namespace knear {
namespace {

std::vector<Byte> codes_of(const Codec& codec, MatrixView queries) {
  std::vector<Byte> codes(queries.rows() * codec.code_bytes());
  codec.encode(queries, codes.data());
  return codes;
}

// Collector: TopK or RangeHits.
template <class Collector>
class HammingScan final : public Scan {
 public:
  // Of the queries with these codes, one after the other.
  HammingScan(std::vector<Byte> queries, std::size_t code_bytes, const Collector& empty, const SlotTable& table)
      : code_bytes_(code_bytes),
        queries_(std::move(queries)),
        table_(table),
        found_(queries_.size() / code_bytes, empty) {}

  void limit(std::span<const double> limits) override {
    for (std::size_t q = 0; q < found_.size(); ++q) found_[q].limit(limits[q]);
  }

  void block(const CodeBlock& block) override {
    for (std::size_t first = 0; first < block.count; first += kAtOnce) {
      for (std::size_t q = 0; q < found_.size(); ++q) look(block, first, std::min(kAtOnce, block.count - first), q);
    }
  }

  void finish(std::span<std::vector<Hit>> hits) override {
    for (std::size_t q = 0; q < found_.size(); ++q) hits[q] = found_[q].sorted();
  }

 private:
  static constexpr std::size_t kAtOnce = 256;  // codes between looks at the threshold

  void look(const CodeBlock& block, std::size_t first, std::size_t count, std::size_t q) {
    Collector& found = found_[q];
    constexpr double kMost = std::numeric_limits<std::uint32_t>::max();
    if (!(found.threshold() >= 0)) return;
    const kernels::HammingJob job{queries_.data() + q * code_bytes_,
                                  block.code(first),
                                  block.stride,
                                  count,
                                  code_bytes_,
                                  static_cast<std::uint32_t>(std::min(found.threshold(), kMost)),
                                  positions_.data(),
                                  differences_.data()};
    const std::size_t near = kernels::table().hamming(&job);
    for (std::size_t i = 0; i < near; ++i) found.push(differences_[i], table_.id(block.slot(first + positions_[i])));
  }

  std::size_t code_bytes_;
  std::vector<Byte> queries_;  // their codes
  const SlotTable& table_;
  std::array<std::uint32_t, kAtOnce> positions_;
  std::array<std::uint32_t, kAtOnce> differences_;
  std::vector<Collector> found_;
};

template <class Collector>
std::unique_ptr<Scan> make_scan(std::vector<Byte> queries, const Codec& codec, const Collector& empty,
                                const SlotTable& table) {
  return std::make_unique<HammingScan<Collector>>(std::move(queries), codec.code_bytes(), empty, table);
}

class PreparedCodes final : public PreparedQueries {
 public:
  PreparedCodes(const Codec& codec, MatrixView queries) : codec_(codec), queries_(codes_of(codec, queries)) {}

  std::unique_ptr<Scan> make_knn_scan(std::span<const std::uint32_t> which, std::size_t k,
                                      const SlotTable& table) const override {
    return make_scan(some(which), codec_, TopK(k), table);
  }
  std::unique_ptr<Scan> make_range_scan(std::span<const std::uint32_t> which, double radius,
                                        const SlotTable& table) const override {
    return make_scan(some(which), codec_, RangeHits(radius), table);
  }

 private:
  std::vector<Byte> some(std::span<const std::uint32_t> which) const {
    const std::size_t bytes = codec_.code_bytes();
    std::vector<Byte> codes(which.size() * bytes);
    for (std::size_t i = 0; i < which.size(); ++i) {
      std::copy_n(queries_.data() + which[i] * bytes, bytes, codes.data() + i * bytes);
    }
    return codes;
  }

  const Codec& codec_;
  std::vector<Byte> queries_;  // their codes
};

class HammingRanker final : public CodeRanker {
 public:
  HammingRanker(const Codec& codec, MatrixView queries)
      : queries_(codes_of(codec, queries)), scratch_(codec.code_bytes()) {}

  void rank(std::size_t query, const SlotTable& table, std::span<const Slot> slots, std::span<Hit> hits) override {
    const Byte* wanted = queries_.data() + query * scratch_.size();
    for (std::size_t i = 0; i < slots.size(); ++i) {
      const Byte* code = table.code(slots[i], scratch_.data());
      int differences = 0;
      for (std::size_t b = 0; b < scratch_.size(); ++b) {
        differences += std::popcount(static_cast<unsigned>(wanted[b] ^ code[b]));
      }
      hits[i] = {static_cast<double>(differences), table.id(slots[i])};
    }
  }

 private:
  std::vector<Byte> queries_;  // their codes
  std::vector<Byte> scratch_;
};

}  // namespace

std::unique_ptr<PreparedQueries> prepare_hamming(const Codec& codec, MatrixView queries) {
  return std::make_unique<PreparedCodes>(codec, queries);
}

std::unique_ptr<CodeRanker> make_hamming_ranker(const Codec& codec, MatrixView queries) {
  return std::make_unique<HammingRanker>(codec, queries);
}

std::unique_ptr<Scan> make_hamming_knn(const Codec& codec, MatrixView queries, std::size_t k, const SlotTable& table) {
  return make_scan(codes_of(codec, queries), codec, TopK(k), table);
}

std::unique_ptr<Scan> make_hamming_range(const Codec& codec, MatrixView queries, double radius,
                                         const SlotTable& table) {
  return make_scan(codes_of(codec, queries), codec, RangeHits(radius), table);
}

}  // namespace knear
