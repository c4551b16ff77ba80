// The product quantizer as a codec. Its scans add up table entries: by register lookups for 4-bit codes in planes, else
// one by one for a few queries; many queries go faster over decoded rows.
#include "codec/decoded_scan.h"
#include "codec/filter_scan.h"
#include "codec/lookup_filter.h"
#include "codec/product_quantizer.h"
#include "codec/registry.h"
#include "codec/table_filter.h"
#include "core/check.h"
#include "io/byte_fields.h"
#include "knear/codecs.h"

namespace knear {
namespace {

constexpr std::size_t kFewQueries = 24;  // more go faster over decoded rows
constexpr std::size_t kTableBits = 10;   // tables of more are slower to fill than many an index is to decode

bool is_sum(Metric metric) { return metric == Metric::l2 || metric == Metric::inner_product; }

class PqCodec final : public Codec {
 public:
  PqCodec(std::size_t dim, Metric metric, const PqOptions& options, ProductQuantizer quantizer)
      : Codec(dim, metric, quantizer.code_bytes()), options_(options), quantizer_(std::move(quantizer)) {}

  std::string spec() const override {
    return concat("PQ", quantizer_.subs(), "x", quantizer_.bits(), layout() == CodeLayout::planes ? "fs" : "");
  }
  CodeLayout layout() const noexcept override { return options_.layout; }
  bool is_trained() const noexcept override { return quantizer_.is_trained(); }

  std::unique_ptr<Codec> trained(MatrixView rows, const TrainOptions& options) const override {
    ProductQuantizer taught(dim(), quantizer_.subs(), quantizer_.bits());
    taught.train(rows, options_, options.run);
    return std::make_unique<PqCodec>(dim(), metric(), options_, std::move(taught));
  }
  void write(ByteSink& sink) const override { quantizer_.write(sink); }
  void read(ByteSource& source) override { quantizer_.read(source); }

  void encode(MatrixView rows, Byte* codes) const override { quantizer_.encode(rows, codes); }
  void decode(const Byte* codes, std::size_t n, float* rows) const override { quantizer_.decode(codes, n, rows); }

  std::unique_ptr<Scan> make_knn_scan(MatrixView queries, std::size_t k, const SlotTable& table) const override {
    if (looks_up()) {
      return std::make_unique<FilteredKnn<LookupFilter>>(*this, filters<LookupFilter>(), queries, k, table);
    }
    if (adds_up(queries.rows())) {
      return std::make_unique<FilteredKnn<TableFilter>>(*this, filters<TableFilter>(), queries, k, table);
    }
    return make_decoded_knn(*this, queries, k, table);
  }

  std::unique_ptr<Scan> make_range_scan(MatrixView queries, double radius, const SlotTable& table) const override {
    if (looks_up()) {
      return std::make_unique<FilteredRange<LookupFilter>>(*this, filters<LookupFilter>(), queries, radius, table);
    }
    if (adds_up(queries.rows())) {
      return std::make_unique<FilteredRange<TableFilter>>(*this, filters<TableFilter>(), queries, radius, table);
    }
    return make_decoded_range(*this, queries, radius, table);
  }

 private:
  bool looks_up() const { return layout() == CodeLayout::planes && is_sum(metric()); }
  bool adds_up(std::size_t queries) const {
    return layout() == CodeLayout::rows && is_sum(metric()) && queries <= kFewQueries &&
           quantizer_.bits() <= kTableBits;
  }
  template <class Filter>
  MakeFilter<Filter> filters() const {
    return [this](MatrixView queries) { return std::make_unique<Filter>(quantizer_, metric().kind, queries); };
  }

  PqOptions options_;
  ProductQuantizer quantizer_;
};

}  // namespace

// PQ<M>[x<bits>][np], PQ<M>x4fs[_<n>]. What others mean by np (an order of centroids) and n (a block of codes) is
// nothing here.
MakeCodec read_pq_codec(StageReader& stage) {
  if (!stage.word("PQ")) return nullptr;
  PqOptions options;
  options.subs = stage.number("the number of sub-vectors, as in PQ16x8");
  if (stage.word("x")) options.bits = stage.number("the number of bits after the x, as in PQ16x8");
  if (stage.word("fs")) {
    options.layout = CodeLayout::planes;
    if (stage.word("_")) stage.number("a number after the _");
  } else {
    stage.word("np");
  }
  stage.done();
  return [options](std::size_t dim, Metric metric) { return make_pq_codec(dim, metric, options); };
}

std::unique_ptr<Codec> make_pq_codec(std::size_t dim, Metric metric, const PqOptions& options) {
  require(options.layout == CodeLayout::rows || options.bits == 4, "fast scans take 4 bits a sub-vector, not ",
          options.bits);
  return std::make_unique<PqCodec>(dim, metric, options, ProductQuantizer(dim, options.subs, options.bits));
}

}  // namespace knear
