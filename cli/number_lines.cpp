#include "number_lines.h"

#include <fmt/format.h>

#include <charconv>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "knear/error.h"

namespace knear::cli {
namespace {

constexpr std::string_view kBetween = " ,;\t\r";

class NumberLines : public VectorFile {
 public:
  NumberLines(std::vector<float> values, std::size_t dim) : values_(std::move(values)), dim_(dim) {}

  std::size_t rows() const noexcept override { return dim_ == 0 ? 0 : values_.size() / dim_; }
  std::size_t dim() const noexcept override { return dim_; }
  DType dtype() const noexcept override { return DType::f32; }
  MatrixView read(std::size_t first, std::size_t count) override {
    if (first > rows() || count > rows() - first) {
      throw Error(Error::invalid_argument,
                  fmt::format("rows {} to {} asked for, standard input has {}", first, first + count, rows()));
    }
    return MatrixView(values_.data() + first * dim_, DType::f32, count, dim_);
  }

 private:
  std::vector<float> values_;
  std::size_t dim_;
};

float number_of(std::string_view word, std::size_t line) {
  float value = 0;
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), value);
  if (error != std::errc() || end != word.data() + word.size()) {
    throw Error(Error::corrupt_file, fmt::format("standard input, line {}: '{}' is not a number", line, word));
  }
  return value;
}

// Appends the numbers of a line; returns how many there were.
std::size_t append_numbers(std::string_view text, std::size_t line, std::vector<float>& values) {
  const std::size_t before = values.size();
  for (std::size_t at = text.find_first_not_of(kBetween); at != std::string_view::npos;) {
    const std::size_t end = std::min(text.find_first_of(kBetween, at), text.size());
    values.push_back(number_of(text.substr(at, end - at), line));
    at = text.find_first_not_of(kBetween, end);
  }
  return values.size() - before;
}

}  // namespace

std::unique_ptr<VectorFile> read_number_lines(std::istream& in) {
  std::vector<float> values;
  std::size_t dim = 0;
  std::string text;
  for (std::size_t line = 1; std::getline(in, text); ++line) {
    if (text.starts_with('#')) continue;
    const std::size_t count = append_numbers(text, line, values);
    if (count == 0) continue;
    if (dim == 0) dim = count;
    if (count != dim) {
      throw Error(Error::corrupt_file,
                  fmt::format("standard input, line {}: {} numbers, the first line has {}", line, count, dim));
    }
  }
  return std::make_unique<NumberLines>(std::move(values), dim);
}

}  // namespace knear::cli
