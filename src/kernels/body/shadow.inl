// Rows of bytes against one group of queries: whole numbers are summed, and the test is in float32.
//
// Lanes are queries, as in the tile of floats: four elements of a row are broadcast and meet four of each query. Sums
// that have only 16 bits go into those of 32 bits after each run of steps.

constexpr size_t kShadowStep = 4;  // elements that meet at once
// Elements of the depth that all rows pass over before the next ones: the group's part stays in the first-level cache.
constexpr size_t kShadowDepth = 1024;
constexpr size_t kShadowRun = Dots::run ? Dots::run * kShadowStep : kShadowDepth;
static_assert(kShadowDepth % kShadowRun == 0);

// The group's words at element j: behind the start words of its run.
const int32_t* shadow_words(const ShadowJob& job, size_t j) {
  const size_t starts = Dots::run ? j / kShadowRun : 0;
  return job.queries + (j / kShadowStep + starts) * kTileQueries;
}

template <size_t rows, size_t vectors>
[[gnu::always_inline]] inline void sum_steps(const uint8_t* x, size_t stride, const int32_t* words, size_t steps,
                                             Dots::Sum (&sums)[rows][vectors]) {
  for (const uint8_t* end = x + steps * kShadowStep; x != end; x += kShadowStep, words += kTileQueries) {
    Dots::Lanes lanes[vectors];
    for (size_t v = 0; v < vectors; ++v) lanes[v] = Dots::load(words + v * V::lanes);
    for (size_t r = 0; r < rows; ++r) {
      const Dots::Lanes four = Dots::splat(x + r * stride);
      for (size_t v = 0; v < vectors; ++v) sums[r][v] = Dots::add(sums[r][v], four, lanes[v]);
    }
  }
}

// Adds the elements [first, end) of `rows` rows at x to the sums in `totals`; from zero when first is.
template <size_t rows, size_t vectors>
[[gnu::always_inline]] inline void sum_depth(const ShadowJob& job, const uint8_t* x, size_t first, size_t end,
                                             int32_t* totals) {
  for (size_t j = first; j < end; j += kShadowRun) {
    const int32_t* words = shadow_words(job, j);
    Dots::Sum sums[rows][vectors];
    if (j == 0 || Dots::run != 0) {
      for (size_t v = 0; v < vectors; ++v) {
        sums[0][v] = Dots::start(words + v * V::lanes);
        for (size_t r = 1; r < rows; ++r) sums[r][v] = sums[0][v];
      }
      words += kTileQueries;
    } else {
      for (size_t r = 0; r < rows; ++r)
        for (size_t v = 0; v < vectors; ++v) sums[r][v] = Dots::none();
      words += kTileQueries;
    }
    const size_t left = end - j;
    sum_steps<rows, vectors>(x + j, job.stride, words, (left < kShadowRun ? left : kShadowRun) / kShadowStep, sums);
    for (size_t r = 0; r < rows; ++r)
      for (size_t v = 0; v < vectors; ++v) Dots::put(sums[r][v], totals + r * kTileQueries + v * V::lanes, j != 0);
  }
}

// One by one: compilers copy the whole to the stack first.
[[gnu::always_inline]] inline ShadowFactors factors_of(const ShadowJob& job, size_t row) {
  const uint8_t* at = job.rows + row * job.stride + job.dim;
  ShadowFactors factors;
  __builtin_memcpy(&factors.step, at, sizeof factors.step);
  __builtin_memcpy(&factors.weight, at + offsetof(ShadowFactors, weight), sizeof factors.weight);
  __builtin_memcpy(&factors.error, at + offsetof(ShadowFactors, error), sizeof factors.error);
  return factors;
}

// The pairs that are not below the limit.
[[gnu::always_inline]] inline V::Mask not_below(V::F dot, const ShadowFactors& row, const ShadowJob& job, size_t v) {
  const size_t lane = v * V::lanes;
  V::F value = V::fma(V::splat(row.weight), V::load(job.weight + lane), dot * V::splat(row.step));
  value = V::fma(V::splat(row.error), V::load(job.error + lane), value);
  return V::not_greater(V::load(job.limit + lane), value);
}

// Of the rows behind `row` whose bits are set.
template <size_t vectors>
[[gnu::noinline]] ShadowHit* append_shadow_hits(const ShadowJob& job, size_t row, uint32_t rows, const int32_t* totals,
                                                ShadowHit* hits) {
  for (; rows != 0; rows &= rows - 1) {
    const auto r = static_cast<size_t>(__builtin_ctz(rows));
    const ShadowFactors factors = factors_of(job, row + r);
    const int32_t* dots = totals + r * kTileQueries;
    for (size_t v = 0; v < vectors; ++v) {
      uint32_t found = V::bits(not_below(Dots::numbers(dots + v * V::lanes), factors, job, v));
      for (; found != 0; found &= found - 1) {
        const size_t query = v * V::lanes + static_cast<size_t>(__builtin_ctz(found));
        *hits++ = {static_cast<uint32_t>(row + r), static_cast<uint32_t>(query), dots[query]};
      }
    }
  }
  return hits;
}

// One part of the depth for the rows from `row` on, `rows` at a time; the remainder goes by smaller steps.
template <size_t rows, size_t vectors>
[[gnu::noinline]] ShadowHit* shadow_rows_of(const ShadowJob& job, size_t first, size_t end, size_t row,
                                            ShadowHit* hits) {
  const bool whole = job.dim <= kShadowDepth;
  for (; row + rows <= job.count; row += rows) {
    if (job.next_rows && first == 0) {
      const uint8_t* next = job.next_rows + row * job.stride;
      for (size_t b = 0; b < rows * job.stride; b += 64) __builtin_prefetch(next + b);
    }
    int32_t* totals = job.scratch + (whole ? 0 : row * kTileQueries);
    sum_depth<rows, vectors>(job, job.rows + row * job.stride, first, end, totals);
    if (end < job.dim) continue;
    uint32_t found = 0;
    for (size_t r = 0; r < rows; ++r) {
      const ShadowFactors factors = factors_of(job, row + r);
      V::Mask any = not_below(Dots::numbers(totals + r * kTileQueries), factors, job, 0);
      for (size_t v = 1; v < vectors; ++v)
        any = V::either(any, not_below(Dots::numbers(totals + r * kTileQueries + v * V::lanes), factors, job, v));
      found |= (V::any(any) ? 1u : 0u) << r;
    }
    if (found != 0) hits = append_shadow_hits<vectors>(job, row, found, totals, hits);
  }
  if constexpr (rows > 1) {
    if (row < job.count) return shadow_rows_of<rows / 2, vectors>(job, first, end, row, hits);
  }
  return hits;
}

// The first `vectors` vectors of the group.
template <size_t vectors>
size_t shadow_tile_of(const ShadowJob& job) {
  if constexpr (vectors > 1) {
    if (job.query_count <= vectors / 2 * V::lanes) return shadow_tile_of<vectors / 2>(job);
  }
  constexpr size_t rows = V::tile_rows * (V::tile_vectors / vectors);
  ShadowHit* hits = job.hits;
  for (size_t first = 0; first < job.dim; first += kShadowDepth) {
    const size_t end = job.dim - first < kShadowDepth ? job.dim : first + kShadowDepth;
    hits = shadow_rows_of<rows, vectors>(job, first, end, 0, hits);
  }
  return static_cast<size_t>(hits - job.hits);
}

size_t shadow_tile(const ShadowJob* job) { return shadow_tile_of<V::tile_vectors>(*job); }

int32_t shadow_dot(const uint8_t* row, const int8_t* coarse, const int8_t* fine, int32_t start, size_t dim) {
  return Dots::sum_of(row, coarse, fine, dim, start);
}

// The values of four rows.
[[gnu::always_inline]] inline void stream_four(const ShadowStreamJob& job, const size_t (&rows)[4]) {
  const uint8_t* const at[4] = {job.rows + rows[0] * job.stride, job.rows + rows[1] * job.stride,
                                job.rows + rows[2] * job.stride, job.rows + rows[3] * job.stride};
  int32_t dots[4];
  Dots::sums_of(at, job.codes, job.dim, job.start, dots);
#pragma GCC unroll 4
  for (size_t r = 0; r < 4; ++r) {
    ShadowFactors factors;
    __builtin_memcpy(&factors, at[r] + job.dim, sizeof factors);
    const float value = static_cast<float>(dots[r]) * factors.step + factors.weight * job.weight;
    job.values[rows[r]] = -(value + factors.error * job.error);
  }
}

// What lies this many bytes ahead is fetched: of few rows, the processor would not do it in time.
constexpr size_t kShadowsAhead = 4096;

void shadow_stream(const ShadowStreamJob* job) {
  size_t i = 0;
  for (; i + 4 <= job->count; i += 4) {
    const uint8_t* const ahead = job->rows + i * job->stride + kShadowsAhead;
    for (size_t b = 0; b < 4 * job->stride; b += 64) __builtin_prefetch(ahead + b);
    stream_four(*job, {i, i + 1, i + 2, i + 3});
  }
  for (; i < job->count; ++i) stream_four(*job, {i, i, i, i});
}

constexpr ShadowTable shadow_kernels() {
  return {Dots::run, Dots::most, Dots::pays, shadow_tile, shadow_stream, shadow_dot};
}
