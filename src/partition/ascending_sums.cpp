#include "partition/ascending_sums.h"

#include <algorithm>
#include <numeric>

namespace knear {

AscendingSums::AscendingSums(std::size_t lists, std::size_t bits)
    : lists_(lists), bits_(bits), each_(std::size_t{1} << bits), order_(lists * each_), sorted_(lists) {}

void AscendingSums::start(std::span<const double> values) {
  values_ = values;
  heap_.clear();
  for (std::size_t list = 0; list < lists_; ++list) {
    std::iota(order_.begin() + static_cast<std::ptrdiff_t>(list * each_),
              order_.begin() + static_cast<std::ptrdiff_t>((list + 1) * each_), 0u);
    sorted_[list] = 0;
  }
  push(0);
}

// Searches want few of many, so lists are sorted no farther than they are looked at, and a little.
void AscendingSums::sort_up_to(std::size_t list, std::size_t rank) {
  constexpr std::size_t kFirst = 16;
  if (rank < sorted_[list]) return;
  const std::size_t end = std::min(each_, std::max({kFirst, rank + 1, 4 * sorted_[list]}));
  const double* const numbers = values_.data() + list * each_;
  const auto before = [&](std::uint32_t a, std::uint32_t b) {
    return numbers[a] < numbers[b] || (numbers[a] == numbers[b] && a < b);
  };
  const auto all = order_.begin() + static_cast<std::ptrdiff_t>(list * each_);
  const auto first = all + static_cast<std::ptrdiff_t>(sorted_[list]);
  const auto last = all + static_cast<std::ptrdiff_t>(end);
  if (end < each_) std::nth_element(first, last, all + static_cast<std::ptrdiff_t>(each_), before);
  std::sort(first, last, before);
  sorted_[list] = end;
}

// Added up in the same order for all nodes, so that a larger number never makes a smaller sum.
void AscendingSums::push(std::uint32_t ranks) {
  double sum = 0;
  for (std::size_t list = 0; list < lists_; ++list) {
    const std::size_t rank = rank_of(ranks, list);
    sort_up_to(list, rank);
    sum += values_[list * each_ + order_[list * each_ + rank]];
  }
  heap_.push_back({sum, ranks});
  std::push_heap(heap_.begin(), heap_.end());
}

Hit AscendingSums::hit_of(const Node& node) const {
  std::uint32_t number = 0;
  for (std::size_t list = 0; list < lists_; ++list) {
    number |= order_[list * each_ + rank_of(node.ranks, list)] << (list * bits_);
  }
  return {node.sum, static_cast<Id>(number)};
}

// A node follows the one whose last rank that is not 0 is one less: so each is reached once, from a smaller sum.
std::optional<Hit> AscendingSums::next() {
  if (heap_.empty()) return std::nullopt;
  std::pop_heap(heap_.begin(), heap_.end());
  const Node node = heap_.back();
  heap_.pop_back();
  std::size_t last = lists_ - 1;
  while (last > 0 && rank_of(node.ranks, last) == 0) --last;
  for (std::size_t list = last; list < lists_; ++list) {
    if (rank_of(node.ranks, list) + 1 < each_) push(node.ranks + (std::uint32_t{1} << (list * bits_)));
  }
  return hit_of(node);
}

}  // namespace knear
