// A codec turns vectors into codes and knows how to compare queries with codes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "knear/hit.h"
#include "knear/matrix.h"
#include "knear/metric.h"
#include "knear/parallel.h"
#include "knear/params.h"
#include "knear/selector.h"

namespace knear {

class ByteSink;
class ByteSource;

// The position of a code inside its storage.
using Slot = std::uint64_t;

// How codes lie in memory.
enum class CodeLayout : std::uint8_t {
  rows,    // one code after the other
  planes,  // by groups of kGroupRows codes: byte 0 of all of them, then byte 1 of all, …; for register lookups
};
inline constexpr std::size_t kGroupRows = 32;

// What casts a shadow of each code: fewer bytes, kept beside it, from which a scan rules most codes out. Learned from
// some of them; never changes.
class Shadow {
 public:
  virtual ~Shadow() = default;
  // Of one shadow.
  virtual std::size_t bytes() const noexcept = 0;
  // Shadows of n codes, both one after the other.
  virtual void cast(const Byte* codes, std::size_t n, Byte* shadows) const = 0;
  // How far the codes are from the shadows that they would have, on average: the less, the more is ruled out.
  virtual double error(const Byte* codes, std::size_t n) const = 0;
  // Is this a shadow of the code, that is, does it rule out nothing that it must not?
  virtual bool holds(const Byte* code, const Byte* shadow) const = 0;
  // In words, for statistics: what it is and how it fares.
  virtual std::string about() const = 0;
  virtual void write(ByteSink& sink) const = 0;
};

// Codes that a shape hands to a scan. Slots are first_slot + i, or slots[i] when given (codes picked by a filter and
// copied together).
struct CodeBlock {
  const Byte* codes = nullptr;
  std::size_t count = 0;
  std::ptrdiff_t stride = 0;  // bytes from one code to the next, or (planes) from one group to the next
  Slot first_slot = 0;
  const Slot* slots = nullptr;
  const std::uint64_t* allowed = nullptr;  // bit i is set when code i may be a result; null: all may
  const Byte* shadows = nullptr;           // of these codes, one after the other; null: there are none
  const Shadow* shadow = nullptr;          // that cast them

  // Rows only.
  const Byte* code(std::size_t i) const noexcept { return codes + static_cast<std::ptrdiff_t>(i) * stride; }
  // Planes only.
  const Byte* group(std::size_t g) const noexcept { return codes + static_cast<std::ptrdiff_t>(g) * stride; }
  // Bit i is set when code i of the group is there and may be a result.
  std::uint32_t rows_of_group(std::size_t g) const noexcept {
    const std::size_t left = count - g * kGroupRows;
    const std::uint32_t there = left < kGroupRows ? (std::uint32_t{1} << left) - 1 : ~std::uint32_t{0};
    return allowed ? there & static_cast<std::uint32_t>(allowed[g / 2] >> (g % 2 * kGroupRows)) : there;
  }
  Slot slot(std::size_t i) const noexcept { return slots ? slots[i] : first_slot + i; }
  bool allows(std::size_t i) const noexcept { return !allowed || (allowed[i / 64] >> (i % 64) & 1) != 0; }
};

// Where a slot's code and id are; the shape gives it to a scan that wants to look again.
class SlotTable {
 public:
  virtual ~SlotTable() = default;
  // The code in one piece: in place, or copied to `scratch` (code_bytes) when it lies in planes.
  virtual const Byte* code(Slot slot, Byte* scratch) const noexcept = 0;
  virtual Id id(Slot slot) const noexcept = 0;
  virtual std::size_t rows() const noexcept = 0;  // live and dead
};

// A batch of queries looking for their nearest codes. One thread uses it; several scans over
// different blocks of the same storage, their hits merged, give what one scan over all blocks gives.
class Scan {
 public:
  virtual ~Scan() = default;

  // Before the first block: of query q, only results up to limits[q] (smaller-is-closer scale) are wanted; farther ones
  // may be left out.
  virtual void limit(std::span<const double>) {}
  // Compares every query with every code of the block.
  virtual void block(const CodeBlock& block) = 0;

  // What was shown so far is about this share (0 to 1) of a random sample of all that will be. A scan may count
  // on it to guess how near the results will be; 1, which holds until it is called, allows no guess.
  virtual void sampled(double) {}
  // After the last block: false when a guess was wrong for some queries. Then all blocks come once more.
  virtual bool settled() { return true; }

  // hits[q] = query q's results, ascending; called once, after the last block.
  virtual void finish(std::span<std::vector<Hit>> hits) = 0;
  // Instead: the same hits in any order, and where a query has k of them, at any distances.
  virtual void finish_unranked(std::span<std::vector<Hit>> hits) { finish(hits); }

  // Pairs of query and code that were ranked by the canonical distance so far.
  virtual std::uint64_t reranked() const noexcept { return 0; }
};

// Distances of a batch of queries to single codes, the same as a scan gives. One thread uses it.
class CodeRanker {
 public:
  virtual ~CodeRanker() = default;
  // hits[i] = the distance of the query to the code at slots[i], and its id.
  virtual void rank(std::size_t query, const SlotTable& table, std::span<const Slot> slots, std::span<Hit> hits) = 0;
};

// A batch of queries made ready, for many scans of some of them. Many threads use it.
class PreparedQueries {
 public:
  virtual ~PreparedQueries() = default;
  // As those of the codec, of the queries numbered in `which`.
  virtual std::unique_ptr<Scan> make_knn_scan(std::span<const std::uint32_t> which, std::size_t k,
                                              const SlotTable& table) const = 0;
  virtual std::unique_ptr<Scan> make_range_scan(std::span<const std::uint32_t> which, double radius,
                                                const SlotTable& table) const = 0;
};

// Vector <-> code, and scans over codes. Never changes once made, so many threads may use it.
//
// The distance of a query to a code is, unless a codec says otherwise, the canonical distance to the decoded row:
// the same for every batch size, thread count and way of scanning. Table lookups and the like only rule codes out.
class Codec {
 public:
  virtual ~Codec() = default;

  std::size_t dim() const noexcept { return dim_; }
  Metric metric() const noexcept { return metric_; }
  std::size_t code_bytes() const noexcept { return code_bytes_; }
  virtual std::string spec() const = 0;                                    // its stages of a factory string
  virtual DType dtype() const noexcept { return DType::f32; }              // of decoded rows
  virtual bool exact() const noexcept { return false; }                    // a code is the row, in dtype()
  virtual bool suits_residuals() const noexcept { return false; }          // in a partition: codes rows less centroids
  virtual bool takes_residuals() const noexcept { return true; }           // whether it can, when it is told to
  virtual CodeLayout layout() const noexcept { return CodeLayout::rows; }  // that its scans want
  // Whether a row with NaN or Inf has a code that tells, so that no search finds it.
  virtual bool keeps_bad_rows() const noexcept { return exact() && dtype() != DType::i8 && dtype() != DType::u8; }

  // False while it still has to learn from data: then only spec() and the like, trained() and read() work.
  virtual bool is_trained() const noexcept { return true; }
  // The codec that these rows teach, with the same spec; null when there is nothing to learn. Error::invalid_argument
  // when they are too few, and names how many it takes.
  virtual std::unique_ptr<Codec> trained(MatrixView rows, const TrainOptions& options) const;
  // What was learned, to a file and back; read() is called once, on an untrained codec of the same spec. Fails with
  // Error::corrupt_file on numbers that no training gives.
  virtual void write(ByteSink&) const {}
  virtual void read(ByteSource&) {}

  // Codes lie one after the other, whatever the layout of storage.
  virtual void encode(MatrixView rows, Byte* codes) const = 0;
  virtual void decode(const Byte* codes, std::size_t n, float* rows) const = 0;

  // Scans for the k nearest, or for all with distance < radius (smaller-is-closer scale). `table`
  // outlives the scan, which copies what it needs of `queries` (nq x dim); these have no NaN or Inf unless the metric
  // is nan_euclidean.
  virtual std::unique_ptr<Scan> make_knn_scan(MatrixView queries, std::size_t k, const SlotTable& table) const;
  virtual std::unique_ptr<Scan> make_range_scan(MatrixView queries, double radius, const SlotTable& table) const;
  // Does once what scans of the same queries over different codes would do each; `shadow` casts those of the codes, or
  // is null. `queries`, float32, the codec and the shadow outlive it.
  virtual std::unique_ptr<PreparedQueries> prepare(MatrixView queries, const Shadow* shadow,
                                                   const RunOptions& run) const;
  // The same codec with scans and rankers that go by other distances; null when it knows none of these.
  virtual std::unique_ptr<Codec> searched_by(const PqSearch&) const { return nullptr; }
  // How many codes there must be for shadows to pay.
  virtual std::size_t casts_shadows_from() const noexcept { return ~std::size_t{0}; }
  // What casts shadows of codes like these n, which lie one after the other; and one that was written.
  virtual std::shared_ptr<const Shadow> make_shadow(const Byte*, std::size_t) const { return nullptr; }
  virtual std::shared_ptr<const Shadow> read_shadow(ByteSource&) const { return nullptr; }
  // For distances to a few codes. `queries` outlives it.
  virtual std::unique_ptr<CodeRanker> make_ranker(MatrixView queries) const;

 protected:
  // Error::invalid_argument unless 1 <= dim <= kMaxDim.
  Codec(std::size_t dim, Metric metric, std::size_t code_bytes);

 private:
  std::size_t dim_;
  Metric metric_;
  std::size_t code_bytes_;
};

}  // namespace knear
