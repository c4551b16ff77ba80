// Hits into the order of results.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "knear/hit.h"

namespace knear {

// Ascending by (distance, id). No NaN. Long lists go by radix, whose time does not depend on guessed branches.
void sort_hits(std::span<Hit> hits);

// Keeps the k smallest, ascending.
void keep_nearest(std::vector<Hit>& hits, std::size_t k);

}  // namespace knear
