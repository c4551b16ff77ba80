// Parts of a row, each as a length and the nearest integer point on a sphere.
#include <algorithm>
#include <bit>
#include <cmath>
#include <memory>
#include <vector>

#include "codec/code_bits.h"
#include "codec/registry.h"
#include "codec/sq_ranges.h"
#include "codec/zn_sphere.h"
#include "core/check.h"
#include "core/parallel_for.h"
#include "core/row_set.h"
#include "io/byte_fields.h"
#include "knear/codecs.h"

namespace knear {
namespace {

constexpr std::size_t kMostScaleBits = 16;
constexpr std::size_t kMostTrainingRows = std::size_t{1} << 14;
constexpr std::size_t kRowsOfTask = 256;

// What the options say about all parts.
struct Lattice {
  ZnOptions options;
  ZnSphere sphere;
  unsigned point_bits;

  Lattice(std::size_t dim, const ZnOptions& o)
      : options(o),
        sphere(part_dim(dim, o), o.r2),
        point_bits(static_cast<unsigned>(std::bit_width(sphere.count() - 1))) {}

  static std::size_t part_dim(std::size_t dim, const ZnOptions& options) {
    require(options.parts >= 1 && dim % options.parts == 0, "ZnLattice cuts rows into equal parts: ", dim,
            " dimensions are no multiple of ", options.parts);
    require(options.scale_bits >= 1 && options.scale_bits <= kMostScaleBits, "ZnLattice keeps a length in 1 to ",
            kMostScaleBits, " bits, not ", options.scale_bits);
    return dim / options.parts;
  }
  std::size_t code_bytes() const { return bytes_for_bits(options.parts * (options.scale_bits + point_bits)); }
  double most() const { return static_cast<double>((std::uint64_t{1} << options.scale_bits) - 1); }
};

class ZnCodec final : public Codec {
 public:
  ZnCodec(std::size_t dim, Metric metric, std::shared_ptr<const Lattice> lattice)
      : Codec(dim, metric, lattice->code_bytes()), lattice_(std::move(lattice)) {}

  std::string spec() const override {
    const ZnOptions& options = lattice_->options;
    return concat("ZnLattice", options.parts, "x", options.r2, "_", options.scale_bits);
  }

  bool is_trained() const noexcept override { return !offsets_.empty(); }

  // The range of each part's lengths.
  std::unique_ptr<Codec> trained(MatrixView rows, const TrainOptions& options) const override {
    require(rows.rows() >= 1, "ZnLattice learns its ranges of lengths from at least 1 row");
    const Matrix sample = RowSet(rows, kMostTrainingRows).floats();
    std::vector<float> lengths(sample.rows() * parts());
    parallel_for((sample.rows() + kRowsOfTask - 1) / kRowsOfTask, options.run, [&](std::size_t task, std::size_t) {
      std::vector<int> point(part_dim());
      const std::size_t end = std::min(sample.rows(), (task + 1) * kRowsOfTask) * parts();
      for (std::size_t p = task * kRowsOfTask * parts(); p < end; ++p) {
        lengths[p] = length_along(sample.floats() + p * part_dim(), point);
      }
    });
    auto taught = std::make_unique<ZnCodec>(dim(), metric(), lattice_);
    for (std::size_t part = 0; part < parts(); ++part) {
      float low = lengths[part], high = lengths[part];
      for (std::size_t i = part; i < lengths.size(); i += parts()) {
        low = std::min(low, lengths[i]);
        high = std::max(high, lengths[i]);
      }
      taught->offsets_.push_back(low);
      taught->steps_.push_back(static_cast<float>((double{high} - low) / lattice_->most()));
    }
    return taught;
  }

  void write(ByteSink& sink) const override {
    sink.floats(offsets_);
    sink.floats(steps_);
  }

  void read(ByteSource& source) override {
    std::vector<float> offsets = source.floats(parts());
    std::vector<float> steps = source.floats(parts());
    for (std::size_t part = 0; part < parts(); ++part) {
      const double longest = offsets[part] + steps[part] * lattice_->most();
      if (!(offsets[part] >= 0 && steps[part] >= 0 && longest <= 1.01 * kMostSqValue)) {
        fail(Error::corrupt_file, "ZnLattice with lengths from ", offsets[part], " in steps of ", steps[part]);
      }
    }
    offsets_ = std::move(offsets);
    steps_ = std::move(steps);
  }

  void encode(MatrixView rows, Byte* codes) const override {
    std::vector<float> row(dim());
    std::vector<int> point(part_dim());
    for (std::size_t i = 0; i < rows.rows(); ++i, codes += code_bytes()) {
      rows.copy_row(i, row.data());
      // What NaN is near to is nobody's business, but it has to be something.
      for (float& value : row) value = std::isnan(value) ? 0.0f : value;
      BitWriter writer(codes);
      for (std::size_t part = 0; part < parts(); ++part) {
        const double length = length_along(row.data() + part * part_dim(), point) - double{offsets_[part]};
        const double code = steps_[part] > 0 ? std::nearbyint(length / steps_[part]) : 0.0;
        writer.put(static_cast<std::uint32_t>(std::clamp(code, 0.0, lattice_->most())), scale_bits());
        writer.put_long(lattice_->sphere.number_of(point), lattice_->point_bits);
      }
      writer.flush();
    }
  }

  void decode(const Byte* codes, std::size_t n, float* rows) const override {
    std::vector<int> point(part_dim());
    const double radius = std::sqrt(static_cast<double>(lattice_->options.r2));
    for (std::size_t i = 0; i < n; ++i, codes += code_bytes()) {
      BitReader reader(codes);
      for (std::size_t part = 0; part < parts(); ++part) {
        const double length = offsets_[part] + double{steps_[part]} * reader.next(scale_bits());
        // Bytes of a damaged file may be no point's number.
        const std::uint64_t number = reader.next_long(lattice_->point_bits);
        lattice_->sphere.point_at(std::min(number, lattice_->sphere.count() - 1), point);
        for (const int value : point) *rows++ = static_cast<float>(length / radius * value);
      }
    }
  }

 private:
  std::size_t parts() const noexcept { return lattice_->options.parts; }
  unsigned scale_bits() const noexcept { return static_cast<unsigned>(lattice_->options.scale_bits); }
  std::size_t part_dim() const noexcept { return lattice_->sphere.dim(); }

  // How far x reaches along the nearest point's direction: with this length, the point is nearest to x.
  float length_along(const float* x, std::vector<int>& point) const {
    const double product = lattice_->sphere.nearest(x, point);
    const double length = product / std::sqrt(static_cast<double>(lattice_->options.r2));
    return static_cast<float>(std::min(length, double{kMostSqValue}));
  }

  std::shared_ptr<const Lattice> lattice_;
  // Of each part's lengths.
  std::vector<float> offsets_;
  std::vector<float> steps_;  // 0: all the same
};

}  // namespace

MakeCodec read_zn_codec(StageReader& stage) {
  if (!stage.word("ZnLattice")) return nullptr;
  ZnOptions options;
  options.parts = stage.number("its number of parts");
  require(stage.word("x"), "ZnLattice is written ZnLattice<parts>x<squared radius>_<bits of a length>");
  options.r2 = stage.number("its squared radius");
  require(stage.word("_"), "ZnLattice is written ZnLattice<parts>x<squared radius>_<bits of a length>");
  options.scale_bits = stage.number("the bits of a length");
  stage.done();
  return [options](std::size_t dim, Metric metric) { return make_zn_codec(dim, metric, options); };
}

std::unique_ptr<Codec> make_zn_codec(std::size_t dim, Metric metric, const ZnOptions& options) {
  return std::make_unique<ZnCodec>(dim, metric, std::make_shared<const Lattice>(dim, options));
}

}  // namespace knear
