#include "core/top_k.h"

namespace knear {
namespace {

// What is left of one list.
struct Rest {
  const Hit* next;
  const Hit* end;
  // Heaps of the standard library keep the largest on top; here that is the list with the nearest hit.
  friend bool operator<(const Rest& a, const Rest& b) noexcept { return *b.next < *a.next; }
};

}  // namespace

std::vector<Hit> merge_hits(std::span<const std::vector<Hit>> lists, std::size_t most) {
  std::vector<Rest> heap;
  std::size_t total = 0;
  for (const std::vector<Hit>& list : lists) {
    total += list.size();
    if (!list.empty()) heap.push_back({list.data(), list.data() + list.size()});
  }
  std::make_heap(heap.begin(), heap.end());

  std::vector<Hit> merged;
  merged.reserve(std::min(most, total));
  while (!heap.empty() && merged.size() < most) {
    std::pop_heap(heap.begin(), heap.end());
    merged.push_back(*heap.back().next++);
    if (heap.back().next == heap.back().end)
      heap.pop_back();
    else
      std::push_heap(heap.begin(), heap.end());
  }
  return merged;
}

}  // namespace knear
