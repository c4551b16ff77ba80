// Two product quantizers: the second codes what the first leaves of a row, and a decoded row is the sum of both. Its
// scans add up the entries of both tables for a few queries; many queries go faster over decoded rows.
#include <algorithm>
#include <chrono>
#include <cstring>
#include <limits>

#include "codec/decoded_scan.h"
#include "codec/filter_scan.h"
#include "codec/product_quantizer.h"
#include "codec/registry.h"
#include "codec/two_table_filter.h"
#include "core/call_limits.h"
#include "core/check.h"
#include "core/parallel_for.h"
#include "core/row_set.h"
#include "io/byte_fields.h"
#include "knear/cluster.h"
#include "knear/codecs.h"

namespace knear {
namespace {

constexpr std::size_t kFewQueries = 24;      // more go faster over decoded rows
constexpr std::size_t kTableBits = 10;       // tables of more are slower to fill than many an index is to decode
constexpr std::size_t kRowsAtOnce = 192;     // of encoding and decoding
constexpr std::uint64_t kSeedStep = 100000;  // so that both quantizers, which add to it, begin differently

// Sums and differences of finite numbers stay finite.
float bounded(float value) {
  constexpr float most = std::numeric_limits<float>::max();
  return std::clamp(value, -most, most);
}

class PqrCodec final : public Codec {
 public:
  struct Quantizers {
    ProductQuantizer coarse;
    ProductQuantizer fine;
  };

  PqrCodec(std::size_t dim, Metric metric, const PqrOptions& options)
      : PqrCodec(dim, metric, options,
                 {{dim, options.coarse.subs, options.coarse.bits}, {dim, options.fine.subs, options.fine.bits}}) {}
  PqrCodec(std::size_t dim, Metric metric, const PqrOptions& options, Quantizers quantizers)
      : Codec(
            dim, metric,
            quantizers.coarse.code_bytes() + quantizers.fine.code_bytes() + (metric == Metric::l2 ? sizeof(float) : 0)),
        options_(options),
        coarse_(std::move(quantizers.coarse)),
        fine_(std::move(quantizers.fine)) {}

  std::string spec() const override {
    return concat("PQ", coarse_.subs(), "x", coarse_.bits(), "+", fine_.subs(), "x", fine_.bits());
  }
  bool is_trained() const noexcept override { return fine_.is_trained(); }
  bool suits_residuals() const noexcept override { return true; }

  std::unique_ptr<Codec> trained(MatrixView rows, const TrainOptions& options) const override;
  void write(ByteSink& sink) const override {
    coarse_.write(sink);
    fine_.write(sink);
  }
  void read(ByteSource& source) override {
    coarse_.read(source);
    fine_.read(source);
  }

  void encode(MatrixView rows, Byte* codes) const override;
  void decode(const Byte* codes, std::size_t n, float* rows) const override;

  std::unique_ptr<Scan> make_knn_scan(MatrixView queries, std::size_t k, const SlotTable& table) const override {
    if (!adds_up(queries.rows())) return make_decoded_knn(*this, queries, k, table);
    return std::make_unique<FilteredKnn<TwoTableFilter>>(*this, filters(), queries, k, table);
  }
  std::unique_ptr<Scan> make_range_scan(MatrixView queries, double radius, const SlotTable& table) const override {
    if (!adds_up(queries.rows())) return make_decoded_range(*this, queries, radius, table);
    return std::make_unique<FilteredRange<TwoTableFilter>>(*this, filters(), queries, radius, table);
  }

 private:
  bool adds_up(std::size_t queries) const {
    return (metric() == Metric::l2 || metric() == Metric::inner_product) && queries <= kFewQueries &&
           std::max(coarse_.bits(), fine_.bits()) <= kTableBits;
  }
  MakeFilter<TwoTableFilter> filters() const {
    return
        [this](MatrixView queries) { return std::make_unique<TwoTableFilter>(coarse_, fine_, metric().kind, queries); };
  }
  void encode_some(MatrixView rows, Byte* codes) const;
  void decode_some(const Byte* codes, std::size_t n, float* rows) const;

  PqrOptions options_;
  ProductQuantizer coarse_;
  ProductQuantizer fine_;
};

// What a quantizer leaves of rows.
Matrix rest_of(const ProductQuantizer& quantizer, MatrixView rows) {
  const std::size_t dim = rows.dim();
  std::vector<Byte> codes(rows.rows() * quantizer.code_bytes());
  quantizer.encode(rows, codes.data());
  std::vector<float> decoded(rows.rows() * dim);
  quantizer.decode(codes.data(), rows.rows(), decoded.data());
  Matrix rest(DType::f32, rows.rows(), dim);
  for (std::size_t i = 0; i < rows.rows(); ++i) {
    float* const row = rest.floats() + i * dim;
    rows.copy_row(i, row);
    for (std::size_t j = 0; j < dim; ++j) row[j] = bounded(row[j] - decoded[i * dim + j]);
  }
  return rest;
}

std::unique_ptr<Codec> PqrCodec::trained(MatrixView rows, const TrainOptions& options) const {
  const auto start = std::chrono::steady_clock::now();
  const std::size_t most = std::max(coarse_.centroids(), fine_.centroids());
  require(rows.rows() >= most, spec(), " has up to ", most, " centroids in each sub-space and takes as many training ",
          "rows, not ", rows.rows());
  Quantizers taught{{dim(), coarse_.subs(), coarse_.bits()}, {dim(), fine_.subs(), fine_.bits()}};
  taught.coarse.train(rows, options_.coarse, options.run);
  const std::size_t each = options_.fine.max_points_per_centroid;
  Matrix rest = RowSet(rows, each == 0 ? rows.rows() : each * fine_.centroids()).floats();
  parallel_for((rest.rows() + kRowsAtOnce - 1) / kRowsAtOnce, remaining(options.run, start),
               [&](std::size_t task, std::size_t) {
                 const std::size_t first = task * kRowsAtOnce;
                 const std::size_t count = std::min(kRowsAtOnce, rest.rows() - first);
                 const Matrix some = rest_of(taught.coarse, MatrixView(rest).slice(first, count));
                 std::copy_n(some.floats(), count * dim(), rest.floats() + first * dim());
               });
  PqOptions fine = options_.fine;
  fine.seed += kSeedStep;
  taught.fine.train(rest, fine, remaining(options.run, start));
  const std::size_t good = KmeansOptions{}.min_points_per_centroid * most;
  if (options.warnings && rows.rows() < good) {
    options.warnings->push_back(concat(rows.rows(), " rows for the ", most,
                                       " centroids of each sub-vector: fewer than ", "the ", good,
                                       " that make good ones"));
  }
  return std::make_unique<PqrCodec>(dim(), metric(), options_, std::move(taught));
}

void PqrCodec::encode(MatrixView rows, Byte* codes) const {
  for (std::size_t first = 0; first < rows.rows(); first += kRowsAtOnce) {
    encode_some(rows.slice(first, std::min(kRowsAtOnce, rows.rows() - first)), codes + first * code_bytes());
  }
}

void PqrCodec::encode_some(MatrixView rows, Byte* codes) const {
  const std::size_t coarse_bytes = coarse_.code_bytes();
  const std::size_t fine_bytes = fine_.code_bytes();
  std::vector<Byte> coarse(rows.rows() * coarse_bytes);
  std::vector<Byte> fine(rows.rows() * fine_bytes);
  coarse_.encode(rows, coarse.data());
  fine_.encode(rest_of(coarse_, rows), fine.data());
  for (std::size_t i = 0; i < rows.rows(); ++i) {
    std::copy_n(coarse.data() + i * coarse_bytes, coarse_bytes, codes + i * code_bytes());
    std::copy_n(fine.data() + i * fine_bytes, fine_bytes, codes + i * code_bytes() + coarse_bytes);
  }
  if (!(metric() == Metric::l2)) return;
  std::vector<float> decoded(rows.rows() * dim());
  decode_some(codes, rows.rows(), decoded.data());
  for (std::size_t i = 0; i < rows.rows(); ++i) {
    double square = 0;
    for (std::size_t j = 0; j < dim(); ++j) square += double{decoded[i * dim() + j]} * decoded[i * dim() + j];
    const float kept = square < kMostSquare ? static_cast<float>(square) : std::numeric_limits<float>::quiet_NaN();
    std::memcpy(codes + i * code_bytes() + coarse_bytes + fine_bytes, &kept, sizeof kept);
  }
}

void PqrCodec::decode(const Byte* codes, std::size_t n, float* rows) const {
  for (std::size_t first = 0; first < n; first += kRowsAtOnce) {
    decode_some(codes + first * code_bytes(), std::min(kRowsAtOnce, n - first), rows + first * dim());
  }
}

void PqrCodec::decode_some(const Byte* codes, std::size_t n, float* rows) const {
  const std::size_t coarse_bytes = coarse_.code_bytes();
  const std::size_t fine_bytes = fine_.code_bytes();
  std::vector<Byte> coarse(n * coarse_bytes);
  std::vector<Byte> fine(n * fine_bytes);
  for (std::size_t i = 0; i < n; ++i, codes += code_bytes()) {
    std::copy_n(codes, coarse_bytes, coarse.data() + i * coarse_bytes);
    std::copy_n(codes + coarse_bytes, fine_bytes, fine.data() + i * fine_bytes);
  }
  std::vector<float> rest(n * dim());
  coarse_.decode(coarse.data(), n, rows);
  fine_.decode(fine.data(), n, rest.data());
  for (std::size_t i = 0; i < rest.size(); ++i) rows[i] = bounded(rows[i] + rest[i]);
}

}  // namespace

// PQ<M>[x<bits>]+<M>[x<bits>]
MakeCodec read_pqr_codec(StageReader& stage) {
  if (stage.rest().find('+') == std::string_view::npos || !stage.word("PQ")) return nullptr;
  PqrOptions options;
  options.coarse.subs = stage.number("the number of sub-vectors, as in PQ8+16");
  if (stage.word("x")) options.coarse.bits = stage.number("the number of bits after the x, as in PQ8x8+16x8");
  stage.word("+");
  options.fine.subs = stage.number("the second number of sub-vectors, as in PQ8+16");
  if (stage.word("x")) options.fine.bits = stage.number("the number of bits after the second x, as in PQ8x8+16x8");
  stage.done();
  return [options](std::size_t dim, Metric metric) { return make_pqr_codec(dim, metric, options); };
}

std::unique_ptr<Codec> make_pqr_codec(std::size_t dim, Metric metric, const PqrOptions& options) {
  for (const PqOptions& half : {options.coarse, options.fine}) {
    require(half.layout == CodeLayout::rows && half.order == PqOptions::Order::any,
            "two product quantizers take codes row by row and centroids in any order");
  }
  return std::make_unique<PqrCodec>(dim, metric, options);
}

}  // namespace knear
