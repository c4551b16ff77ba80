// The scans of the flat codec.
#pragma once

#include <memory>

#include "knear/codec.h"

namespace knear {

// L2, inner product and cosine: the float32 filter, then the canonical distance of what it lets pass.
std::unique_ptr<Scan> make_filtered_knn(Metric metric, DType dtype, MatrixView queries, std::size_t k,
                                        const SlotTable& table);
std::unique_ptr<Scan> make_filtered_range(Metric metric, DType dtype, MatrixView queries, double radius,
                                          const SlotTable& table);
// Any metric: the canonical distance of every pair.
std::unique_ptr<Scan> make_canonical_knn(Metric metric, DType dtype, MatrixView queries, std::size_t k,
                                         const SlotTable& table);
std::unique_ptr<Scan> make_canonical_range(Metric metric, DType dtype, MatrixView queries, double radius,
                                           const SlotTable& table);

}  // namespace knear
