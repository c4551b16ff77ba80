// A codec of images: transforms between the cells of a partition and its codes.
#include <algorithm>
#include <chrono>
#include <cmath>
#include <limits>

#include "core/call_limits.h"
#include "core/check.h"
#include "io/byte_fields.h"
#include "knear/codec.h"
#include "transform/chain.h"

namespace knear {
namespace {

constexpr std::size_t kRowsAtOnce = 768;

std::size_t dim_before(const TransformChain& transforms) {
  require(!transforms.empty(), "a codec of images without transforms");
  return transforms.front()->dim_in();
}

std::vector<bool> trained_ones(const TransformChain& transforms) {
  std::vector<bool> trained;
  for (const auto& transform : transforms) trained.push_back(transform->is_trained());
  return trained;
}

// Scans and codes take finite rows.
void make_finite(Matrix& images) {
  constexpr float most = std::numeric_limits<float>::max();
  for (float& value : std::span(images.floats(), images.rows() * images.dim())) {
    value = std::isnan(value) ? 0.0f : std::clamp(value, -most, most);
  }
}

Matrix finite_images(const TransformChain& transforms, MatrixView rows, const RunOptions& run) {
  Matrix images = images_of(transforms, rows, run);
  make_finite(images);
  return images;
}

// One learner of several, with its length in front: 0 where it knows nothing.
template <class Learner>
void write_part(ByteSink& sink, const Learner& learner) {
  const std::vector<Byte> learned = learned_bytes(learner);
  sink.text(std::string(learned.begin(), learned.end()));
}

template <class Learner>
void read_part(ByteSource& source, Learner& learner) {
  const std::string learned = source.text();
  if (learned.empty()) return;
  const std::vector<Byte> bytes(learned.begin(), learned.end());
  learn_from(bytes, "section codec, " + learner.spec(), learner);
}

// Scans and rankers of images, which they keep.
class PreparedImages final : public PreparedQueries {
 public:
  PreparedImages(const Codec& inner, Matrix images, const Shadow* shadow, const RunOptions& run)
      : images_(std::move(images)), inner_(inner.prepare(images_, shadow, run)) {}

  std::unique_ptr<Scan> make_knn_scan(std::span<const std::uint32_t> which, std::size_t k,
                                      const SlotTable& table) const override {
    return inner_->make_knn_scan(which, k, table);
  }
  std::unique_ptr<Scan> make_range_scan(std::span<const std::uint32_t> which, double radius,
                                        const SlotTable& table) const override {
    return inner_->make_range_scan(which, radius, table);
  }

 private:
  Matrix images_;
  std::unique_ptr<PreparedQueries> inner_;
};

class ImageRanker final : public CodeRanker {
 public:
  ImageRanker(const Codec& inner, Matrix images) : images_(std::move(images)), inner_(inner.make_ranker(images_)) {}

  void rank(std::size_t query, const SlotTable& table, std::span<const Slot> slots, std::span<Hit> hits) override {
    inner_->rank(query, table, slots, hits);
  }

 private:
  Matrix images_;
  std::unique_ptr<CodeRanker> inner_;
};

class TransformedCodec final : public Codec {
 public:
  TransformedCodec(const TransformChain& transforms, std::shared_ptr<Codec> inner)
      : TransformedCodec(transforms, std::move(inner), trained_ones(transforms)) {}

  TransformedCodec(TransformChain transforms, std::shared_ptr<Codec> inner, std::vector<bool> fixed)
      : Codec(dim_before(transforms), inner->metric(), inner->code_bytes()),
        transforms_(std::move(transforms)),
        fixed_(std::move(fixed)),
        inner_(std::move(inner)) {
    std::size_t dim = this->dim();
    for (const auto& transform : transforms_) {
      require(transform->dim_in() == dim, transform->spec(), " takes ", transform->dim_in(), " dimensions, not ", dim);
      dim = transform->dim_out();
    }
    require(inner_->dim() == dim, "the transforms give ", dim, " dimensions, the codec ", inner_->spec(), " takes ",
            inner_->dim());
  }

  const TransformChain& transforms() const noexcept { return transforms_; }
  const std::shared_ptr<Codec>& inner() const noexcept { return inner_; }

  std::string spec() const override { return stages_of(transforms_) + inner_->spec(); }
  CodeLayout layout() const noexcept override { return inner_->layout(); }
  // What is bad may be gone from the image.
  bool keeps_bad_rows() const noexcept override { return false; }

  bool takes_residuals() const noexcept override {
    const bool product = metric() == Metric::inner_product;
    return inner_->takes_residuals() && std::all_of(transforms_.begin(), transforms_.end(), [&](const auto& transform) {
             const Transform::Linearity is = transform->linearity();
             return is == Transform::Linearity::linear || (is == Transform::Linearity::affine && !product);
           });
  }

  bool is_trained() const noexcept override { return all_trained(transforms_) && inner_->is_trained(); }

  std::unique_ptr<Codec> trained(MatrixView rows, const TrainOptions& options) const override {
    const auto start = std::chrono::steady_clock::now();
    TaughtChain taught = taught_chain(transforms_, fixed_, rows, options);
    make_finite(taught.images);
    std::shared_ptr<Codec> inner = inner_->trained(taught.images, {remaining(options.run, start), options.warnings});
    if (!taught.learned && !inner) return nullptr;
    return std::make_unique<TransformedCodec>(std::move(taught.transforms), inner ? inner : inner_, fixed_);
  }

  void write(ByteSink& sink) const override {
    for (const auto& transform : transforms_) write_part(sink, *transform);
    write_part(sink, *inner_);
  }
  void read(ByteSource& source) override {
    for (const auto& transform : transforms_) read_part(source, *transform);
    read_part(source, *inner_);
  }

  void encode(MatrixView rows, Byte* codes) const override {
    for (std::size_t first = 0; first < rows.rows(); first += kRowsAtOnce) {
      const std::size_t count = std::min(kRowsAtOnce, rows.rows() - first);
      inner_->encode(finite_images(transforms_, rows.slice(first, count), here()), codes + first * code_bytes());
    }
  }

  void decode(const Byte* codes, std::size_t n, float* rows) const override {
    for (std::size_t first = 0; first < n; first += kRowsAtOnce) {
      const std::size_t count = std::min(kRowsAtOnce, n - first);
      Matrix images(DType::f32, count, inner_->dim());
      inner_->decode(codes + first * code_bytes(), count, images.floats());
      reverse_all(transforms_, std::move(images), rows + first * dim());
    }
  }

  std::unique_ptr<Scan> make_knn_scan(MatrixView queries, std::size_t k, const SlotTable& table) const override {
    return inner_->make_knn_scan(finite_images(transforms_, queries, here()), k, table);
  }
  std::unique_ptr<Scan> make_range_scan(MatrixView queries, double radius, const SlotTable& table) const override {
    return inner_->make_range_scan(finite_images(transforms_, queries, here()), radius, table);
  }
  std::unique_ptr<PreparedQueries> prepare(MatrixView queries, const Shadow* shadow,
                                           const RunOptions& run) const override {
    return std::make_unique<PreparedImages>(*inner_, finite_images(transforms_, queries, silent(run)), shadow, run);
  }
  std::unique_ptr<CodeRanker> make_ranker(MatrixView queries) const override {
    return std::make_unique<ImageRanker>(*inner_, finite_images(transforms_, queries, here()));
  }
  std::unique_ptr<Codec> searched_by(const PqSearch& search) const override {
    std::shared_ptr<Codec> inner = inner_->searched_by(search);
    return inner ? std::make_unique<TransformedCodec>(transforms_, std::move(inner), fixed_) : nullptr;
  }

  std::size_t casts_shadows_from() const noexcept override { return inner_->casts_shadows_from(); }
  std::shared_ptr<const Shadow> make_shadow(const Byte* codes, std::size_t n) const override {
    return inner_->make_shadow(codes, n);
  }
  std::shared_ptr<const Shadow> read_shadow(ByteSource& source) const override { return inner_->read_shadow(source); }

 private:
  static RunOptions here() { return {.num_threads = 1}; }
  static RunOptions silent(RunOptions run) {
    run.progress = {};
    return run;
  }

  TransformChain transforms_;
  std::vector<bool> fixed_;  // came trained, so that training leaves them alone
  std::shared_ptr<Codec> inner_;
};

}  // namespace

std::unique_ptr<Codec> make_transformed_codec(TransformChain transforms, std::unique_ptr<Codec> inner) {
  require(inner != nullptr, "a codec of images without a codec");
  const auto* chain = dynamic_cast<const TransformedCodec*>(inner.get());
  if (!chain) return std::make_unique<TransformedCodec>(transforms, std::move(inner));
  transforms.insert(transforms.end(), chain->transforms().begin(), chain->transforms().end());
  return std::make_unique<TransformedCodec>(transforms, chain->inner());
}

}  // namespace knear
