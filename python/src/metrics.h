// Metrics from Python.
#pragma once

#include "knear/metric.h"
#include "types.h"

namespace knear::python {

// From a name ("l2", "ip", "cosine", "lp:3") or a METRIC_* constant. Throws Error::invalid_argument for an
// unknown one, Error::wrong_type for any other object.
Metric metric_of(nb::handle metric, float argument = 0);

}  // namespace knear::python
