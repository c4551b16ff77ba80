// What an instruction set offers: plain functions behind one table, chosen once at run time.
//
// This header is compiled into every instruction-set file, so it holds data and prototypes only: an inline
// function or a template here could end up in the program in its wide form and run on an old CPU.
#pragma once

#include <stddef.h>
#include <stdint.h>

namespace knear::kernels {

// Dimensions that are summed up before the sum goes into the next partial sum. A float32 dot product of any kernel is
// off by at most (min(dim, kTileDepth) + ceil(dim / kTileDepth) + 2) * 2^-24 * 1.001 * sum |x q| + dim * 2^-149, and a
// squared distance or length by the same with itself in place of sum |x q|, as long as nothing overflows.
inline constexpr size_t kTileDepth = 272;
// Rows that one tile call may be given.
inline constexpr size_t kTileRows = 96;
// The widest group of queries of any instruction set.
inline constexpr size_t kMaxTileQueries = 32;

// A pair that a tile could not rule out. dot = the tile's float32 sum for it.
struct TileHit {
  uint32_t row;
  uint32_t query;
  float dot;
};

// Rows against one group of up to `tile_queries` queries that lie transposed: queries[j * tile_queries + q].
struct TileJob {
  const float* rows;  // row r at rows + r * row_stride
  size_t row_stride;  // in floats
  size_t count;       // <= kTileRows
  size_t dim;
  const float* next_rows;   // rows to fetch meanwhile: `count` of them, as far apart; or null
  size_t query_count;       // >= 1; those behind, up to tile_queries, may be reported or not
  const float* queries;     // 64-byte aligned, dim x tile_queries
  const float* row_bias;    // count
  const float* query_bias;  // tile_queries
  const float* limit;       // tile_queries
  float* scratch;           // kTileRows * tile_queries floats, 64-byte aligned
  TileHit* hits;            // room for count * tile_queries
};

// Rows against all of `groups` groups of packed vectors: group g's element j of lane l at
// panels[(g * dim + j) * tile_queries + l]. The value of a pair is bias[vector] + dot(row, vector), summed as in a
// tile: the same bits in whatever company a row comes.
struct NearestJob {
  const float* rows;
  size_t row_stride;
  size_t count;  // <= kTileRows
  size_t dim;
  const float* panels;  // 64-byte aligned
  const float* bias;    // groups * tile_queries; +infinity for lanes that stand for nothing
  size_t groups;        // <= 2^24
  float* values;        // count: the smallest value
  uint32_t* indices;    // count: group * tile_queries + lane of it; of equal ones the first; 0 where all are NaN
  float* seconds;       // count: the smallest value but that one; or null
  float* best;          // scratch: kTileRows * tile_queries floats, 64-byte aligned, as are the next three
  float* where;
  float* second_best;  // null when `seconds` is
  float* scratch;
};

// The same, to the bit, the other way round: rows are turned and become the lanes, the vectors stay rows. Faster for
// few dimensions, as the nearest so far of a row stays in one lane of a register.
struct NearestInLanesJob {
  const float* rows;
  size_t row_stride;
  size_t count;          // <= tile_queries
  size_t dim;            // <= kTileDepth
  const float* vectors;  // vector v at vectors + v * dim
  const float* bias;
  size_t vector_count;  // 1 to 2^24
  float* values;
  uint32_t* indices;
  float* seconds;  // or null
  float* scratch;  // dim * tile_queries floats, 64-byte aligned
};

// out[row * out_stride + c] = bias[c] + dot(row, vector c), panels as above.
struct ProductsJob {
  const float* rows;
  size_t row_stride;
  size_t count;  // <= kTileRows
  size_t dim;
  const float* panels;
  const float* bias;  // as many as lanes in all groups
  size_t columns;     // vectors; the lanes behind them are not written
  float* out;
  size_t out_stride;
  float* scratch;  // kTileRows * tile_queries floats, 64-byte aligned
};

// Codes of 4-bit numbers in planes: group g's bytes p of all its kLookupRows codes at codes + g * stride +
// p * kLookupRows, each of two numbers, the first of them in the low nibble.
inline constexpr size_t kLookupRows = 32;
// Up to this many planes are one run. More are cut into shorter ones, as many as there are, and then single planes.
inline constexpr size_t kLookupPlanes = 8;
inline constexpr size_t kLookupRun = 4;

// Rows of a group that a query's tables could not rule out: bit r stands for row r.
struct LookupHit {
  uint32_t query;
  uint32_t group;
  uint32_t rows;
};

// The sum of a row under a query: over all planes, tables[low nibble] + tables[16 + high nibble]. The planes
// of a run, which are summed in bytes, add up to 255 at the most, and all of them to 65535.
struct LookupJob {
  const uint8_t* codes;
  ptrdiff_t stride;  // bytes from one group to the next
  size_t groups;
  size_t planes;           // >= 1
  const uint8_t* tables;   // query q's at tables + q * planes * 32
  const uint16_t* bounds;  // of each query; at most 255 when there is one run
  size_t queries;
  LookupHit* hits;  // room for groups * queries
};

// Codes to float32 rows: rows[i * dim + j] = offsets[j] + steps[j] * (code j of row i), multiply and add rounded
// separately: the same bits on every instruction set. Of 6-bit codes four lie in three bytes, of 4-bit codes two in
// one, the first in the lowest bits.
struct CodesJob {
  const uint8_t* codes;
  size_t code_bytes;  // from one row to the next, and as many as dim codes take
  size_t count;
  size_t dim;
  const float* offsets;
  const float* steps;
  float* rows;
};

// One query and rows of such codes: out[i] = the sum over j of (base[j] + steps[j] * code)^2, or, without a base, of
// steps[j] * code. Products and additions round once each, sums by at most (dim + 16) * 2^-24 of their terms'
// magnitudes.
struct CodeSumsJob {
  const uint8_t* codes;
  size_t code_bytes;  // as in CodesJob
  size_t count;
  size_t dim;
  size_t bits;        // 8, 6 or 4
  const float* base;  // may be null
  const float* steps;
  float* out;
};

// Codes that differ from `query` in at most `limit` bits: their positions, ascending, and in how many they differ.
struct HammingJob {
  const uint8_t* query;
  const uint8_t* codes;
  ptrdiff_t stride;  // bytes from one code to the next
  size_t count;
  size_t code_bytes;
  uint32_t limit;
  uint32_t* positions;    // count
  uint32_t* differences;  // count
};

// The same codes where the sum is not the last word: with
//   value = row_bias + bias + row_factor * (scale * sum + offset) + row_spread * spread
// in float32 (row: of each row, from the first group on; the others: of the query), pairs pass unless value > 0.
// Each kEstimatePlanes planes add up to 255 at the most, and all of them to 65535.
inline constexpr size_t kEstimatePlanes = 2;

struct EstimateQuery {
  float bias;
  float scale;
  float offset;
  float spread;
};

struct EstimateHit {
  uint32_t query;
  uint32_t row;
  uint32_t sum;
};

struct EstimateJob {
  const uint8_t* codes;  // groups in planes, as in LookupJob
  ptrdiff_t stride;
  size_t groups;
  size_t planes;
  const uint8_t* tables;  // query q's at tables + q * planes * 32
  const EstimateQuery* per_query;
  size_t queries;
  const float* row_biases;  // groups * kLookupRows, as the next two
  const float* row_factors;
  const float* row_spreads;  // null: all 0
  EstimateHit* hits;         // room for groups * kLookupRows * queries
};

// Shadows: rows in a byte a dimension. A shadow is `dim` codes, dim a multiple of four, where 128 stands for zero, and
// behind them its factors.
struct ShadowFactors {
  float step;
  float weight;
  float error;
};

// A pair that a shadow tile could not rule out. dot = the sum of query code * (row code - 128).
struct ShadowHit {
  uint32_t row;
  uint32_t query;
  int32_t dot;
};

// Shadows against one group of up to `tile_queries` queries. The queries are words of 32 bits: for each run of
// `shadow_run` steps (0: one run) first what each query's sums start with, then for each step of four dimensions four
// codes of each query. Magnitudes of codes are at most `shadow_most`. Where shadow_run is not 0, sums have 16 bits, one
// for the first two codes of all words of a run, and one for the others; their start is -128 times the sum of these
// codes, and the sum of their magnitudes at most 255. Else the start is -128 times the sum of all codes. Tables that
// subtract the 128 from rows pass over the starts.
struct ShadowJob {
  const uint8_t* rows;  // row r at rows + r * stride
  size_t stride;
  size_t count;
  size_t dim;
  const uint8_t* next_rows;  // rows to fetch meanwhile, `count` of them; or null
  size_t query_count;        // >= 1; those behind, up to tile_queries, may be reported or not
  const int32_t* queries;    // 64-byte aligned
  const float* weight;       // tile_queries, as the next two
  const float* error;
  const float* limit;
  int32_t* scratch;  // max(12, count) * tile_queries words, 64-byte aligned
  ShadowHit* hits;   // room for count * tile_queries
};

// Shadows against one query, whose codes have magnitudes of at most 64. The values of rows are
//   -(step * dot + weight(row) * weight + error(row) * error),
// each product and sum rounded once or twice.
struct ShadowStreamJob {
  const uint8_t* rows;
  size_t stride;
  size_t count;
  size_t dim;
  const int8_t* codes;  // dim
  int32_t start;        // -128 times their sum
  float weight;
  float error;
  float* values;  // count
};

// y = (row * factor - mean) * scale.
struct ShadowCentreJob {
  const float* row;
  const float* mean;
  double factor;
  double scale;
  size_t dim;
  double* y;
};

// Of the elements of a row and 0; `odd` is 0 when all are whole numbers, NaN when one is infinite or NaN.
struct ShadowRange {
  double least;
  double most;
  double odd;
};

// Sums of squares: of codes, of elements less step * code, of elements.
struct ShadowSums {
  double codes;
  double errors;
  double elements;
};

// A query's sub-vectors against the centroids of their sub-spaces, which lie turned: element j of centroid c of
// sub-space m at centroids[(m * depth + j) * count + c].
struct SubTablesJob {
  const float* query;  // subs * depth
  const float* centroids;
  size_t subs;
  size_t depth;  // <= kTileDepth
  size_t count;  // a multiple of 16
  bool l2;       // squared distances; else inner products times -1
  float* out;    // subs * count: each less the least of its sub-space
  float* least;  // subs; +infinity where none is a number
  float* most;   // subs
};

// The canonical distances, in float64 and smaller-is-closer only where the metric is (inner_product,
// jaccard and cosine give the similarity itself).
enum ExactKind : int {
  exact_l2,
  exact_inner_product,
  exact_l1,
  exact_linf,
  exact_lp,
  exact_canberra,
  exact_bray_curtis,
  exact_jensen_shannon,
  exact_jaccard,
  exact_nan_euclidean,
  exact_gower,
  exact_cosine,
  exact_kinds
};

// out[i] = canonical distance of `query` to rows[i]. The same bits on every instruction set: 16 float64
// partial sums, element j into sum j % 16, multiply and add rounded separately, then summed as a fixed tree:
// s[i] += s[i + 8], s[i + 4], s[i + 2], s[i + 1]. Needs no alignment. A NaN in stays a NaN out (but for
// nan_euclidean), though which NaN may differ.
using ExactFn = void (*)(const float* query, const float* const* rows, size_t count, size_t dim, float argument,
                         double* out);

// The kernels over shadows, which an instruction set may have better ones of and nothing else.
struct ShadowTable {
  size_t shadow_run;
  int shadow_most;
  bool shadow_pays;  // is it faster than the tile?
  // Finds all pairs with !(step * dot + weight(row) * weight(query) + error(row) * error(query) < limit), NaN among
  // them; returns their number. Hits come in ascending row, then query. Each product and sum is rounded once or twice.
  size_t (*shadow_tile)(const ShadowJob* job);
  // Four quarters of the rows are read side by side, as by l2_rows.
  void (*shadow_stream)(const ShadowStreamJob* job);
  // The sum of (16 * coarse + fine) * (row - 128), where magnitudes are at most 64 and 8, and in sum below 2^23;
  // `start` is -128 times the sum of all codes.
  int32_t (*shadow_dot)(const uint8_t* row, const int8_t* coarse, const int8_t* fine, int32_t start, size_t dim);
};

struct Table : ShadowTable {
  const char* name;
  size_t tile_queries;  // queries of one group

  // Finds all (row, query) with !(row_bias[row] * query_bias[query] + dot <op> limit[query]) where <op> is >
  // (so that NaN counts as found); returns their number. Hits come in ascending row, then query. The sum is rounded
  // once, or its product, too, where there is no fused multiply-add.
  size_t (*tile)(const TileJob* job);

  void (*nearest)(const NearestJob* job);
  void (*nearest_in_lanes)(const NearestInLanesJob* job);
  void (*products)(const ProductsJob* job);

  // Rows to shadows. Lengths n are multiples of 16, and magnitudes below 2^50.
  void (*shadow_centre)(const ShadowCentreJob* job);
  void (*shadow_range)(const double* y, size_t n, ShadowRange* range);
  // codes[j] = 128 + y[j] / step to the nearest, which must fit.
  void (*shadow_codes)(const double* y, size_t n, double step, uint8_t* codes, ShadowSums* sums);

  // Finds the rows whose sum is below their query's bound; returns the number of hits.
  size_t (*lookup)(const LookupJob* job);
  // out[i] = the sum of row i of one group, as of a LookupJob but with tables of float32: one query's, 32 floats a
  // plane. Of the `rows` whose bits are set; those of others may be missing.
  void (*lookup_sums)(const uint8_t* group, size_t planes, const float* tables, uint32_t rows, float* out);
  size_t lookup_sums_from;  // rows of a group that are asked for; fewer are summed sooner one by one
  // Finds the pairs that pass; returns their number.
  size_t (*estimate)(const EstimateJob* job);
  // out[g * kLookupRows + i] = the float whose four bytes are bytes i of four planes of group g, `stride` bytes apart.
  void (*f32_from_planes)(const uint8_t* planes, ptrdiff_t stride, size_t groups, float* out);

  // out[i] = float32 squared distance / inner product of one query with each of `count` rows. Four quarters of the rows
  // are read side by side: to have the bandwidth of the memory, pass at least 128 KB of rows at a time.
  void (*l2_rows)(const float* query, const float* rows, size_t row_stride, size_t count, size_t dim, float* out);
  // Returns the largest magnitude among the rows' elements; NaN is passed over.
  float (*ip_rows)(const float* query, const float* rows, size_t row_stride, size_t count, size_t dim, float* out);
  // out[i] = float32 squared length.
  void (*norm_rows)(const float* rows, size_t row_stride, size_t count, size_t dim, float* out);
  // out[i] = float32 squared distance of a query to rows[i]; few rows, which lie in cache.
  void (*l2_picked)(const float* query, const float* const* rows, size_t count, size_t dim, float* out);
  void (*sub_tables)(const SubTablesJob* job);
  // Positions i with !(values[i] > limit), ascending; returns their number.
  size_t (*select)(const float* values, size_t n, float limit, uint32_t* positions);
  // The Walsh-Hadamard transform of n = 2^i elements, in place and without a factor, so that twice is times n. The same
  // bits on every instruction set.
  void (*hadamard)(float* x, size_t n);

  ExactFn exact[exact_kinds];

  // Element types to float32 (exact; a NaN may become quiet) and back (nearest, ties to even; integers clamped, NaN to
  // 0).
  void (*f32_from_f16)(const uint16_t* in, size_t n, float* out);
  void (*f32_from_bf16)(const uint16_t* in, size_t n, float* out);
  void (*f32_from_i8)(const int8_t* in, size_t n, float* out);
  void (*f32_from_u8)(const uint8_t* in, size_t n, float* out);
  void (*f16_from_f32)(const float* in, size_t n, uint16_t* out);
  void (*bf16_from_f32)(const float* in, size_t n, uint16_t* out);
  void (*i8_from_f32)(const float* in, size_t n, int8_t* out);
  void (*u8_from_f32)(const float* in, size_t n, uint8_t* out);
  // Is every value finite?
  bool (*all_finite)(const float* values, size_t n);

  void (*rows_from_8bit)(const CodesJob* job);
  void (*rows_from_6bit)(const CodesJob* job);
  void (*rows_from_4bit)(const CodesJob* job);
  void (*code_sums)(const CodeSumsJob* job);
  // out[i] = (in[i] - offsets[i]) * scales[i] to the nearest whole number, ties to even, clamped to 0 … most <= 255;
  // NaN gives 0. The same on every instruction set.
  void (*quantize)(const float* in, const float* offsets, const float* scales, size_t n, float most, uint8_t* out);

  // Returns how many were found.
  size_t (*hamming)(const HammingJob* job);
};

}  // namespace knear::kernels
