// Sums of one number of each of several lists, the smallest first: the multi-sequence algorithm of Babenko, Lempitsky:
// "The inverted multi-index", CVPR 2012, for any number of lists.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <queue>
#include <span>
#include <vector>

#include "knear/hit.h"

namespace knear {

// One thread uses it.
class AscendingSums {
 public:
  // Lists of 2^bits numbers each; lists * bits <= 32.
  AscendingSums(std::size_t lists, std::size_t bits);

  // values[l * 2^bits + i] is number i of list l. They live until the last call of next().
  void start(std::span<const double> values);
  // The next sum; its id has the position in list l at the bits from l * bits on. None after all.
  std::optional<Hit> next();

 private:
  // Ranks instead of positions: where the numbers would stand if their lists were sorted.
  struct Node {
    double sum;
    std::uint32_t ranks;
    // The top of a heap is the smallest.
    friend bool operator<(const Node& a, const Node& b) noexcept {
      return a.sum > b.sum || (a.sum == b.sum && a.ranks > b.ranks);
    }
  };

  std::size_t rank_of(std::uint32_t ranks, std::size_t list) const noexcept {
    return ranks >> (list * bits_) & (each_ - 1);
  }
  void sort_up_to(std::size_t list, std::size_t rank);
  void push(std::uint32_t ranks);
  Hit hit_of(const Node& node) const;

  std::size_t lists_;
  std::size_t bits_;
  std::size_t each_;
  std::span<const double> values_;
  std::vector<std::uint32_t> order_;  // of each list, ascending as far as sorted_ says
  std::vector<std::size_t> sorted_;
  std::vector<Node> heap_;
};

}  // namespace knear
