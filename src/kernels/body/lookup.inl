// 4-bit codes against the small tables of queries, by byte shuffles: a table of sixteen bytes is a register, and one
// instruction looks up many codes in it. See André, Kermarrec, Le Scouarnec: "Cache locality is not enough:
// high-performance nearest neighbor search with product quantization fast scan", PVLDB 9, 2015, and "Accelerated
// nearest neighbor search with Quick ADC", ICMR 2017.

// Vectors that make a group of 32 codes.
constexpr size_t kGroupVectors = kLookupRows / Bytes::lanes;
constexpr size_t kTableBytes = 32;  // of one query and plane
// One query goes at the speed of memory, which fetches faster what it is told of this many bytes ahead.
constexpr size_t kCodesAhead = 2048;

// Sums of a group's rows, at first in bytes and then, where there are more planes than those hold, in 16 bits.
struct ByteSums {
  Bytes::B part[kGroupVectors];
};
struct WideSums {
  Bytes::Wide part[kGroupVectors];
};

// Adds what some planes say: sums[q][g] of group g under query q.
template <size_t queries, size_t groups>
[[gnu::always_inline]] inline void add_planes(const LookupJob& job, const uint8_t* codes, const uint8_t* tables,
                                              size_t planes, ByteSums (&sums)[queries][groups]) {
  const size_t all_tables = job.planes * kTableBytes;
  for (size_t p = 0; p < planes; ++p, codes += kLookupRows, tables += kTableBytes) {
    for (size_t v = 0; v < kGroupVectors; ++v) {
      Bytes::B low[groups];
      Bytes::B high[groups];
      for (size_t g = 0; g < groups; ++g) {
        const uint8_t* at = codes + static_cast<ptrdiff_t>(g) * job.stride + v * Bytes::lanes;
        if constexpr (queries == 1) __builtin_prefetch(at + kCodesAhead);
        const Bytes::B both = Bytes::load(at);
        low[g] = Bytes::low_nibbles(both);
        high[g] = Bytes::high_nibbles(both);
      }
      for (size_t q = 0; q < queries; ++q) {
        const Bytes::B of_low = Bytes::table(tables + q * all_tables);
        const Bytes::B of_high = Bytes::table(tables + q * all_tables + 16);
        for (size_t g = 0; g < groups; ++g) {
          const Bytes::B two = Bytes::add(Bytes::lookup(of_low, low[g]), Bytes::lookup(of_high, high[g]));
          sums[q][g].part[v] = Bytes::add(sums[q][g].part[v], two);
        }
      }
    }
  }
}

// Appends the rows of the group whose bits are set, if there are any.
[[gnu::always_inline]] inline LookupHit* append_rows(uint32_t rows, size_t query, size_t group, LookupHit* hits) {
  if (rows == 0) return hits;
  *hits = {static_cast<uint32_t>(query), static_cast<uint32_t>(group), rows};
  return hits + 1;
}

[[gnu::always_inline]] inline uint32_t rows_below(const ByteSums& sums, uint16_t bound) {
  uint32_t rows = 0;
  for (size_t v = 0; v < kGroupVectors; ++v)
    rows |= Bytes::below(sums.part[v], static_cast<uint8_t>(bound)) << v * (Bytes::lanes % 32);
  return rows;
}

[[gnu::always_inline]] inline uint32_t rows_below(const WideSums& sums, uint16_t bound) {
  uint32_t rows = 0;
  for (size_t v = 0; v < kGroupVectors; ++v) rows |= Bytes::below_wide(sums.part[v], bound) << v * (Bytes::lanes % 32);
  return rows;
}

template <class Sums, size_t queries, size_t groups>
[[gnu::always_inline]] inline void clear(Sums (&sums)[queries][groups]) {
  for (size_t q = 0; q < queries; ++q)
    for (size_t g = 0; g < groups; ++g) sums[q][g] = Sums{};
}

// Some groups under some queries, whose sums stay in registers.
template <size_t queries, size_t groups>
[[gnu::always_inline]] inline LookupHit* few_planes(const LookupJob& job, size_t query, size_t group, LookupHit* hits) {
  const uint8_t* codes = job.codes + static_cast<ptrdiff_t>(group) * job.stride;
  ByteSums sums[queries][groups];
  clear(sums);
  add_planes(job, codes, job.tables + query * job.planes * kTableBytes, job.planes, sums);
  for (size_t q = 0; q < queries; ++q)
    for (size_t g = 0; g < groups; ++g)
      hits = append_rows(rows_below(sums[q][g], job.bounds[query + q]), query + q, group + g, hits);
  return hits;
}

// The same for any number of planes: every job.run of them in bytes, then on in 16 bits.
template <size_t queries, size_t groups>
[[gnu::always_inline]] inline LookupHit* many_planes(const LookupJob& job, size_t query, size_t group,
                                                     LookupHit* hits) {
  const uint8_t* codes = job.codes + static_cast<ptrdiff_t>(group) * job.stride;
  const uint8_t* tables = job.tables + query * job.planes * kTableBytes;
  WideSums totals[queries][groups];
  clear(totals);
  for (size_t first = 0; first < job.planes; first += job.run) {
    const size_t left = job.planes - first;
    ByteSums sums[queries][groups];
    clear(sums);
    add_planes(job, codes + first * kLookupRows, tables + first * kTableBytes,
               left < job.run ? left : job.run, sums);
    for (size_t q = 0; q < queries; ++q)
      for (size_t g = 0; g < groups; ++g)
        for (size_t v = 0; v < kGroupVectors; ++v)
          totals[q][g].part[v] = Bytes::add_wide(totals[q][g].part[v], sums[q][g].part[v]);
  }
  for (size_t q = 0; q < queries; ++q)
    for (size_t g = 0; g < groups; ++g)
      hits = append_rows(rows_below(totals[q][g], job.bounds[query + q]), query + q, group + g, hits);
  return hits;
}

// All groups under `queries` queries, then the queries that are left by half as many.
template <bool few, size_t queries>
LookupHit* look_up(const LookupJob& job, size_t query, LookupHit* hits) {
  constexpr size_t groups = queries > 1 ? 2 : 1;  // one stream for one query
  for (; query + queries <= job.queries; query += queries) {
    size_t g = 0;
    for (; g + groups <= job.groups; g += groups) {
      if constexpr (few) {
        hits = few_planes<queries, groups>(job, query, g, hits);
      } else {
        hits = many_planes<queries, groups>(job, query, g, hits);
      }
    }
    if (g == job.groups) continue;
    if constexpr (few) {
      hits = few_planes<queries, 1>(job, query, g, hits);
    } else {
      hits = many_planes<queries, 1>(job, query, g, hits);
    }
  }
  if constexpr (queries > 1) return look_up<few, queries / 2>(job, query, hits);
  return hits;
}

size_t lookup(const LookupJob* job) {
  LookupHit* const end = job->planes <= job->run ? look_up<true, Bytes::queries>(*job, 0, job->hits)
                                                      : look_up<false, Bytes::queries>(*job, 0, job->hits);
  return static_cast<size_t>(end - job->hits);
}
