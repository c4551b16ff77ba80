// Rows against one group of queries, with the threshold test in registers.
//
// Lanes are queries: a row's element is broadcast and meets V::tile_vectors vectors of queries, so that rows are
// read as they are stored and V::tile_rows x tile_vectors sums stay in registers. The depth is cut into blocks of
// at most kTileDepth, each summed from zero: the block of queries stays in the first-level cache while all rows pass,
// and the rounding error grows with the depth of a block and the number of blocks, not with the dimension.

constexpr size_t kTileQueries = V::tile_vectors * V::lanes;
static_assert(kTileQueries <= kMaxTileQueries);

// The part of the depth that is being summed.
struct DepthBlock {
  size_t first;
  size_t depth;
  bool starts;  // no sums yet
  bool ends;    // the sums become complete
};

template <size_t rows, size_t vectors>
struct TileSums {
  V::F at[rows][vectors];
};

// sums = dot products over `depth` elements of rows at x, x + stride, … with the queries of `panel`.
template <size_t rows, size_t vectors>
[[gnu::always_inline]] inline void sum_products(const float* x, size_t stride, const float* panel, size_t depth,
                                                TileSums<rows, vectors>& sums) {
  for (size_t r = 0; r < rows; ++r)
    for (size_t v = 0; v < vectors; ++v) sums.at[r][v] = V::zero();
  for (size_t j = 0; j < depth; ++j, panel += kTileQueries) {
    V::F queries[vectors];
    for (size_t v = 0; v < vectors; ++v) queries[v] = V::load(panel + v * V::lanes);
    for (size_t r = 0; r < rows; ++r) {
      const V::F element = V::splat(x[r * stride + j]);
      for (size_t v = 0; v < vectors; ++v) sums.at[r][v] = V::fma(element, queries[v], sums.at[r][v]);
    }
  }
}

template <size_t rows, size_t vectors>
[[gnu::always_inline]] inline void add_stored(const float* scratch, TileSums<rows, vectors>& sums) {
  for (size_t r = 0; r < rows; ++r)
    for (size_t v = 0; v < vectors; ++v)
      sums.at[r][v] = sums.at[r][v] + V::load(scratch + r * kTileQueries + v * V::lanes);
}

template <size_t rows, size_t vectors>
[[gnu::always_inline]] inline void store_sums(const TileSums<rows, vectors>& sums, float* scratch) {
  for (size_t r = 0; r < rows; ++r)
    for (size_t v = 0; v < vectors; ++v) V::store(scratch + r * kTileQueries + v * V::lanes, sums.at[r][v]);
}

// The pairs that the limit does not rule out.
[[gnu::always_inline]] inline V::Mask passing(V::F dot, float row_bias, const TileJob& job, size_t v) {
  const V::F value = V::fma(V::splat(row_bias), V::load(job.query_bias + v * V::lanes), dot);
  return V::not_greater(value, V::load(job.limit + v * V::lanes));
}

template <size_t rows, size_t vectors>
[[gnu::always_inline]] inline bool any_passes(const TileJob& job, size_t row, const TileSums<rows, vectors>& sums) {
  V::Mask found = passing(sums.at[0][0], job.row_bias[row], job, 0);
  for (size_t r = 0; r < rows; ++r)
    for (size_t v = 0; v < vectors; ++v)
      found = V::either(found, passing(sums.at[r][v], job.row_bias[row + r], job, v));
  return V::any(found);
}

// Appends the hits of `rows` rows whose dot products lie in scratch. Rare, so kept out of the way.
template <size_t vectors>
[[gnu::noinline]] TileHit* append_hits(const TileJob& job, size_t row, size_t rows, TileHit* hits) {
  for (const size_t end = row + rows; row < end; ++row) {
    const float* dots = job.scratch + row * kTileQueries;
    for (size_t v = 0; v < vectors; ++v) {
      uint32_t found = V::bits(passing(V::load(dots + v * V::lanes), job.row_bias[row], job, v));
      for (; found != 0; found &= found - 1) {
        const size_t query = v * V::lanes + static_cast<size_t>(__builtin_ctz(found));
        *hits++ = {static_cast<uint32_t>(row), static_cast<uint32_t>(query), dots[query]};
      }
    }
  }
  return hits;
}

// Fetches this part of the rows that come next while these are computed with.
template <size_t rows>
[[gnu::always_inline]] inline void fetch_next(const TileJob& job, const DepthBlock& block, size_t row) {
  constexpr size_t line = 64 / sizeof(float);
  const float* next = job.next_rows + row * job.row_stride + block.first;
  for (size_t r = 0; r < rows; ++r, next += job.row_stride)
    for (size_t j = 0; j < block.depth; j += line) __builtin_prefetch(next + j);
}

// Sums one block of the depth for the rows from `row` on, `rows` at a time; the remainder goes by smaller steps.
template <size_t rows, size_t vectors>
TileHit* tile_block(const TileJob& job, const DepthBlock& block, size_t row, TileHit* hits) {
  const float* panel = job.queries + block.first * kTileQueries;
  for (; row + rows <= job.count; row += rows) {
    if (job.next_rows) fetch_next<rows>(job, block, row);
    TileSums<rows, vectors> sums;
    float* scratch = job.scratch + row * kTileQueries;
    sum_products(job.rows + row * job.row_stride + block.first, job.row_stride, panel, block.depth, sums);
    if (!block.starts) add_stored(scratch, sums);
    if (!block.ends) {
      store_sums(sums, scratch);
    } else if (any_passes(job, row, sums)) {
      store_sums(sums, scratch);
      hits = append_hits<vectors>(job, row, rows, hits);
    }
  }
  if constexpr (rows > 1) {
    if (row < job.count) hits = tile_block<rows / 2, vectors>(job, block, row, hits);
  }
  return hits;
}

// The fewest blocks, about equal: whole cache lines of at most kTileDepth elements.
size_t block_depth(size_t dim) {
  const size_t blocks = (dim + kTileDepth - 1) / kTileDepth;
  return (dim + 16 * blocks - 1) / (16 * blocks) * 16;
}

// The first `vectors` vectors of the group. What it needs less than all of them goes into more rows at a time.
template <size_t vectors>
size_t tile_of(const TileJob& job) {
  if constexpr (vectors > 1) {
    if (job.query_count <= vectors / 2 * V::lanes) return tile_of<vectors / 2>(job);
  }
  TileHit* hits = job.hits;
  const size_t most = block_depth(job.dim);
  size_t first = 0;
  do {
    const size_t left = job.dim - first;
    const DepthBlock block{first, left < most ? left : most, first == 0, left <= most};
    hits = tile_block<V::tile_rows*(V::tile_vectors / vectors), vectors>(job, block, 0, hits);
    first += block.depth;
  } while (first < job.dim);
  return static_cast<size_t>(hits - job.hits);
}

size_t tile(const TileJob* job) { return tile_of<V::tile_vectors>(*job); }
