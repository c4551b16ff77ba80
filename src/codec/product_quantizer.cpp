#include "codec/product_quantizer.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstring>

#include "codec/code_bits.h"
#include "codec/polysemous.h"
#include "core/call_limits.h"
#include "core/check.h"
#include "core/parallel_for.h"
#include "io/byte_fields.h"
#include "kernels/table.h"
#include "knear/cluster.h"

namespace knear {
namespace {

constexpr std::size_t kPart = 4;          // of the rows, one is enough for the first iterations …
constexpr std::size_t kLeastPoints = 32;  // … if a centroid has so many then
constexpr std::size_t kEncodeRows = 192;  // at a time: their numbers stay in cache

// The sub-vectors [first, first + count) of all rows.
MatrixView columns(MatrixView rows, std::size_t first, std::size_t count) {
  return {rows.data() + first * bytes_of(rows.dtype()), rows.dtype(), rows.rows(), count, rows.row_stride()};
}

bool are_floats(MatrixView rows) {
  return rows.dtype() == DType::f32 && rows.row_stride() >= 0 && rows.row_stride() % 4 == 0 &&
         reinterpret_cast<std::uintptr_t>(rows.data()) % 4 == 0;
}

// The first iterations bring the centroids near, for which a part of the rows is enough; so they are done twice, from
// rows drawn evenly and by k-means++: either is better on some data, by up to a tenth of the objective.
Kmeans centroids_of(MatrixView rows, std::size_t k, KmeansOptions options) {
  const std::size_t most = options.max_points_per_centroid;
  const std::size_t points = most == 0 ? rows.rows() / k : std::min(most, rows.rows() / k);
  const std::size_t early = options.niter / 3;
  if (points < kPart * kLeastPoints || early == 0) return kmeans(rows, k, options);
  KmeansOptions part = options;
  part.niter = early;
  part.max_points_per_centroid = points / kPart;
  Kmeans first = kmeans(rows, k, part);
  part.init = KmeansInit::kmeans_plus_plus;
  Kmeans other = kmeans(rows, k, part);
  if (other.objective < first.objective) first = std::move(other);
  options.niter = std::max<std::size_t>(1, options.niter * 4 / 5);
  options.initial = MatrixView(first.centroids);
  return kmeans(rows, k, options);
}

double length_of(const float* x, std::size_t dim) {
  double square = 0;
  for (std::size_t j = 0; j < dim; ++j) square += double{x[j]} * x[j];
  return std::sqrt(square);
}

}  // namespace

ProductQuantizer::ProductQuantizer(std::size_t dim, std::size_t subs, std::size_t bits)
    : subs_(subs), sub_dim_(subs ? dim / subs : 0), bits_(static_cast<unsigned>(bits)) {
  require(subs >= 1 && subs <= dim, "the number of sub-vectors must be 1 to the dimension, ", dim, ", not ", subs);
  require(dim % subs == 0, "the dimension ", dim, " is no multiple of ", subs, " sub-vectors");
  require(bits >= 1 && bits <= 16, "a sub-vector takes 1 to 16 bits, not ", bits);
}

void ProductQuantizer::train(MatrixView rows, const PqOptions& options, const RunOptions& run) {
  const std::size_t k = centroids();
  require(rows.rows() >= k, "a product quantizer of ", bits_, " bits has ", k,
          " centroids in each sub-space and takes as many training rows, not ", rows.rows());
  const auto start = std::chrono::steady_clock::now();
  std::vector<float> all(k * dim());
  ProgressMeter meter(run, "train", subs_);
  const auto learn = [&](std::size_t m, const RunOptions& mine) {
    KmeansOptions learning;
    learning.niter = options.niter;
    learning.seed = options.seed + m;
    learning.max_points_per_centroid = options.max_points_per_centroid;
    learning.run = remaining(mine, start);
    learning.run.progress = {};
    const Kmeans found = centroids_of(columns(rows, m * sub_dim_, sub_dim_), k, learning);
    float* table = all.data() + m * k * sub_dim_;
    std::copy_n(found.centroids.floats(), k * sub_dim_, table);
    if (options.order == PqOptions::Order::polysemous) {
      const auto order = polysemous_order({table, k * sub_dim_}, sub_dim_, options.seed + m);
      for (std::size_t c = 0; c < k; ++c) {
        std::copy_n(found.centroids.floats() + order[c] * sub_dim_, sub_dim_, table + c * sub_dim_);
      }
    }
    meter.advance(1);
  };
  if (subs_ < threads_for(run, subs_ + 1)) {
    for (std::size_t m = 0; m < subs_; ++m) learn(m, run);
  } else {
    RunOptions alone = run;
    alone.num_threads = 1;
    parallel_for(subs_, run, [&](std::size_t m, std::size_t) { learn(m, alone); });
  }
  meter.finish();
  take_centroids(std::move(all));
}

void ProductQuantizer::take_centroids(std::vector<float> centroids) {
  table_ = std::move(centroids);
  const std::size_t count = this->centroids();
  turned_.assign(count % 16 == 0 && sub_dim_ <= kernels::kTileDepth ? table_.size() : 0, 0.0f);
  if (!turned_.empty()) {
    for (std::size_t row = 0; row < subs_ * count; ++row) {
      for (std::size_t j = 0; j < sub_dim_; ++j) {
        turned_[(row / count * sub_dim_ + j) * count + row % count] = table_[row * sub_dim_ + j];
      }
    }
  }
  longest_.assign(subs_, 0);
  panels_.clear();
  for (std::size_t m = 0; m < subs_; ++m) {
    panels_.push_back(Panels::for_nearest({sub_centroids(m), this->centroids(), sub_dim_}, sub_dim_));
    for (std::size_t c = 0; c < count; ++c) {
      longest_[m] = std::max(longest_[m], length_of(sub_centroids(m) + c * sub_dim_, sub_dim_));
    }
  }
}

void ProductQuantizer::write(ByteSink& sink) const { sink.floats(table_); }

void ProductQuantizer::read(ByteSource& source) { take_centroids(source.floats(centroids() * dim())); }

void ProductQuantizer::encode(MatrixView rows, Byte* codes) const {
  std::vector<float> copies;
  for (std::size_t first = 0; first < rows.rows(); first += kEncodeRows) {
    const std::size_t count = std::min(kEncodeRows, rows.rows() - first);
    const MatrixView some = rows.slice(first, count);
    if (are_floats(some)) {
      const auto stride = static_cast<std::size_t>(some.row_stride()) / sizeof(float);
      encode_floats({reinterpret_cast<const float*>(some.data()), count, stride}, codes + first * code_bytes());
      continue;
    }
    copies.resize(count * dim());
    for (std::size_t i = 0; i < count; ++i) some.copy_row(i, copies.data() + i * dim());
    encode_floats({copies.data(), count, dim()}, codes + first * code_bytes());
  }
}

void ProductQuantizer::encode_floats(FloatSpan rows, Byte* codes) const {
  std::vector<std::uint32_t> numbers(subs_ * rows.count);
  std::vector<float> values(rows.count);
  for (std::size_t m = 0; m < subs_; ++m) {
    panels_[m].nearest({rows.data + m * sub_dim_, rows.count, rows.stride}, numbers.data() + m * rows.count,
                       values.data());
  }
  for (std::size_t i = 0; i < rows.count; ++i) pack(numbers.data() + i, rows.count, codes + i * code_bytes());
}

// Number m at numbers[m * stride].
void ProductQuantizer::pack(const std::uint32_t* numbers, std::size_t stride, Byte* code) const {
  BitWriter writer(code);
  for (std::size_t m = 0; m < subs_; ++m) writer.put(numbers[m * stride], bits_);
  writer.flush();
}

void ProductQuantizer::unpack(const Byte* code, std::uint16_t* numbers) const {
  if (bits_ == 8) {
    std::copy_n(code, subs_, numbers);
    return;
  }
  if (bits_ == 4) {
    for (std::size_t m = 0; m < subs_; ++m) numbers[m] = m % 2 ? code[m / 2] >> 4 : code[m / 2] & 15;
    return;
  }
  BitReader reader(code);
  for (std::size_t m = 0; m < subs_; ++m) numbers[m] = static_cast<std::uint16_t>(reader.next(bits_));
}

void ProductQuantizer::decode(const Byte* codes, std::size_t n, float* rows) const {
  std::vector<std::uint16_t> numbers(subs_);
  for (std::size_t i = 0; i < n; ++i, codes += code_bytes()) {
    unpack(codes, numbers.data());
    copy_centroids(numbers.data(), rows);
    rows += dim();
  }
}

// Copies of a length that the compiler knows are single moves.
void ProductQuantizer::copy_centroids(const std::uint16_t* numbers, float* row) const {
  const auto copy = [&](auto length) {
    for (std::size_t m = 0; m < subs_; ++m, row += length) {
      std::copy_n(sub_centroids(m) + numbers[m] * length, static_cast<std::size_t>(length), row);
    }
  };
  switch (sub_dim_) {
    case 2:
      return copy(std::integral_constant<std::size_t, 2>());
    case 4:
      return copy(std::integral_constant<std::size_t, 4>());
    case 8:
      return copy(std::integral_constant<std::size_t, 8>());
    case 16:
      return copy(std::integral_constant<std::size_t, 16>());
    default:
      return copy(sub_dim_);
  }
}

}  // namespace knear
