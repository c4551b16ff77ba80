// 4-bit codes against the small tables of queries, by byte shuffles: a table of sixteen bytes is a register, and one
// instruction looks up many codes in it. See André, Kermarrec, Le Scouarnec: "Cache locality is not enough:
// high-performance nearest neighbor search with product quantization fast scan", PVLDB 9, 2015, and "Accelerated
// nearest neighbor search with Quick ADC", ICMR 2017.

// Vectors that make a group of 32 codes.
constexpr size_t kGroupVectors = kLookupRows / Bytes::lanes;
constexpr size_t kTableBytes = 32;  // of one query and plane
// One query goes at the speed of memory, which fetches faster what it is told of this many bytes ahead.
constexpr size_t kCodesAhead = 2048;

// Sums of a group's rows, in bytes.
struct ByteSums {
  Bytes::B part[kGroupVectors];
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

// totals[q] += the sums of `count` planes, made in bytes: of some rows under each query. The planes' nibbles stay in
// registers while the queries pass.
template <size_t count, size_t queries>
[[gnu::always_inline]] inline void add_run(const LookupJob& job, const uint8_t* codes, const uint8_t* tables,
                                           Bytes::Wide (&totals)[queries]) {
  Bytes::B low[count];
  Bytes::B high[count];
  for (size_t p = 0; p < count; ++p, codes += kLookupRows) {
    if constexpr (queries == 1) __builtin_prefetch(codes + kCodesAhead);
    const Bytes::B both = Bytes::load(codes);
    low[p] = Bytes::low_nibbles(both);
    high[p] = Bytes::high_nibbles(both);
  }
  for (size_t q = 0; q < queries; ++q) {
    const uint8_t* table = tables + q * job.planes * kTableBytes;
    Bytes::B sum{};
    for (size_t p = 0; p < count; ++p, table += kTableBytes) {
      const Bytes::B two =
          Bytes::add(Bytes::lookup(Bytes::table(table), low[p]), Bytes::lookup(Bytes::table(table + 16), high[p]));
      sum = p == 0 ? two : Bytes::add(sum, two);
    }
    totals[q] = Bytes::add_wide(totals[q], sum);
  }
}

// The same for any number of planes, of one group: runs of planes in bytes, then on in 16 bits.
template <size_t queries>
[[gnu::always_inline]] inline LookupHit* many_planes(const LookupJob& job, size_t query, size_t group,
                                                     LookupHit* hits) {
  const uint8_t* tables = job.tables + query * job.planes * kTableBytes;
  uint32_t rows[queries] = {};
  for (size_t v = 0; v < kGroupVectors; ++v) {
    const uint8_t* codes = job.codes + static_cast<ptrdiff_t>(group) * job.stride + v * Bytes::lanes;
    Bytes::Wide totals[queries];
    for (size_t q = 0; q < queries; ++q) totals[q] = Bytes::Wide{};
    size_t plane = 0;
    for (; plane + kLookupRun <= job.planes; plane += kLookupRun)
      add_run<kLookupRun>(job, codes + plane * kLookupRows, tables + plane * kTableBytes, totals);
    for (; plane < job.planes; ++plane)
      add_run<1>(job, codes + plane * kLookupRows, tables + plane * kTableBytes, totals);
    for (size_t q = 0; q < queries; ++q)
      rows[q] |= Bytes::below_wide(totals[q], job.bounds[query + q]) << v * (Bytes::lanes % 32);
  }
  for (size_t q = 0; q < queries; ++q) hits = append_rows(rows[q], query + q, group, hits);
  return hits;
}

// All groups under `queries` queries, then the queries that are left by half as many.
template <size_t queries>
LookupHit* look_up_few(const LookupJob& job, size_t query, LookupHit* hits) {
  constexpr size_t groups = queries > 1 ? 2 : 1;  // one stream for one query
  for (; query + queries <= job.queries; query += queries) {
    size_t g = 0;
    for (; g + groups <= job.groups; g += groups) hits = few_planes<queries, groups>(job, query, g, hits);
    if (g < job.groups) hits = few_planes<queries, 1>(job, query, g, hits);
  }
  if constexpr (queries > 1) return look_up_few<queries / 2>(job, query, hits);
  return hits;
}

template <size_t queries>
LookupHit* look_up_many(const LookupJob& job, size_t query, LookupHit* hits) {
  for (; query + queries <= job.queries; query += queries)
    for (size_t g = 0; g < job.groups; ++g) hits = many_planes<queries>(job, query, g, hits);
  if constexpr (queries > 1) return look_up_many<queries / 2>(job, query, hits);
  return hits;
}

// Sixteen rows at a time, unless none of them is asked for. Low and high nibbles are summed apart, since additions wait
// for each other.
void lookup_sums(const uint8_t* group, size_t planes, const float* tables, uint32_t rows, float* out) {
  constexpr size_t at_once = 16;
  constexpr size_t vectors = at_once / V::lanes;
  for (size_t first = 0; first < kLookupRows; first += at_once) {
    if ((rows >> first & 0xffffu) == 0) continue;
    V::F low[vectors];
    V::F high[vectors];
    for (size_t v = 0; v < vectors; ++v) low[v] = high[v] = V::zero();
    const uint8_t* codes = group + first;
    const float* table = tables;
    for (size_t p = 0; p < planes; ++p, codes += kLookupRows, table += kTableBytes) {
      for (size_t v = 0; v < vectors; ++v) {
        low[v] = low[v] + V::look_up_low(table, codes + v * V::lanes);
        high[v] = high[v] + V::look_up_high(table + 16, codes + v * V::lanes);
      }
    }
    for (size_t v = 0; v < vectors; ++v) V::store(out + first + v * V::lanes, low[v] + high[v]);
  }
}

size_t lookup(const LookupJob* job) {
  LookupHit* const end = job->planes <= kLookupPlanes ? look_up_few<Bytes::queries>(*job, 0, job->hits)
                                                      : look_up_many<2 * Bytes::queries>(*job, 0, job->hits);
  return static_cast<size_t>(end - job->hits);
}
