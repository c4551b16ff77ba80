// Scans over codes of bits, whose distance to a query is the number of bits in which the query's own code differs.
#pragma once

#include <memory>

#include "knear/codec.h"

namespace knear {

std::unique_ptr<Scan> make_hamming_knn(const Codec& codec, MatrixView queries, std::size_t k, const SlotTable& table);
std::unique_ptr<Scan> make_hamming_range(const Codec& codec, MatrixView queries, double radius, const SlotTable& table);
// Encodes the queries once for all scans of them.
std::unique_ptr<PreparedQueries> prepare_hamming(const Codec& codec, MatrixView queries);
std::unique_ptr<CodeRanker> make_hamming_ranker(const Codec& codec, MatrixView queries);

}  // namespace knear
