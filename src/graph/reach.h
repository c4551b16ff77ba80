// Which vertices a graph has, and that a walk may get to each of them.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "graph/walk_view.h"

namespace knear {

// The vertices that have edges of their own: not apart, and not behind another of the same code. Ascending.
std::vector<Vertex> vertices_of(const Links& links);

// Gives vertices that no path leads to from the entry, on the lowest level, an edge from a near one that has room.
// `before(v)` is called before the edges of v change.
void lead_to_all(Walk& walk, Links& links, const std::function<void(Vertex)>& before);

}  // namespace knear
