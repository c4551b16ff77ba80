#include "codec/byte_shadow.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <optional>
#include <utility>

#include "codec/rows.h"
#include "core/check.h"
#include "core/rng.h"
#include "kernels/dispatch.h"
#include "metric/byte_image.h"
#include "metric/float_bounds.h"

namespace knear {
namespace {

constexpr double kUnit = 0x1p-24;      // rounding of one float32 operation
constexpr double kWorthTurning = 1.5;  // times smaller errors
constexpr std::size_t kTurns = 2;
constexpr std::size_t kMedianRows = 1024;
constexpr std::uint32_t kRest = 15;  // searches without shadows after one that gave them up
constexpr Byte kZero = 128;          // the code of
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
constexpr std::uint64_t kTurnSeed = 0x5eed;

// The Walsh-Hadamard transform of n = 2^i elements, of length one, in place.
void hadamard(double* x, std::size_t n) {
  for (std::size_t half = 1; half < n; half *= 2) {
    for (std::size_t i = 0; i < n; i += 2 * half) {
      for (std::size_t j = i; j < i + half; ++j) {
        const double a = x[j];
        const double b = x[j + half];
        x[j] = a + b;
        x[j + half] = a - b;
      }
    }
  }
  const double factor = 1 / std::sqrt(static_cast<double>(n));
  for (std::size_t i = 0; i < n; ++i) x[i] *= factor;
}

bool is_byte(float value) { return value >= 0 && value <= 255 && value == std::floor(value); }

double sum_of_squares(const double* y, std::size_t n) {
  double sum = 0;
  for (std::size_t j = 0; j < n; ++j) sum += y[j] * y[j];
  return sum;
}

}  // namespace

ByteShadow::ByteShadow(std::size_t dim, Metric::Kind metric, DType stored, const Byte* rows, std::size_t n)
    : metric_(metric), stored_(stored), mean_(dim) {
  std::vector<float> floats(n * dim);
  widen(stored, rows, floats.size(), floats.data());
  learn_centre(floats, n);
  prepare();
  if (lossless_) return;
  double error = mean_error(floats, n);
  // Where a part of the rows is far from the others, the median is among these.
  const std::vector<float> mean = std::exchange(mean_, medians_of(floats, n));
  prepare();
  if (const double other = mean_error(floats, n); other < error) {
    error = other;
  } else {
    mean_ = mean;
    prepare();
  }
  if (dim < 2) return;
  turns_ = kTurnSeed;
  prepare();
  if (mean_error(floats, n) * kWorthTurning < error) return;
  turns_ = 0;
  prepare();
}

ByteShadow::ByteShadow(std::size_t dim, Metric::Kind metric, DType stored, ByteSource& source)
    : metric_(metric), stored_(stored) {
  scale_ = source.f64();
  lossless_ = source.u32() != 0;
  turns_ = source.u64();
  mean_ = source.floats(dim);
  const bool fits = std::isnormal(scale_) && scale_ == std::ldexp(1.0, std::clamp(std::ilogb(scale_), -150, 150));
  if (!fits) fail(Error::corrupt_file, "a shadow of scale ", scale_);
  prepare();
}

void ByteShadow::write(ByteSink& sink) const {
  sink.f64(scale_);
  sink.u32(lossless_ ? 1 : 0);
  sink.u64(turns_);
  sink.floats(mean_);
}

// What follows from the rest.
void ByteShadow::prepare() {
  double square = 0;
  for (const float m : mean_) square += static_cast<double>(m) * static_cast<double>(m);
  mean_length_ = std::sqrt(square);
  signs_.clear();
  if (turns_ == 0) return;
  Rng random(turns_);
  for (std::size_t i = 0; i < kTurns * dim(); ++i) signs_.push_back(random.bits() >> 63 ? 1.0 : -1.0);
}

void ByteShadow::learn_centre(const std::vector<float>& rows, std::size_t n) {
  lossless_ = metric_ != Metric::cosine && std::all_of(rows.begin(), rows.end(), is_byte);
  if (lossless_) {
    std::fill(mean_.begin(), mean_.end(), 128.0f);
    return;
  }
  const std::vector<std::size_t> usual = usual_rows(rows, n);
  std::vector<double> sums(dim());
  for (const std::size_t i : usual) {
    const float* row = rows.data() + i * dim();
    const double factor = metric_ == Metric::cosine ? 1 / std::sqrt(square_of(row)) : 1;
    for (std::size_t j = 0; j < dim(); ++j) sums[j] += row[j] * factor;
  }
  if (usual.empty()) return;
  for (std::size_t j = 0; j < dim(); ++j) mean_[j] = static_cast<float>(sums[j] / static_cast<double>(usual.size()));
  std::vector<double> y(padded());
  double spread = 0;
  for (const std::size_t i : usual) {
    if (centred(rows.data() + i * dim(), y.data())) spread += sum_of_squares(y.data(), dim());
  }
  spread = std::sqrt(spread / static_cast<double>(dim() * usual.size()));
  if (spread > 0 && std::isfinite(spread)) scale_ = std::ldexp(1.0, -std::clamp(std::ilogb(spread), -150, 150));
}

// Of each dimension, by a part of the rows.
std::vector<float> ByteShadow::medians_of(const std::vector<float>& rows, std::size_t n) const {
  const std::size_t step = (n + kMedianRows - 1) / kMedianRows;
  std::vector<float> medians(dim());
  std::vector<double> factors;
  std::vector<std::size_t> some;
  for (std::size_t i = 0; i < n; i += step) {
    const double square = square_of(rows.data() + i * dim());
    if (!(square > 1e-60 && square < 1e60)) continue;
    some.push_back(i);
    factors.push_back(metric_ == Metric::cosine ? 1 / std::sqrt(square) : 1);
  }
  if (some.empty()) return medians;
  std::vector<float> values(some.size());
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  for (std::size_t j = 0; j < dim(); ++j) {
    for (std::size_t s = 0; s < some.size(); ++s)
      values[s] = static_cast<float>(rows[some[s] * dim() + j] * factors[s]);
    std::nth_element(values.begin(), middle, values.end());
    medians[j] = *middle;
  }
  return medians;
}

double ByteShadow::square_of(const float* row) const {
  double square = 0;
  for (std::size_t j = 0; j < dim(); ++j) square += static_cast<double>(row[j]) * static_cast<double>(row[j]);
  return square;
}

// Rows of finite length, without the few that are far longer than others: these would pull the centre away.
std::vector<std::size_t> ByteShadow::usual_rows(const std::vector<float>& rows, std::size_t n) const {
  constexpr double kFarLonger = 16;  // squared
  std::vector<std::size_t> usual;
  std::vector<double> squares;
  for (std::size_t i = 0; i < n; ++i) {
    const double square = square_of(rows.data() + i * dim());
    if (!(square > 1e-60 && square < 1e60)) continue;
    usual.push_back(i);
    squares.push_back(square);
  }
  if (usual.empty() || metric_ == Metric::cosine) return usual;
  std::vector<double> sorted = squares;
  const auto middle = sorted.begin() + static_cast<std::ptrdiff_t>(sorted.size() / 2);
  std::nth_element(sorted.begin(), middle, sorted.end());
  const double most = kFarLonger * *middle;
  std::size_t kept = 0;
  for (std::size_t u = 0; u < usual.size(); ++u) {
    if (squares[u] <= most) usual[kept++] = usual[u];
  }
  usual.resize(kept);
  return usual;
}

double ByteShadow::mean_error(const std::vector<float>& rows, std::size_t n) const {
  std::vector<double> y(padded());
  std::vector<Byte> bytes(padded());
  double sum = 0;
  for (std::size_t i = 0; i < n; ++i) {
    if (!centred(rows.data() + i * dim(), y.data())) continue;
    turn(y.data());
    const double error = cast_row(y.data(), bytes.data()).error;
    if (!std::isnan(error)) sum += error;
  }
  return sum;
}

// False where the row has no direction.
bool ByteShadow::centred(const float* row, double* y) const {
  double factor = 1;
  if (metric_ == Metric::cosine) {
    double square = 0;
    for (std::size_t j = 0; j < dim(); ++j) square += static_cast<double>(row[j]) * static_cast<double>(row[j]);
    if (!(square > 1e-60 && square < 1e60)) return false;
    factor = 1 / std::sqrt(square);
  }
  const kernels::ShadowCentreJob job{row, mean_.data(), factor, scale_, dim(), y};
  kernels::table().shadow_centre(&job);
  return true;
}

// Signs and Hadamard transforms of the first and of the last elements, as many as the largest power of two: all of them
// meet, and nothing is filled up.
void ByteShadow::turn(double* y) const {
  if (!turns_) return;
  const std::size_t part = std::bit_floor(dim());
  for (std::size_t t = 0; t < kTurns; ++t) {
    for (std::size_t j = 0; j < dim(); ++j) y[j] *= signs_[t * dim() + j];
    hadamard(y, part);
    if (part < dim()) hadamard(y + dim() - part, part);
  }
}

void ByteShadow::cast(const Byte* rows, std::size_t n, Byte* shadows) const {
  std::vector<float> row(dim());
  std::vector<double> y(padded());
  std::vector<Byte> codes(padded());
  for (std::size_t i = 0; i < n; ++i, rows += dim() * bytes_of(stored_), shadows += bytes()) {
    widen(stored_, rows, dim(), row.data());
    kernels::ShadowFactors factors{kNan, kNan, kNan};
    if (centred(row.data(), y.data())) {
      turn(y.data());
      factors = cast_row(y.data(), codes.data());
    } else {
      std::fill(codes.begin(), codes.end(), kZero);
    }
    std::memcpy(shadows, codes.data(), this->codes());
    std::memcpy(shadows + this->codes(), &factors, sizeof factors);
  }
}

double ByteShadow::error(const Byte* rows, std::size_t n) const {
  if (n == 0) return 0;
  std::vector<float> floats(n * dim());
  widen(stored_, rows, floats.size(), floats.data());
  return mean_error(floats, n) / (static_cast<double>(n) * scale_);
}

// Up to what roundings another instruction set may have had.
bool ByteShadow::holds(const Byte* row, const Byte* shadow) const {
  constexpr double kOff = 4e-6;
  std::vector<float> floats(dim());
  std::vector<double> y(padded());
  kernels::ShadowFactors factors;
  std::memcpy(&factors, shadow + codes(), sizeof factors);
  widen(stored_, row, dim(), floats.data());
  if (std::isnan(factors.step)) return true;
  if (!centred(floats.data(), y.data())) return false;
  turn(y.data());
  const double step = static_cast<double>(factors.step) / 2;
  const auto error = static_cast<double>(factors.error);
  double rest = 0;
  double square = 0;
  for (std::size_t j = 0; j < codes(); ++j) {
    const double near = step * (shadow[j] - double{kZero});
    rest += (y[j] - near) * (y[j] - near);
    square += near * near;
  }
  const bool is_product = metric_ == Metric::inner_product;
  const double weight = is_product ? std::sqrt(square) : square - error * error;
  const double most = kOff * (is_product ? weight : square + error * error);
  return std::sqrt(rest) <= error * (1 + kOff) && std::abs(static_cast<double>(factors.weight) - weight) <= most;
}

// NaN where float32 cannot hold the factors: such rows are never ruled out. `y` is followed by zeros.
kernels::ShadowFactors ByteShadow::cast_row(const double* y, Byte* codes_out) const {
  const std::optional<ByteImage> image = round_to_bytes(y, padded(), lossless_, codes_out);
  if (!image) return {kNan, kNan, kNan};
  kernels::ShadowFactors factors;
  factors.step = static_cast<float>(2 * image->step);
  factors.error = float_above(image->error);
  const auto error = static_cast<double>(factors.error);
  factors.weight = metric_ == Metric::inner_product
                       ? float_above(std::sqrt(image->square) * (1 + 1e-10))
                       : float_below(image->square * (1 - 16 * kUnit) - error * error * (1 + 8 * kUnit));
  return factors;
}

std::string ByteShadow::about() const {
  const std::uint64_t tried = tried_.load(std::memory_order_relaxed);
  const std::uint64_t gave_up = gave_up_.load(std::memory_order_relaxed);
  std::string text = concat("int8", lossless_ ? ", lossless" : "", turns_ ? ", rotated" : "");
  if (tried) text += concat("; given up for float32 in ", gave_up, " of ", tried, " scans");
  return text;
}

bool ByteShadow::is_worth_trying(std::size_t k) const noexcept {
  std::atomic<std::uint32_t>& rest = rests_[std::min<std::size_t>(std::bit_width(k), kSizes - 1)];
  std::uint32_t left = rest.load(std::memory_order_relaxed);
  while (left > 0 && !rest.compare_exchange_weak(left, left - 1, std::memory_order_relaxed)) continue;
  return left == 0;
}

void ByteShadow::note(std::size_t k, bool gave_up) const noexcept {
  tried_.fetch_add(1, std::memory_order_relaxed);
  if (!gave_up) return;
  gave_up_.fetch_add(1, std::memory_order_relaxed);
  rests_[std::min<std::size_t>(std::bit_width(k), kSizes - 1)].store(kRest, std::memory_order_relaxed);
}

}  // namespace knear
