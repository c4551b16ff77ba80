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
#include "knear/selector.h"

namespace knear {

// The position of a code inside its storage.
using Slot = std::uint64_t;

// Codes that a shape hands to a scan, `stride` bytes apart. Slots are first_slot + i, or slots[i] when
// given (codes picked by a filter and copied together).
struct CodeBlock {
  const Byte* codes = nullptr;
  std::size_t count = 0;
  std::ptrdiff_t stride = 0;
  Slot first_slot = 0;
  const Slot* slots = nullptr;

  const Byte* code(std::size_t i) const noexcept { return codes + static_cast<std::ptrdiff_t>(i) * stride; }
  Slot slot(std::size_t i) const noexcept { return slots ? slots[i] : first_slot + i; }
};

// Where a slot's code and id are; the shape gives it to a scan that wants to look again.
class SlotTable {
 public:
  virtual ~SlotTable() = default;
  virtual const Byte* code(Slot slot) const noexcept = 0;
  virtual Id id(Slot slot) const noexcept = 0;
};

// A batch of queries looking for their nearest codes. One thread uses it; several scans over
// different blocks of the same storage, their hits merged, give what one scan over all blocks gives.
class Scan {
 public:
  virtual ~Scan() = default;

  // Compares every query with every code of the block.
  virtual void block(const CodeBlock& block) = 0;

  // What was shown so far is about this share (0 to 1) of a random sample of all that will be. A scan may count
  // on it to guess how near the results will be; 1, which holds until it is called, allows no guess.
  virtual void sampled(double) {}
  // After the last block: false when a guess was wrong for some queries. Then all blocks come once more.
  virtual bool settled() { return true; }

  // hits[q] = query q's results, ascending; called once, after the last block.
  virtual void finish(std::span<std::vector<Hit>> hits) = 0;

  // Pairs of query and code that were ranked by the canonical distance so far.
  virtual std::uint64_t reranked() const noexcept { return 0; }
};

// Vector <-> code, and scans over codes. Immutable once trained; used from many threads.
class Codec {
 public:
  virtual ~Codec() = default;

  std::size_t dim() const noexcept { return dim_; }
  Metric metric() const noexcept { return metric_; }
  std::size_t code_bytes() const noexcept { return code_bytes_; }
  virtual std::string spec() const = 0;  // its token in a factory string
  virtual DType dtype() const noexcept = 0;
  virtual bool exact() const noexcept = 0;

  virtual void encode(MatrixView rows, Byte* codes) const = 0;
  virtual void decode(const Byte* codes, std::size_t n, float* rows) const = 0;

  // Scans for the k nearest, or for all with distance < radius (smaller-is-closer scale). `queries` (nq x dim)
  // and `table` outlive the scan; queries have no NaN or Inf unless the metric is nan_euclidean.
  virtual std::unique_ptr<Scan> make_knn_scan(MatrixView queries, std::size_t k, const SlotTable& table) const = 0;
  virtual std::unique_ptr<Scan> make_range_scan(MatrixView queries, double radius, const SlotTable& table) const = 0;

 protected:
  Codec(std::size_t dim, Metric metric, std::size_t code_bytes) : dim_(dim), metric_(metric), code_bytes_(code_bytes) {}

 private:
  std::size_t dim_;
  Metric metric_;
  std::size_t code_bytes_;
};

// Rows as they are (f32) or rounded to nearest even (f16, bf16) or to whole numbers and clamped (i8, u8).
// Searches are exact over the stored values. Error::invalid_argument unless 1 <= dim <= kMaxDim.
std::unique_ptr<Codec> make_flat_codec(std::size_t dim, Metric metric, DType stored = DType::f32);

}  // namespace knear
