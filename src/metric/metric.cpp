#include "knear/metric.h"

#include <array>
#include <cctype>
#include <charconv>
#include <cmath>
#include <limits>

#include "core/check.h"

namespace knear {
namespace {

enum class Closer { smaller, larger };
enum class Argument { none, power };

struct MetricRow {
  Metric::Kind kind;
  const char* name;
  std::array<const char*, 3> aliases;
  Closer closer = Closer::smaller;
  Argument argument = Argument::none;
};

constexpr MetricRow kMetrics[] = {
    {Metric::l2, "l2", {"squared_l2", "sqeuclidean", "l2sqr"}},
    {Metric::inner_product, "ip", {"inner_product", "dot", "innerproduct"}, Closer::larger},
    {Metric::cosine, "cosine", {"cos", "cosine_similarity", "cosinesimil"}, Closer::larger},
    {Metric::l1, "l1", {"manhattan", "cityblock", "taxicab"}},
    {Metric::linf, "linf", {"chebyshev", "max", "l_inf"}},
    {Metric::lp, "lp", {"minkowski", "l_p", "lp_norm"}, Closer::smaller, Argument::power},
    {Metric::canberra, "canberra", {}},
    {Metric::bray_curtis, "bray_curtis", {"braycurtis"}},
    {Metric::jensen_shannon, "jensen_shannon", {"jensenshannon", "js"}},
    {Metric::jaccard, "jaccard", {}, Closer::larger},
    {Metric::nan_euclidean, "nan_euclidean", {"naneuclidean"}},
    {Metric::gower, "gower", {}},
};

const MetricRow* find(Metric::Kind kind) noexcept {
  for (const MetricRow& row : kMetrics)
    if (row.kind == kind) return &row;
  return nullptr;
}

const MetricRow* find(std::string_view name) noexcept {
  for (const MetricRow& row : kMetrics) {
    if (name == row.name) return &row;
    for (const char* alias : row.aliases)
      if (alias != nullptr && name == alias) return &row;
  }
  return nullptr;
}

std::string known_names() {
  std::string names;
  for (const MetricRow& row : kMetrics) {
    if (!names.empty()) names += ", ";
    names += row.name;
    if (row.argument == Argument::power) names += ":P";
  }
  return names;
}

std::string normalized(std::string_view name) {
  std::string text(name);
  for (char& c : text) c = c == '-' ? '_' : static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return text;
}

float number_of(std::string_view text, std::string_view whole) {
  float value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  require(error == std::errc() && end == text.data() + text.size(), "metric '", whole, "': '", text,
          "' is not a number");
  return value;
}

}  // namespace

bool larger_is_closer(Metric metric) noexcept {
  const MetricRow* row = find(metric.kind);
  return row != nullptr && row->closer == Closer::larger;
}

const char* name_of(Metric metric) noexcept {
  const MetricRow* row = find(metric.kind);
  return row != nullptr ? row->name : "unknown";
}

std::string text_of(Metric metric) {
  const MetricRow* row = find(metric.kind);
  if (row == nullptr || row->argument == Argument::none) return name_of(metric);
  std::array<char, 32> digits;  // the shortest text that reads back as the same float
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), metric.argument).ptr;
  return concat(row->name, ':', std::string_view(digits.data(), static_cast<std::size_t>(end - digits.data())));
}

Metric metric_of(std::string_view name) {
  const std::size_t colon = name.find(':');
  const MetricRow* row = find(normalized(name.substr(0, colon)));
  require(row != nullptr, "no metric is called '", name, "'; there are ", known_names());
  if (row->argument == Argument::none) {
    require(colon == name.npos, "metric '", name, "': ", row->name, " takes no argument");
    return row->kind;
  }
  require(colon != name.npos, "metric '", name, "' needs its power, as in ", row->name, ":3");
  const Metric metric(row->kind, number_of(name.substr(colon + 1), name));
  require_valid(metric);
  return metric;
}

float worst_value(Metric metric) noexcept {
  return larger_is_closer(metric) ? std::numeric_limits<float>::lowest() : std::numeric_limits<float>::max();
}

void require_valid(Metric metric) {
  const MetricRow* row = find(metric.kind);
  require(row != nullptr, "no metric has the number ", static_cast<int>(metric.kind));
  if (row->argument == Argument::power)
    require(std::isfinite(metric.argument) && metric.argument > 0, "metric ", row->name,
            " needs a finite power above 0, not ", metric.argument);
}

}  // namespace knear
