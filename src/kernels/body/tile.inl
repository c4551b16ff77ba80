// Rows against one group of queries, with the threshold test in registers.
//
// Lanes are queries: a row's element is broadcast and meets V::tile_vectors vectors of queries, so that rows are
// read as they are stored and V::tile_rows x tile_vectors sums stay in registers. The depth is cut into blocks of
// kTileDepth, each summed from zero: the block of queries stays in the first-level cache while all rows pass, and
// the rounding error grows with the depth of a block and the number of blocks, not with the dimension.

constexpr size_t kTileQueries = V::tile_vectors * V::lanes;
static_assert(kTileQueries <= kMaxTileQueries);

// The part of the depth that is being summed.
struct DepthBlock {
  size_t first;
  size_t depth;
  bool starts;  // no sums yet
  bool ends;    // the sums become complete
};

template <size_t rows>
struct TileSums {
  V::F at[rows][V::tile_vectors];
};

// sums = dot products over `depth` elements of rows at x, x + stride, … with the queries of `panel`.
template <size_t rows>
[[gnu::always_inline]] inline void sum_products(const float* x, size_t stride, const float* panel, size_t depth,
                                                TileSums<rows>& sums) {
  for (size_t r = 0; r < rows; ++r)
    for (size_t v = 0; v < V::tile_vectors; ++v) sums.at[r][v] = V::zero();
  for (size_t j = 0; j < depth; ++j, panel += kTileQueries) {
    V::F queries[V::tile_vectors];
    for (size_t v = 0; v < V::tile_vectors; ++v) queries[v] = V::load(panel + v * V::lanes);
    for (size_t r = 0; r < rows; ++r) {
      const V::F element = V::splat(x[r * stride + j]);
      for (size_t v = 0; v < V::tile_vectors; ++v) sums.at[r][v] = V::fma(element, queries[v], sums.at[r][v]);
    }
  }
}

template <size_t rows>
[[gnu::always_inline]] inline void add_stored(const float* scratch, TileSums<rows>& sums) {
  for (size_t r = 0; r < rows; ++r)
    for (size_t v = 0; v < V::tile_vectors; ++v)
      sums.at[r][v] = sums.at[r][v] + V::load(scratch + r * kTileQueries + v * V::lanes);
}

template <size_t rows>
[[gnu::always_inline]] inline void store_sums(const TileSums<rows>& sums, float* scratch) {
  for (size_t r = 0; r < rows; ++r)
    for (size_t v = 0; v < V::tile_vectors; ++v) V::store(scratch + r * kTileQueries + v * V::lanes, sums.at[r][v]);
}

// The pairs that the limit does not rule out.
[[gnu::always_inline]] inline V::Mask passing(V::F dot, float row_bias, const TileJob& job, size_t v) {
  const V::F value = V::fma(V::splat(row_bias), V::load(job.query_bias + v * V::lanes), dot);
  return V::not_greater(value, V::load(job.limit + v * V::lanes));
}

template <size_t rows>
[[gnu::always_inline]] inline bool any_passes(const TileJob& job, size_t row, const TileSums<rows>& sums) {
  V::Mask found = passing(sums.at[0][0], job.row_bias[row], job, 0);
  for (size_t r = 0; r < rows; ++r)
    for (size_t v = 0; v < V::tile_vectors; ++v)
      found = V::either(found, passing(sums.at[r][v], job.row_bias[row + r], job, v));
  return V::any(found);
}

// Appends the hits of `rows` rows whose dot products lie in scratch. Rare, so kept out of the way.
[[gnu::noinline]] TileHit* append_hits(const TileJob& job, size_t row, size_t rows, TileHit* hits) {
  for (const size_t end = row + rows; row < end; ++row) {
    const float* dots = job.scratch + row * kTileQueries;
    for (size_t v = 0; v < V::tile_vectors; ++v) {
      uint32_t found = V::bits(passing(V::load(dots + v * V::lanes), job.row_bias[row], job, v));
      for (; found != 0; found &= found - 1) {
        const size_t query = v * V::lanes + static_cast<size_t>(__builtin_ctz(found));
        *hits++ = {static_cast<uint32_t>(row), static_cast<uint32_t>(query), dots[query]};
      }
    }
  }
  return hits;
}

// Sums one block of the depth for the rows from `row` on, `rows` at a time; the remainder goes by smaller steps.
template <size_t rows>
TileHit* tile_block(const TileJob& job, const DepthBlock& block, size_t row, TileHit* hits) {
  const float* panel = job.queries + block.first * kTileQueries;
  for (; row + rows <= job.count; row += rows) {
    TileSums<rows> sums;
    float* scratch = job.scratch + row * kTileQueries;
    sum_products(job.rows + row * job.row_stride + block.first, job.row_stride, panel, block.depth, sums);
    if (!block.starts) add_stored(scratch, sums);
    if (!block.ends) {
      store_sums(sums, scratch);
    } else if (any_passes(job, row, sums)) {
      store_sums(sums, scratch);
      hits = append_hits(job, row, rows, hits);
    }
  }
  if constexpr (rows > 1) {
    if (row < job.count) hits = tile_block<rows / 2>(job, block, row, hits);
  }
  return hits;
}

size_t tile(const TileJob* job) {
  TileHit* hits = job->hits;
  size_t first = 0;
  do {
    const size_t left = job->dim - first;
    const DepthBlock block{first, left < kTileDepth ? left : kTileDepth, first == 0, left <= kTileDepth};
    hits = tile_block<V::tile_rows>(*job, block, 0, hits);
    first += block.depth;
  } while (first < job->dim);
  return static_cast<size_t>(hits - job->hits);
}
