// The product quantizer as a codec. Its scans add up table entries: by register lookups for 4-bit codes in planes, else
// one by one for a few queries; many queries go faster over decoded rows.
#include "codec/decoded_scan.h"
#include "codec/filter_scan.h"
#include "codec/lookup_filter.h"
#include "codec/polysemous_filter.h"
#include "codec/product_quantizer.h"
#include "codec/registry.h"
#include "codec/table_filter.h"
#include "core/check.h"
#include "io/byte_fields.h"
#include "knear/cluster.h"
#include "knear/codecs.h"

namespace knear {
namespace {

constexpr std::size_t kFewQueries = 24;  // more go faster over decoded rows
constexpr std::size_t kTableBits = 10;   // tables of more are slower to fill than many an index is to decode

bool is_sum(Metric metric) { return metric == Metric::l2 || metric == Metric::inner_product; }

class PqCodec final : public Codec {
 public:
  PqCodec(std::size_t dim, Metric metric, const PqOptions& options, std::shared_ptr<ProductQuantizer> quantizer,
          const PqSearch& search = {})
      : Codec(dim, metric, quantizer->code_bytes()),
        options_(options),
        search_(search),
        shared_(std::move(quantizer)),
        quantizer_(*shared_) {}

  std::string spec() const override {
    return concat("PQ", quantizer_.subs(), "x", quantizer_.bits(), layout() == CodeLayout::planes ? "fs" : "",
                  options_.order == PqOptions::Order::polysemous ? ",order=polysemous" : "");
  }
  CodeLayout layout() const noexcept override { return options_.layout; }
  bool is_trained() const noexcept override { return quantizer_.is_trained(); }
  bool suits_residuals() const noexcept override { return layout() == CodeLayout::rows; }

  std::unique_ptr<Codec> trained(MatrixView rows, const TrainOptions& options) const override {
    auto taught = std::make_shared<ProductQuantizer>(dim(), quantizer_.subs(), quantizer_.bits());
    taught->train(rows, options_, options.run);
    const std::size_t good = KmeansOptions{}.min_points_per_centroid * quantizer_.centroids();
    if (options.warnings && rows.rows() < good) {
      options.warnings->push_back(concat(rows.rows(), " rows for the ", quantizer_.centroids(),
                                         " centroids of each sub-vector: fewer than the ", good,
                                         " that make good ones"));
    }
    return std::make_unique<PqCodec>(dim(), metric(), options_, std::move(taught));
  }
  void write(ByteSink& sink) const override { quantizer_.write(sink); }
  void read(ByteSource& source) override { quantizer_.read(source); }

  void encode(MatrixView rows, Byte* codes) const override { quantizer_.encode(rows, codes); }
  void decode(const Byte* codes, std::size_t n, float* rows) const override { quantizer_.decode(codes, n, rows); }

  std::unique_ptr<Codec> searched_by(const PqSearch& search) const override {
    if (search.by == PqSearch::By::polysemous && (layout() != CodeLayout::rows || !is_sum(metric()))) {
      fail(Error::unsupported, "polysemous search takes L2 or inner products and codes row by row, not ", spec());
    }
    return std::make_unique<PqCodec>(dim(), metric(), options_, shared_, search);
  }

  std::unique_ptr<Scan> make_knn_scan(MatrixView queries, std::size_t k, const SlotTable& table) const override {
    const Matrix images = own_images(queries);
    if (search_.by == PqSearch::By::symmetric) queries = images;
    if (search_.by == PqSearch::By::polysemous) {
      return std::make_unique<FilteredKnn<PolysemousFilter>>(*this, few_bits(), queries, k, table);
    }
    if (looks_up()) {
      return std::make_unique<FilteredKnn<LookupFilter>>(*this, filters<LookupFilter>(), queries, k, table);
    }
    if (adds_up(queries.rows())) {
      return std::make_unique<FilteredKnn<TableFilter>>(*this, filters<TableFilter>(), queries, k, table);
    }
    return make_decoded_knn(*this, queries, k, table);
  }

  std::unique_ptr<Scan> make_range_scan(MatrixView queries, double radius, const SlotTable& table) const override {
    const Matrix images = own_images(queries);
    if (search_.by == PqSearch::By::symmetric) queries = images;
    if (search_.by == PqSearch::By::polysemous) {
      return std::make_unique<FilteredRange<PolysemousFilter>>(*this, few_bits(), queries, radius, table);
    }
    if (looks_up()) {
      return std::make_unique<FilteredRange<LookupFilter>>(*this, filters<LookupFilter>(), queries, radius, table);
    }
    if (adds_up(queries.rows())) {
      return std::make_unique<FilteredRange<TableFilter>>(*this, filters<TableFilter>(), queries, radius, table);
    }
    return make_decoded_range(*this, queries, radius, table);
  }

 private:
  // What a symmetric search looks for, encoded and decoded; scans keep copies of their queries.
  Matrix own_images(MatrixView queries) const {
    if (search_.by != PqSearch::By::symmetric) return {};
    std::vector<Byte> codes(queries.rows() * code_bytes());
    encode(queries, codes.data());
    Matrix rows(DType::f32, queries.rows(), dim());
    decode(codes.data(), queries.rows(), rows.floats());
    return rows;
  }
  MakeFilter<PolysemousFilter> few_bits() const {
    const std::size_t all = quantizer_.subs() * quantizer_.bits();
    const std::size_t most = search_.polysemous_ht == 0 ? (27 * all + 63) / 64 : search_.polysemous_ht;
    return [this, most](MatrixView queries) {
      return std::make_unique<PolysemousFilter>(quantizer_, metric().kind, queries, most);
    };
  }

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
  PqSearch search_;
  std::shared_ptr<ProductQuantizer> shared_;  // with those that search another way
  ProductQuantizer& quantizer_;
};

}  // namespace

// PQ<M>[x<bits>][np][,order=polysemous], PQ<M>x4fs[_<n>]. What others mean by np (no order of centroids) is so here
// unless it is asked for; n (a block of codes) is nothing.
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
  if (stage.choice_option("order", {"any", "polysemous"}) == 1) options.order = PqOptions::Order::polysemous;
  stage.done();
  return [options](std::size_t dim, Metric metric) { return make_pq_codec(dim, metric, options); };
}

std::unique_ptr<Codec> make_pq_codec(std::size_t dim, Metric metric, const PqOptions& options) {
  require(options.layout == CodeLayout::rows || options.bits == 4, "fast scans take 4 bits a sub-vector, not ",
          options.bits);
  require(options.order == PqOptions::Order::any || options.bits <= 8,
          "a polysemous order takes up to 8 bits a sub-vector, not ", options.bits);
  return std::make_unique<PqCodec>(dim, metric, options,
                                   std::make_shared<ProductQuantizer>(dim, options.subs, options.bits));
}

}  // namespace knear
