// Rows as they are, or rounded to a narrower element type.
#include <vector>

#include "codec/flat_scan.h"
#include "codec/rows.h"
#include "core/check.h"
#include "knear/codec.h"
#include "knear/index.h"

namespace knear {
namespace {

std::size_t row_bytes(std::size_t dim, DType stored) {
  require(dim >= 1 && dim <= kMaxDim, "the dimension must be 1 to ", kMaxDim, ", not ", dim);
  return dim * bytes_of(stored);
}

class FlatCodec final : public Codec {
 public:
  FlatCodec(std::size_t dim, Metric metric, DType stored)
      : Codec(dim, metric, row_bytes(dim, stored)), stored_(stored) {}

  std::string spec() const override { return stored_ == DType::f32 ? "Flat" : concat("Flat,dtype=", name_of(stored_)); }
  DType dtype() const noexcept override { return stored_; }
  bool exact() const noexcept override { return true; }

  void encode(MatrixView rows, Byte* codes) const override {
    if (rows.dtype() == stored_ && rows.contiguous()) {
      std::copy_n(rows.data(), rows.rows() * code_bytes(), codes);
      return;
    }
    std::vector<float> row(dim());
    for (std::size_t i = 0; i < rows.rows(); ++i, codes += code_bytes()) {
      if (rows.dtype() == stored_) {
        std::copy_n(rows.row(i), code_bytes(), codes);
        continue;
      }
      rows.copy_row(i, row.data());
      narrow(stored_, row.data(), dim(), codes);
    }
  }

  void decode(const Byte* codes, std::size_t n, float* rows) const override { widen(stored_, codes, n * dim(), rows); }

  std::unique_ptr<Scan> make_knn_scan(MatrixView queries, std::size_t k, const SlotTable& table) const override {
    return (filtered() ? make_filtered_knn : make_canonical_knn)(metric(), stored_, queries, k, table);
  }

  std::unique_ptr<Scan> make_range_scan(MatrixView queries, double radius, const SlotTable& table) const override {
    return (filtered() ? make_filtered_range : make_canonical_range)(metric(), stored_, queries, radius, table);
  }

 private:
  bool filtered() const {
    return metric() == Metric::l2 || metric() == Metric::inner_product || metric() == Metric::cosine;
  }

  DType stored_;
};

}  // namespace

std::unique_ptr<Codec> make_flat_codec(std::size_t dim, Metric metric, DType stored) {
  return std::make_unique<FlatCodec>(dim, metric, stored);
}

}  // namespace knear
