// Rows as they are, or rounded to a narrower element type. A decoded row is the stored one, so that the scans over
// decoded rows, which every codec has, are exact here.
#include <vector>

#include "codec/registry.h"
#include "codec/rows.h"
#include "core/check.h"
#include "knear/codec.h"

namespace knear {
namespace {

class FlatCodec final : public Codec {
 public:
  FlatCodec(std::size_t dim, Metric metric, DType stored)
      : Codec(dim, metric, dim * bytes_of(stored)), stored_(stored) {}

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

 private:
  DType stored_;
};

}  // namespace

MakeCodec read_flat_codec(StageReader& stage) {
  if (!stage.word("Flat")) return nullptr;
  const auto name = stage.option("dtype");
  stage.done();
  const DType stored = name ? dtype_of(*name) : DType::f32;
  return [stored](std::size_t dim, Metric metric) { return make_flat_codec(dim, metric, stored); };
}

std::unique_ptr<Codec> make_flat_codec(std::size_t dim, Metric metric, DType stored) {
  return std::make_unique<FlatCodec>(dim, metric, stored);
}

}  // namespace knear
