#include "metrics.h"

#include <algorithm>
#include <string>

#include "module.h"

namespace knear::python {

namespace {

struct NamedMetric {
  const char* name;
  Metric::Kind kind;
};

constexpr NamedMetric kMetrics[] = {
    {"METRIC_INNER_PRODUCT", Metric::inner_product},
    {"METRIC_L2", Metric::l2},
    {"METRIC_L1", Metric::l1},
    {"METRIC_Linf", Metric::linf},
    {"METRIC_Lp", Metric::lp},
    {"METRIC_Canberra", Metric::canberra},
    {"METRIC_BrayCurtis", Metric::bray_curtis},
    {"METRIC_JensenShannon", Metric::jensen_shannon},
    {"METRIC_Jaccard", Metric::jaccard},
    {"METRIC_NaNEuclidean", Metric::nan_euclidean},
    {"METRIC_GOWER", Metric::gower},
    {"METRIC_COSINE", Metric::cosine},
};

}  // namespace

Metric metric_of(nb::handle metric, float argument) {
  if (nb::isinstance<nb::str>(metric)) {
    Metric found = knear::metric_of(nb::cast<nb::str>(metric).c_str());
    if (argument != 0) found.argument = argument;
    return found;
  }
  if (!PyIndex_Check(metric.ptr()))
    throw Error(Error::wrong_type, "metric must be a name or a METRIC_ constant, not " + type_text(metric));
  const std::int64_t number = nb::cast<Int>(metric).value;
  const auto* known = std::find_if(std::begin(kMetrics), std::end(kMetrics),
                                   [&](const NamedMetric& row) { return row.kind == number; });
  if (known == std::end(kMetrics))
    throw Error(Error::invalid_argument, "metric = " + std::to_string(number) + " is no METRIC_ constant");
  return {known->kind, argument};
}

void init_metrics(nb::module_& m) {
  for (const NamedMetric& row : kMetrics) m.attr(row.name) = static_cast<int>(row.kind);
}

}  // namespace knear::python
