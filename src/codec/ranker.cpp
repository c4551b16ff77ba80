#include "codec/ranker.h"

#include <algorithm>

#include "kernels/dispatch.h"

namespace knear {
namespace {

kernels::ExactKind exact_kind(Metric::Kind metric) {
  switch (metric) {
    case Metric::inner_product:
      return kernels::exact_inner_product;
    case Metric::l2:
      return kernels::exact_l2;
    case Metric::l1:
      return kernels::exact_l1;
    case Metric::linf:
      return kernels::exact_linf;
    case Metric::lp:
      return kernels::exact_lp;
    case Metric::canberra:
      return kernels::exact_canberra;
    case Metric::bray_curtis:
      return kernels::exact_bray_curtis;
    case Metric::jensen_shannon:
      return kernels::exact_jensen_shannon;
    case Metric::jaccard:
      return kernels::exact_jaccard;
    case Metric::nan_euclidean:
      return kernels::exact_nan_euclidean;
    case Metric::gower:
      return kernels::exact_gower;
    case Metric::cosine:
      return kernels::exact_cosine;
  }
  return kernels::exact_l2;
}

}  // namespace

Ranker::Ranker(const Codec& codec)
    : metric_(codec.metric()),
      dim_(codec.dim()),
      exact_(kernels::table().exact[exact_kind(metric_.kind)]),
      sign_(larger_is_closer(metric_) ? -1 : 1),
      reader_(codec) {}

void Ranker::distances(const float* query, std::span<const float* const> rows, double* distances) const {
  exact_(query, rows.data(), rows.size(), dim_, metric_.argument, distances);
  // + 0.0: a similarity of zero is a distance of plus zero
  for (std::size_t i = 0; i < rows.size(); ++i) distances[i] = sign_ * distances[i] + 0.0;
}

// They lie far apart: one wait for all of them instead of one for each.
void Ranker::fetch(const SlotTable& table, std::span<const Slot> slots) const {
  if (!reader_.are_floats() || slots.size() < 2) return;
  const std::size_t bytes = std::min<std::size_t>(dim_ * sizeof(float), kFetched);
  for (const Slot slot : slots) {
    const Byte* const code = table.code(slot, nullptr);
    for (std::size_t at = 0; at < bytes; at += 64) __builtin_prefetch(code + at);
  }
}

void Ranker::rank(const float* query, const SlotTable& table, std::span<const Slot> slots, std::span<Hit> hits) {
  std::array<const float*, kAtOnce> rows;
  std::array<double, kAtOnce> values;
  for (std::size_t first = 0; first < slots.size(); first += kAtOnce) {
    const std::size_t count = std::min(kAtOnce, slots.size() - first);
    fetch(table, slots.subspan(first, count));
    reader_.read(table, slots.subspan(first, count), rows.data());
    distances(query, std::span(rows).first(count), values.data());
    for (std::size_t i = 0; i < count; ++i) hits[first + i] = {values[i], table.id(slots[first + i])};
  }
}

}  // namespace knear
