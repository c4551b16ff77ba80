#include "codec/batch_filter.h"
#include "codec/decoded_scan.h"
#include "codec/filter_scan.h"

namespace knear {
namespace {

MakeFilter<BatchFilter> filters_for(const Codec& codec) {
  return [&codec](MatrixView queries) { return std::make_unique<BatchFilter>(codec, queries); };
}

}  // namespace

std::unique_ptr<Scan> make_filtered_knn(const Codec& codec, MatrixView queries, std::size_t k, const SlotTable& table) {
  return std::make_unique<FilteredKnn<BatchFilter>>(codec, filters_for(codec), queries, k, table);
}

std::unique_ptr<Scan> make_filtered_range(const Codec& codec, MatrixView queries, double radius,
                                          const SlotTable& table) {
  return std::make_unique<FilteredRange<BatchFilter>>(codec, filters_for(codec), queries, radius, table);
}

}  // namespace knear
