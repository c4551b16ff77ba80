#include "codec/sq_ranges.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <span>

#include "core/parallel_for.h"
#include "core/row_set.h"

namespace knear {
namespace {

constexpr std::size_t kMostParts = 64;  // of the rows: the same cut for any number of threads
constexpr std::size_t kLeastPartRows = 256;
constexpr std::size_t kMostSampledRows = std::size_t{1} << 16;
constexpr std::size_t kMostSampledValues = std::size_t{1} << 24;
constexpr std::size_t kMostTurns = 50;
constexpr double kLeastGain = 1e-6;  // of the squared error, for another turn

struct Extent {
  double low;
  double high;
};

SqRanges ranges_of(std::span<const Extent> extents, std::size_t bits) {
  const double levels = static_cast<double>((std::size_t{1} << bits) - 1);
  SqRanges ranges;
  for (const Extent& extent : extents) {
    const double low = std::clamp<double>(extent.low, -kMostSqValue, kMostSqValue);
    const double high = std::clamp<double>(extent.high, low, kMostSqValue);
    const auto step = static_cast<float>((high - low) / levels);
    ranges.offsets.push_back(static_cast<float>(low));
    ranges.steps.push_back(step < kLeastSqStep ? 0.0f : step);
  }
  return ranges;
}

// Smallest and largest value of each dimension.
struct MinMax {
  std::vector<float> lows;
  std::vector<float> highs;

  explicit MinMax(std::span<const float> first_row)
      : lows(first_row.begin(), first_row.end()), highs(first_row.begin(), first_row.end()) {}
  void add(const float* row) {
    for (std::size_t j = 0; j < lows.size(); ++j) {
      lows[j] = row[j] < lows[j] ? row[j] : lows[j];
      highs[j] = row[j] > highs[j] ? row[j] : highs[j];
    }
  }
  void join(const MinMax& other) {
    add(other.lows.data());
    add(other.highs.data());
  }
};

// Sums of each dimension's differences from a value that is near.
struct Moments {
  std::vector<float> origins;
  std::vector<double> sums;
  std::vector<double> squares;

  explicit Moments(std::span<const float> near)
      : origins(near.begin(), near.end()), sums(near.size()), squares(near.size()) {}
  void add(const float* row) {
    for (std::size_t j = 0; j < sums.size(); ++j) {
      const double difference = double{row[j]} - origins[j];
      sums[j] += difference;
      squares[j] += difference * difference;
    }
  }
  void join(const Moments& other) {
    for (std::size_t j = 0; j < sums.size(); ++j) {
      sums[j] += other.sums[j];
      squares[j] += other.squares[j];
    }
  }
};

// All rows added to `all`, which is empty: by parts, joined in order.
template <class Totals>
Totals total_of(MatrixView rows, Totals all, const RunOptions& run) {
  std::vector<Totals> parts(std::clamp<std::size_t>(rows.rows() / kLeastPartRows, 1, kMostParts), all);
  parallel_for(parts.size(), run, [&](std::size_t part, std::size_t) {
    std::vector<float> row(rows.dim());
    const std::size_t end = rows.rows() * (part + 1) / parts.size();
    for (std::size_t i = rows.rows() * part / parts.size(); i < end; ++i) {
      rows.copy_row(i, row.data());
      parts[part].add(row.data());
    }
  });
  for (const Totals& part : parts) all.join(part);
  return all;
}

std::vector<Extent> widened(MatrixView rows, const SqOptions& options, const RunOptions& run) {
  std::vector<float> first(rows.dim());
  rows.copy_row(0, first.data());
  const MinMax all = total_of(rows, MinMax(first), run);
  std::vector<Extent> extents;
  for (std::size_t j = 0; j < rows.dim(); ++j) extents.push_back({double{all.lows[j]}, double{all.highs[j]}});
  if (options.range == SqRange::uniform) {
    extents = {
        {*std::min_element(all.lows.begin(), all.lows.end()), *std::max_element(all.highs.begin(), all.highs.end())}};
  }
  for (Extent& extent : extents) {
    const double margin = sq_argument(options) * (extent.high - extent.low);
    extent = {extent.low - margin, extent.high + margin};
  }
  return extents;
}

Extent around_mean(double origin, double mean, double mean_square, double deviations) {
  const double reach = deviations * std::sqrt(std::max(0.0, mean_square - mean * mean));
  return {origin + mean - reach, origin + mean + reach};
}

std::vector<Extent> around_means(MatrixView rows, const SqOptions& options, const RunOptions& run) {
  std::vector<float> origins(rows.dim());
  rows.copy_row(0, origins.data());
  if (options.range == SqRange::uniform) std::fill(origins.begin(), origins.end(), origins[0]);
  const Moments all = total_of(rows, Moments(origins), run);
  const auto n = static_cast<double>(rows.rows());
  const double deviations = sq_argument(options);
  std::vector<Extent> extents;
  if (options.range == SqRange::uniform) {
    const double values = n * static_cast<double>(rows.dim());
    const double sum = std::accumulate(all.sums.begin(), all.sums.end(), 0.0);
    const double squares = std::accumulate(all.squares.begin(), all.squares.end(), 0.0);
    return {around_mean(origins[0], sum / values, squares / values, deviations)};
  }
  for (std::size_t j = 0; j < rows.dim(); ++j) {
    extents.push_back(around_mean(origins[j], all.sums[j] / n, all.squares[j] / n, deviations));
  }
  return extents;
}

Extent without_ends(std::span<float> values, double share) {
  const auto cut =
      std::min(static_cast<std::size_t>(share * static_cast<double>(values.size())), (values.size() - 1) / 2);
  const auto low = values.begin() + static_cast<std::ptrdiff_t>(cut);
  std::nth_element(values.begin(), low, values.end());
  const double lowest = *low;
  const auto high = values.end() - 1 - static_cast<std::ptrdiff_t>(cut);
  std::nth_element(values.begin(), high, values.end());
  return {lowest, *high};
}

// What values and their codes under a range say about a better one.
struct Fit {
  double error = 0;  // squared, of this range
  Extent best{};     // the least squares for these codes
};

Fit fit_of(std::span<const float> values, Extent extent, double levels) {
  const double step = (extent.high - extent.low) / levels;
  double error = 0, codes = 0, squares = 0, sum = 0, products = 0;
  for (const float value : values) {
    const double x = double{value} - extent.low;
    const double code = std::clamp(std::nearbyint(x / step), 0.0, levels);
    error += (x - step * code) * (x - step * code);
    codes += code;
    squares += code * code;
    sum += x;
    products += x * code;
  }
  const auto n = static_cast<double>(values.size());
  const double spread = n * squares - codes * codes;
  if (!(spread > 0)) return {error, extent};
  const double slope = (n * products - sum * codes) / spread;
  const double low = extent.low + (sum - slope * codes) / n;
  return {error, {low, low + slope * levels}};
}

// Values go to the nearest code and the range to the least squares of them, by turns: the error never grows.
Extent least_error(std::span<const float> values, double levels) {
  const auto [low, high] = std::minmax_element(values.begin(), values.end());
  Extent extent{double{*low}, double{*high}};
  double error = std::numeric_limits<double>::infinity();
  for (std::size_t turn = 0; turn < kMostTurns && (extent.high - extent.low) / levels >= kLeastSqStep; ++turn) {
    const Fit fit = fit_of(values, extent, levels);
    if (!(fit.error < error * (1 - kLeastGain))) break;
    error = fit.error;
    extent = fit.best;
  }
  return extent;
}

std::vector<Extent> extents_by_sample(MatrixView rows, const SqOptions& options, const RunOptions& run) {
  const Matrix sample =
      RowSet(rows, std::clamp<std::size_t>(kMostSampledValues / rows.dim(), 1024, kMostSampledRows)).floats();
  const bool uniform = options.range == SqRange::uniform;
  const auto levels = static_cast<double>((std::size_t{1} << options.bits) - 1);
  const std::size_t apart = uniform ? 1 : sample.dim();
  std::vector<Extent> extents(uniform ? 1 : sample.dim());
  parallel_for(extents.size(), run, [&](std::size_t j, std::size_t) {
    std::vector<float> values(uniform ? sample.rows() * sample.dim() : sample.rows());
    for (std::size_t i = 0; i < values.size(); ++i) values[i] = sample.floats()[i * apart + j];
    extents[j] = options.statistic == SqStatistic::quantiles ? without_ends(values, sq_argument(options))
                                                             : least_error(values, levels);
  });
  return extents;
}

}  // namespace

float sq_argument(const SqOptions& options) {
  if (options.argument) return *options.argument;
  if (options.statistic == SqStatistic::meanstd) return 3;
  return options.statistic == SqStatistic::quantiles ? 0.01f : 0.0f;
}

SqRanges learned_ranges(MatrixView rows, const SqOptions& options, const RunOptions& run) {
  switch (options.statistic) {
    case SqStatistic::minmax:
      return ranges_of(widened(rows, options, run), options.bits);
    case SqStatistic::meanstd:
      return ranges_of(around_means(rows, options, run), options.bits);
    case SqStatistic::quantiles:
    case SqStatistic::optim:
      break;
  }
  return ranges_of(extents_by_sample(rows, options, run), options.bits);
}

}  // namespace knear
