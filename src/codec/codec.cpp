// What every codec gets for nothing.
#include "knear/codec.h"

#include <vector>

#include "codec/decoded_scan.h"
#include "codec/ranker.h"
#include "core/check.h"
#include "core/row_set.h"
#include "knear/index.h"

namespace knear {
namespace {

bool filtered(Metric metric) {
  return metric == Metric::l2 || metric == Metric::inner_product || metric == Metric::cosine;
}

class CanonicalRanker final : public CodeRanker {
 public:
  CanonicalRanker(const Codec& codec, MatrixView queries) : queries_(queries), query_(queries.dim()), ranker_(codec) {}

  void rank(std::size_t query, const SlotTable& table, std::span<const Slot> slots, std::span<Hit> hits) override {
    queries_.copy_row(query, query_.data());
    ranker_.rank(query_.data(), table, slots, hits);
  }

 private:
  MatrixView queries_;
  std::vector<float> query_;
  Ranker ranker_;
};

// What a codec prepares that has nothing to do once.
class PlainQueries final : public PreparedQueries {
 public:
  PlainQueries(const Codec& codec, MatrixView queries) : codec_(codec), queries_(queries) {}

  std::unique_ptr<Scan> make_knn_scan(std::span<const std::uint32_t> which, std::size_t k,
                                      const SlotTable& table) const override {
    const Matrix rows = rows_of(queries_, which);
    return codec_.make_knn_scan(rows, k, table);
  }
  std::unique_ptr<Scan> make_range_scan(std::span<const std::uint32_t> which, double radius,
                                        const SlotTable& table) const override {
    const Matrix rows = rows_of(queries_, which);
    return codec_.make_range_scan(rows, radius, table);
  }

 private:
  const Codec& codec_;
  MatrixView queries_;
};

}  // namespace

Codec::Codec(std::size_t dim, Metric metric, std::size_t code_bytes)
    : dim_(dim), metric_(metric), code_bytes_(code_bytes) {
  require(dim >= 1 && dim <= kMaxDim, "the dimension must be 1 to ", kMaxDim, ", not ", dim);
  require(code_bytes >= 1, "a code needs at least one byte");
}

std::unique_ptr<Codec> Codec::trained(MatrixView, const TrainOptions&) const { return nullptr; }

std::unique_ptr<Scan> Codec::make_knn_scan(MatrixView queries, std::size_t k, const SlotTable& table) const {
  return make_decoded_knn(*this, queries, k, table);
}

std::unique_ptr<Scan> Codec::make_range_scan(MatrixView queries, double radius, const SlotTable& table) const {
  return make_decoded_range(*this, queries, radius, table);
}

std::unique_ptr<PreparedQueries> Codec::prepare(MatrixView queries, const Shadow*, const RunOptions&) const {
  return std::make_unique<PlainQueries>(*this, queries);
}

std::unique_ptr<CodeRanker> Codec::make_ranker(MatrixView queries) const {
  return std::make_unique<CanonicalRanker>(*this, queries);
}

std::unique_ptr<Scan> make_decoded_knn(const Codec& codec, MatrixView queries, std::size_t k, const SlotTable& table) {
  return (filtered(codec.metric()) ? make_filtered_knn : make_canonical_knn)(codec, queries, k, table);
}

std::unique_ptr<Scan> make_decoded_range(const Codec& codec, MatrixView queries, double radius,
                                         const SlotTable& table) {
  return (filtered(codec.metric()) ? make_filtered_range : make_canonical_range)(codec, queries, radius, table);
}

}  // namespace knear
