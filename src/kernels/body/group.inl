// How many packed vectors make a group: as many as a tile has lanes.
constexpr size_t kTileQueries = V::tile_vectors * V::lanes;
static_assert(kTileQueries <= kMaxTileQueries);
