// Rows against one group of queries, with the threshold test in registers.

// The pairs that the limit does not rule out.
[[gnu::always_inline]] inline V::Mask passing(V::F dot, float row_bias, const TileJob& job, size_t v) {
  const V::F value = V::fma(V::splat(row_bias), V::load(job.query_bias + v * V::lanes), dot);
  return V::not_greater(value, V::load(job.limit + v * V::lanes));
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

// Keeps what passes.
struct HitsEnd {
  const TileJob& job;
  TileHit* hits;

  template <size_t rows, size_t vectors>
  [[gnu::always_inline]] inline void take(size_t row, const TileSums<rows, vectors>& sums) {
    V::Mask found = passing(sums.at[0][0], job.row_bias[row], job, 0);
    for (size_t r = 0; r < rows; ++r)
      for (size_t v = 0; v < vectors; ++v)
        found = V::either(found, passing(sums.at[r][v], job.row_bias[row + r], job, v));
    if (!V::any(found)) return;
    store_sums(sums, job.scratch + row * kTileQueries);
    hits = append_hits<vectors>(job, row, rows, hits);
  }
};

// The first `vectors` vectors of the group.
template <size_t vectors>
size_t tile_of(const TileJob& job) {
  if constexpr (vectors > 1) {
    if (job.query_count <= vectors / 2 * V::lanes) return tile_of<vectors / 2>(job);
  }
  HitsEnd end{job, job.hits};
  const Operands all{job.rows, job.row_stride, job.count, job.dim, job.next_rows, job.queries, job.scratch};
  sum_all<vectors>(all, end);
  return static_cast<size_t>(end.hits - job.hits);
}

size_t tile(const TileJob* job) { return tile_of<V::tile_vectors>(*job); }
