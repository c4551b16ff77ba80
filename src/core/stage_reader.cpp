#include "core/stage_reader.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>

#include "core/check.h"

namespace knear {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }

}  // namespace

std::string Stage::str() const {
  std::string text = token;
  for (const auto& [key, value] : options) text.append(",").append(key).append("=").append(value);
  return text;
}

const std::string* Stage::option(std::string_view key) const {
  for (const auto& [name, value] : options) {
    if (name == key) return &value;
  }
  return nullptr;
}

void Stage::set(std::string_view key, std::string value) {
  for (auto& [name, old] : options) {
    if (name != key) continue;
    old = std::move(value);
    return;
  }
  options.emplace_back(key, std::move(value));
}

StageReader::StageReader(const Stage& stage) : stage_(stage), rest_(stage.token) {}

bool StageReader::word(std::string_view word) {
  if (!rest_.starts_with(word)) return false;
  rest_.remove_prefix(word.size());
  return true;
}

std::optional<std::size_t> StageReader::number() {
  if (rest_.empty() || !is_digit(rest_.front())) return std::nullopt;
  std::size_t value = 0;
  const auto [end, error] = std::from_chars(rest_.data(), rest_.data() + rest_.size(), value);
  require(error == std::errc(), "the number in '", stage_.token, "' is too large");
  rest_.remove_prefix(static_cast<std::size_t>(end - rest_.data()));
  return value;
}

std::size_t StageReader::number(std::string_view what) {
  const auto value = number();
  require(value.has_value(), "'", stage_.token, "' lacks ", what);
  return *value;
}

std::optional<std::string> StageReader::option(std::string_view key) {
  known_.emplace_back(key);
  const std::string* value = stage_.option(key);
  return value ? std::optional(*value) : std::nullopt;
}

std::optional<std::size_t> StageReader::number_option(std::string_view key) {
  const auto text = option(key);
  if (!text) return std::nullopt;
  std::size_t value = 0;
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), value);
  require(error == std::errc() && end == text->data() + text->size(), "the option ", key, "=", *text, " of '",
          stage_.token, "' is not a whole number");
  return value;
}

std::optional<float> StageReader::real_option(std::string_view key) {
  const auto text = option(key);
  if (!text) return std::nullopt;
  float value = 0;
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), value);
  require(error == std::errc() && end == text->data() + text->size() && std::isfinite(value), "the option ", key, "=",
          *text, " of '", stage_.token, "' is not a finite number");
  return value;
}

std::optional<std::size_t> StageReader::choice_option(std::string_view key,
                                                      std::initializer_list<std::string_view> names) {
  const auto text = option(key);
  if (!text) return std::nullopt;
  const auto* found = std::find(names.begin(), names.end(), *text);
  if (found != names.end()) return static_cast<std::size_t>(found - names.begin());
  std::string all;
  for (const std::string_view name : names) all += concat(all.empty() ? "" : ", ", name);
  fail(Error::invalid_argument, "the option ", key, "=", *text, " of '", stage_.token, "' is none of ", all);
}

void StageReader::done() const {
  require(rest_.empty(), "'", rest_, "' at the end of '", stage_.token, "' means nothing");
  for (const auto& [key, value] : stage_.options) {
    if (std::find(known_.begin(), known_.end(), key) != known_.end()) continue;
    std::string all;
    for (const std::string& name : known_) all += (all.empty() ? "it knows " : ", ") + name;
    fail(Error::invalid_argument, "unknown option '", key, "=", value, "' after '", stage_.token, "'; ",
         all.empty() ? "it has none" : all);
  }
}

}  // namespace knear
