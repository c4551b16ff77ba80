// Codes of bits with factors of their own against the tables of queries: the sums of lookup.inl, but in full, as an
// affine function of them, which is each row's own, decides.

// Adds what `count` planes from `plane` on say, at most kEstimatePlanes of them, which a byte holds.
template <size_t count, size_t queries>
[[gnu::always_inline]] inline void add_estimate_planes(const EstimateJob& job, const uint8_t* codes,
                                                       const uint8_t* tables, size_t plane,
                                                       Bytes::Sums (&sums)[queries]) {
  Bytes::B low[count];
  Bytes::B high[count];
  for (size_t p = 0; p < count; ++p) {
    const Bytes::B both = Bytes::load(codes + (plane + p) * kLookupRows);
    low[p] = Bytes::low_nibbles(both);
    high[p] = Bytes::high_nibbles(both);
  }
  for (size_t q = 0; q < queries; ++q) {
    const uint8_t* table = tables + (q * job.planes + plane) * kTableBytes;
    Bytes::B sum{};
    for (size_t p = 0; p < count; ++p, table += kTableBytes) {
      const Bytes::B two =
          Bytes::add(Bytes::lookup(Bytes::table(table), low[p]), Bytes::lookup(Bytes::table(table + 16), high[p]));
      sum = p == 0 ? two : Bytes::add(sum, two);
    }
    sums[q] = Bytes::add_to(sums[q], sum);
  }
}

// values[q] = the sums of the group's rows.
template <size_t queries>
[[gnu::always_inline]] inline void sum_group(const EstimateJob& job, const uint8_t* codes, const uint8_t* tables,
                                             float (&values)[queries][kLookupRows]) {
  for (size_t v = 0; v < kGroupVectors; ++v, codes += Bytes::lanes) {
    Bytes::Sums sums[queries];
    for (size_t q = 0; q < queries; ++q) sums[q] = Bytes::Sums{};
    size_t plane = 0;
    for (; plane + kEstimatePlanes <= job.planes; plane += kEstimatePlanes)
      add_estimate_planes<kEstimatePlanes>(job, codes, tables, plane, sums);
    for (; plane < job.planes; ++plane) add_estimate_planes<1>(job, codes, tables, plane, sums);
    for (size_t q = 0; q < queries; ++q) Bytes::store(sums[q], values[q] + v * Bytes::lanes);
  }
}

template <bool with_spread>
[[gnu::always_inline]] inline V::Mask estimated(const EstimateJob& job, const EstimateQuery& query, const float* sums,
                                                size_t row) {
  const V::F sum = V::fma(V::load(sums), V::splat(query.scale), V::splat(query.offset));
  V::F value = V::fma(sum, V::load(job.row_factors + row), V::load(job.row_biases + row) + V::splat(query.bias));
  if constexpr (with_spread) value = V::fma(V::load(job.row_spreads + row), V::splat(query.spread), value);
  return V::not_greater(value, V::zero());
}

// Appends the rows of a group that pass. Rare, so kept out of the way.
template <bool with_spread>
[[gnu::noinline]] EstimateHit* append_estimates(const EstimateJob& job, size_t query, const float* sums, size_t row,
                                                EstimateHit* hits) {
  for (size_t first = 0; first < kLookupRows; first += V::lanes) {
    uint32_t found = V::bits(estimated<with_spread>(job, job.per_query[query], sums + first, row + first));
    for (; found != 0; found &= found - 1) {
      const size_t lane = first + static_cast<size_t>(__builtin_ctz(found));
      *hits++ = {static_cast<uint32_t>(query), static_cast<uint32_t>(row + lane), static_cast<uint32_t>(sums[lane])};
    }
  }
  return hits;
}

// All groups under `queries` queries, then the queries that are left by half as many.
template <bool with_spread, size_t queries>
EstimateHit* estimate_of(const EstimateJob& job, size_t query, EstimateHit* hits) {
  for (; query + queries <= job.queries; query += queries) {
    const uint8_t* tables = job.tables + query * job.planes * kTableBytes;
    for (size_t g = 0; g < job.groups; ++g) {
      alignas(64) float sums[queries][kLookupRows];
      sum_group(job, job.codes + static_cast<ptrdiff_t>(g) * job.stride, tables, sums);
      const size_t row = g * kLookupRows;
      for (size_t q = 0; q < queries; ++q) {
        V::Mask found = estimated<with_spread>(job, job.per_query[query + q], sums[q], row);
        for (size_t i = V::lanes; i < kLookupRows; i += V::lanes)
          found = V::either(found, estimated<with_spread>(job, job.per_query[query + q], sums[q] + i, row + i));
        if (V::any(found)) hits = append_estimates<with_spread>(job, query + q, sums[q], row, hits);
      }
    }
  }
  if constexpr (queries > 1) return estimate_of<with_spread, queries / 2>(job, query, hits);
  return hits;
}

size_t estimate(const EstimateJob* job) {
  EstimateHit* const end = job->row_spreads ? estimate_of<true, Bytes::queries>(*job, 0, job->hits)
                                            : estimate_of<false, Bytes::queries>(*job, 0, job->hits);
  return static_cast<size_t>(end - job->hits);
}

void f32_from_planes(const uint8_t* planes, ptrdiff_t stride, size_t groups, float* out) {
  for (size_t g = 0; g < groups; ++g, planes += stride)
    for (size_t v = 0; v < kGroupVectors; ++v)
      Bytes::interleave(planes + v * Bytes::lanes, out + g * kLookupRows + v * Bytes::lanes);
}
