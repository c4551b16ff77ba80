#include "partition/implicit_centroids.h"

#include <algorithm>
#include <chrono>
#include <cmath>

#include "core/call_limits.h"
#include "core/check.h"
#include "core/parallel_for.h"
#include "core/row_set.h"
#include "core/stage_reader.h"
#include "io/byte_fields.h"
#include "knear/codecs.h"
#include "metric/finite_rows.h"

namespace knear {
namespace {

constexpr std::size_t kTaskRows = 64;
constexpr std::size_t kSumDepth = 272;    // terms that kernels sum up at once
constexpr double kMostProduct = 0x1p120;  // of lengths: float32 sums do not overflow

// 2^(books * bits).
std::size_t cells_of(std::size_t books, std::size_t bits) {
  require(books >= 1 && bits >= 1 && bits <= 16 && books <= 24 / bits, books, " codebooks of 2^", bits,
          " entries: a codebook takes 1 to 16 bits, and all together make at most 2^24 cells");
  return std::size_t{1} << (books * bits);
}

}  // namespace

ImplicitCentroids::ImplicitCentroids(std::size_t dim, Metric metric, const Shape& shape)
    : dim_(dim), metric_(metric), books_(shape.books), bits_(shape.bits), width_(shape.width) {
  cells_of(books_, bits_);
  require(metric == Metric::l2 || metric == Metric::inner_product,
          "cells that are combinations are found by l2 or inner_product, not by ", text_of(metric),
          "; metric=l2 behind them has them found by l2");
}

std::shared_ptr<const ImplicitCentroids> ImplicitCentroids::trained(MatrixView rows,
                                                                    const TrainOptions& options) const {
  require(rows.rows() >= entries(), spec(), " has codebooks of ", entries(),
          " entries and learns from at least as many rows, not ", rows.rows());
  return with(learn(rows, options));
}

void ImplicitCentroids::take(std::vector<float> table) {
  table_ = std::move(table);
  if (table_.empty()) return;
  for (std::size_t m = 0; m < books_; ++m) {
    Book book{Panels::for_products({entry(m, 0), entries(), width_}, width_), {}, 0};
    for (std::size_t c = 0; c < entries(); ++c) {
      const double length = length_of(entry(m, c), width_);
      book.norms.push_back(length * length);
      book.longest = std::max(book.longest, length);
    }
    ready_.push_back(std::move(book));
  }
}

std::size_t ImplicitCentroids::memory_bytes() const noexcept {
  return table_.size() * 2 * sizeof(float) + (is_trained() ? books_ * entries() * sizeof(double) : 0);
}

void ImplicitCentroids::write(ByteSink& sink) const { sink.floats(table_); }

std::shared_ptr<const ImplicitCentroids> ImplicitCentroids::read(std::span<const Byte> bytes,
                                                                 const std::string& what) const {
  ByteSource source(bytes, what);
  auto table = source.floats(books_ * entries() * width_);
  source.done();
  return with(std::move(table));
}

// Rows are taken in any company, with the same cells.
std::vector<std::uint32_t> ImplicitCentroids::assign(MatrixView rows, const RunOptions& run) const {
  const auto start = std::chrono::steady_clock::now();
  std::vector<std::uint32_t> cells(rows.rows());
  const std::size_t bad = first_bad_row(rows, run);
  if (bad == rows.rows()) {
    assign_finite(rows, cells, remaining(run, start));
    return cells;
  }
  const std::vector<std::size_t> good = good_rows(rows, bad);
  Matrix finite(DType::f32, good.size(), dim_);
  for (std::size_t i = 0; i < good.size(); ++i) rows.copy_row(good[i], finite.floats() + i * dim_);
  std::vector<std::uint32_t> of_good(good.size());
  assign_finite(finite, of_good, remaining(run, start));
  for (std::size_t i = 0; i < good.size(); ++i) cells[good[i]] = of_good[i];
  return cells;
}

void ImplicitCentroids::assign_finite(MatrixView rows, std::span<std::uint32_t> cells, const RunOptions& run) const {
  parallel_for((rows.rows() + kTaskRows - 1) / kTaskRows, run, [&](std::size_t task, std::size_t) {
    const auto search = make_search();
    std::vector<float> row(dim_);
    for (std::size_t i = task * kTaskRows; i < std::min(rows.rows(), (task + 1) * kTaskRows); ++i) {
      rows.copy_row(i, row.data());
      cells[i] = static_cast<std::uint32_t>(search->nearest(row.data(), 1, nullptr).front().id);
    }
  });
}

CellRanker::CellRanker(const ImplicitCentroids& centroids)
    : centroids_(centroids),
      codec_(make_flat_codec(centroids.dim(), centroids.metric(), DType::f32, ExactBy::fp32)),
      ranker_(*codec_),
      row_(centroids.dim()) {}

double CellRanker::distance(const float* query, std::size_t cell) {
  centroids_.centroid(cell, row_.data());
  const float* const row = row_.data();
  double distance = 0;
  ranker_.distances(query, std::span(&row, 1), &distance);
  return distance;
}

EntryDistances::EntryDistances(const ImplicitCentroids& centroids, Metric metric, std::size_t step)
    : centroids_(centroids),
      codec_(make_flat_codec(centroids.width(), metric, DType::f32, ExactBy::fp32)),
      ranker_(*codec_),
      step_(step),
      squares_(metric == Metric::l2),
      products_(centroids.entries()),
      values_(centroids.books() * centroids.entries()) {}

// By float32 sums, whose error is known, unless they might overflow.
std::span<const double> EntryDistances::of(const float* query) {
  error_ = 0;
  const std::size_t width = centroids_.width();
  for (std::size_t m = 0; m < centroids_.books(); ++m) {
    const float* const part = query + m * step_;
    const double length = length_of(part, width);
    const double longest = centroids_.book(m).longest;
    const double farthest = length + longest;
    error_ += relative_error(width) * (squares_ ? farthest * farthest : length * longest);
    if (longest < 1e15 && length * longest < kMostProduct) {
      fill_fast(m, part, length);
    } else {
      fill_canonical(m, part);
    }
  }
  return values_;
}

void EntryDistances::fill_fast(std::size_t m, const float* part, double length) {
  const std::size_t width = centroids_.width();
  const ImplicitCentroids::Book& book = centroids_.book(m);
  book.products.products({part, 1, width}, products_.data(), products_.size());
  double* const values = values_.data() + m * products_.size();
  for (std::size_t c = 0; c < products_.size(); ++c) {
    const auto product = static_cast<double>(products_[c]);
    values[c] = squares_ ? length * length + book.norms[c] - 2 * product : -product;
  }
  const std::size_t blocks = (width + kSumDepth - 1) / kSumDepth;
  const auto depth = static_cast<double>(std::min(width, kSumDepth) + blocks + 2);
  error_ += 1.01 * (squares_ ? 2 : 1) * (0x1p-24 * depth * length * book.longest + 0x1p-120);
}

void EntryDistances::fill_canonical(std::size_t m, const float* part) {
  for (std::size_t c = 0; c < centroids_.entries(); ++c) {
    const float* const entry = centroids_.entry(m, c);
    ranker_.distances(part, std::span(&entry, 1), values_.data() + m * centroids_.entries() + c);
  }
}

double length_of(const float* row, std::size_t dim) {
  double square = 0;
  for (std::size_t j = 0; j < dim; ++j) square += static_cast<double>(row[j]) * static_cast<double>(row[j]);
  return std::sqrt(square);
}

std::optional<ImplicitStage> read_implicit(const Stage& stage) {
  StageReader reader(stage);
  const bool multi = reader.word("IMI");
  if (!multi && !reader.word("RCQ")) return std::nullopt;
  const std::size_t books = reader.number("the number of codebooks, as in IMI2x8 and RCQ2x8");
  require(reader.word("x"), "'", stage.token, "' lacks the bits of a codebook, as in IMI2x8 and RCQ2x8");
  const std::size_t bits = reader.number("the bits of a codebook, as in IMI2x8 and RCQ2x8");
  const std::size_t cells = cells_of(books, bits);
  const float beam_factor = multi ? 0 : reader.real_option("beam_factor").value_or(kDefaultBeamFactor);
  reader.done();
  return ImplicitStage{cells, std::size_t{1} << bits, [=](std::size_t dim, Metric metric) {
                         if (multi) return make_multi_index(dim, metric, {.subs = books, .bits = bits});
                         return make_residual_levels(dim, metric,
                                                     {.levels = books, .bits = bits, .beam_factor = beam_factor});
                       }};
}

// A multi-index says itself how many cells it has.
std::string text_of_cells(std::size_t nlist, const std::string& coarse) {
  if (coarse.starts_with("IMI")) return coarse;
  return concat("IVF", nlist, coarse == "Flat" ? "" : "(" + coarse + ")");
}

}  // namespace knear
