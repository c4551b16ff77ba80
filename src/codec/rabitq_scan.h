// Scans over RaBitQ codes in planes.
#pragma once

#include <memory>
#include <vector>

#include "codec/rabitq.h"

namespace knear {

// The queries are prepared but for their tables; `estimator` and `table` outlive the scan.
std::unique_ptr<Scan> make_rabitq_knn(const RabitqEstimator& estimator, std::vector<RabitqQuery> queries, std::size_t k,
                                      const SlotTable& table);
std::unique_ptr<Scan> make_rabitq_range(const RabitqEstimator& estimator, std::vector<RabitqQuery> queries,
                                        double radius, const SlotTable& table);

}  // namespace knear
