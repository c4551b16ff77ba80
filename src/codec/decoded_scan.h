// Scans over decoded rows: right for every codec, and the fast way for those whose codes are numbers of the row.
#pragma once

#include <memory>

#include "knear/codec.h"

namespace knear {

// L2, inner product and cosine: the float32 filter, then the canonical distance of what it lets pass.
std::unique_ptr<Scan> make_filtered_knn(const Codec& codec, MatrixView queries, std::size_t k, const SlotTable& table);
std::unique_ptr<Scan> make_filtered_range(const Codec& codec, MatrixView queries, double radius,
                                          const SlotTable& table);
// Any metric: the canonical distance of every pair.
std::unique_ptr<Scan> make_canonical_knn(const Codec& codec, MatrixView queries, std::size_t k, const SlotTable& table);
std::unique_ptr<Scan> make_canonical_range(const Codec& codec, MatrixView queries, double radius,
                                           const SlotTable& table);

// What suits the codec's metric.
std::unique_ptr<Scan> make_decoded_knn(const Codec& codec, MatrixView queries, std::size_t k, const SlotTable& table);
std::unique_ptr<Scan> make_decoded_range(const Codec& codec, MatrixView queries, double radius, const SlotTable& table);

}  // namespace knear
