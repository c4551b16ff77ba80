#include "codec/near_rows.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <numeric>

#include "core/parallel_for.h"

namespace knear {
namespace {

constexpr std::size_t kMostQueries = 256;
constexpr std::size_t kRowsForEach = 4;  // at least, for a query
constexpr std::size_t kNear = 10;        // neighbours of each
constexpr std::size_t kLookedAt = 40;    // times less than there are rows, of least Hamming distance
constexpr std::size_t kLeastRows = kNear * kLookedAt;

double square_between(const float* a, const float* b, std::size_t dim) {
  double sum = 0;
  for (std::size_t j = 0; j < dim; ++j) {
    const double difference = static_cast<double>(a[j]) - static_cast<double>(b[j]);
    sum += difference * difference;
  }
  return std::isnan(sum) ? std::numeric_limits<double>::infinity() : sum;
}

std::size_t bits_between(const Byte* a, const Byte* b, std::size_t bytes) {
  std::size_t bits = 0;
  for (std::size_t i = 0; i < bytes; ++i)
    bits += static_cast<std::size_t>(std::popcount(static_cast<Byte>(a[i] ^ b[i])));
  return bits;
}

}  // namespace

NearRows::NearRows(const Matrix& rows, const RunOptions& run) : rows_(rows.rows()) {
  if (rows_ < kLeastRows) return;
  const std::size_t queries = std::min(kMostQueries, rows_ / kRowsForEach);
  near_.resize(queries * kNear);
  parallel_for(queries, run, [&](std::size_t q, std::size_t) {
    std::vector<double> squares(rows_);
    for (std::size_t i = 0; i < rows_; ++i) {
      squares[i] = square_between(rows.floats() + q * rows.dim(), rows.floats() + i * rows.dim(), rows.dim());
    }
    std::vector<std::uint32_t> order(rows_);
    std::iota(order.begin(), order.end(), std::uint32_t{0});
    std::erase(order, static_cast<std::uint32_t>(q));
    std::partial_sort(order.begin(), order.begin() + kNear, order.end(), [&](std::uint32_t a, std::uint32_t b) {
      return squares[a] != squares[b] ? squares[a] < squares[b] : a < b;
    });
    std::copy_n(order.begin(), kNear, near_.begin() + static_cast<std::ptrdiff_t>(q * kNear));
  });
}

// Of rows at the distance where the few end, each counts in part.
double NearRows::found(std::span<const Byte> codes, const RunOptions& run) const {
  const std::size_t bytes = codes.size() / rows_;
  std::vector<double> shares(near_.size() / kNear);
  parallel_for(shares.size(), run, [&](std::size_t q, std::size_t) {
    const auto distance = [&](std::size_t i) { return bits_between(&codes[q * bytes], &codes[i * bytes], bytes); };
    std::vector<std::size_t> all(8 * bytes + 1);
    std::vector<std::size_t> near(8 * bytes + 1);
    for (std::size_t i = 0; i < rows_; ++i) all[distance(i)] += i != q ? 1 : 0;
    for (std::size_t i = 0; i < kNear; ++i) ++near[distance(near_[q * kNear + i])];
    const std::size_t few = rows_ / kLookedAt;
    auto left = static_cast<double>(few);
    for (std::size_t d = 0; d < all.size() && left > 0; ++d) {
      if (all[d] == 0) continue;
      const auto count = static_cast<double>(all[d]);
      shares[q] += static_cast<double>(near[d]) * std::min(1.0, left / count) / kNear;
      left -= count;
    }
  });
  return std::accumulate(shares.begin(), shares.end(), 0.0) / static_cast<double>(shares.size());
}

}  // namespace knear
