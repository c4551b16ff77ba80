// Dot products of rows with one group of packed vectors, kept in registers until an `End` takes them.
//
// Lanes are the packed vectors (queries, centroids, columns of a matrix): a row's element is broadcast and meets
// V::tile_vectors registers of them, so that rows are read as they are stored and V::tile_rows x tile_vectors sums stay
// in registers. The depth is cut into blocks of at most kTileDepth, each summed from zero: a block of the group stays
// in the first-level cache while all rows pass, and the rounding error grows with the depth of a block and the number
// of blocks, not with the dimension. A sum has the same bits wherever its row and lane stand.

#include "kernels/body/group.inl"

// What meets.
struct Operands {
  const float* rows;  // row r at rows + r * row_stride
  size_t row_stride;
  size_t count;
  size_t dim;
  const float* next_rows;  // rows to fetch meanwhile, or null
  const float* panel;      // element j of lane l at panel[j * kTileQueries + l]
  float* scratch;          // count * kTileQueries: where sums wait for the next block of the depth; null without one
};

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

// sums = dot products over `depth` elements of rows at x, x + stride, … with the lanes of `panel`.
template <size_t rows, size_t vectors>
[[gnu::always_inline]] inline void sum_products(const float* x, size_t stride, const float* panel, size_t depth,
                                                TileSums<rows, vectors>& sums) {
  for (size_t r = 0; r < rows; ++r)
    for (size_t v = 0; v < vectors; ++v) sums.at[r][v] = V::zero();
  for (size_t j = 0; j < depth; ++j, panel += kTileQueries) {
    V::F lanes[vectors];
    for (size_t v = 0; v < vectors; ++v) lanes[v] = V::load(panel + v * V::lanes);
    for (size_t r = 0; r < rows; ++r) {
      const V::F element = V::splat(x[r * stride + j]);
      for (size_t v = 0; v < vectors; ++v) sums.at[r][v] = V::fma(element, lanes[v], sums.at[r][v]);
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

// Fetches this part of the rows that come next while these are computed with.
template <size_t rows>
[[gnu::always_inline]] inline void fetch_next(const Operands& all, const DepthBlock& block, size_t row) {
  constexpr size_t line = 64 / sizeof(float);
  const float* next = all.next_rows + row * all.row_stride + block.first;
  for (size_t r = 0; r < rows; ++r, next += all.row_stride)
    for (size_t j = 0; j < block.depth; j += line) __builtin_prefetch(next + j);
}

// Sums one block of the depth for the rows from `row` on, `rows` at a time; the remainder goes by smaller steps.
// Complete sums go to end.take(first row, sums), in ascending order of the rows. By itself, so that the loop has all
// registers (inlined into its callers it was 5 to 13 % slower).
template <size_t rows, size_t vectors, class End>
[[gnu::noinline]] void sum_block(const Operands& all, const DepthBlock& block, size_t row, End& end) {
  const float* panel = all.panel + block.first * kTileQueries;
  for (; row + rows <= all.count; row += rows) {
    if (all.next_rows) fetch_next<rows>(all, block, row);
    TileSums<rows, vectors> sums;
    sum_products(all.rows + row * all.row_stride + block.first, all.row_stride, panel, block.depth, sums);
    if (!block.starts) add_stored(all.scratch + row * kTileQueries, sums);
    if (block.ends) {
      end.take(row, sums);
    } else {
      store_sums(sums, all.scratch + row * kTileQueries);
    }
  }
  if constexpr (rows > 1) {
    if (row < all.count) sum_block<rows / 2, vectors>(all, block, row, end);
  }
}

// The fewest blocks, about equal: whole cache lines of at most kTileDepth elements.
size_t block_depth(size_t dim) {
  const size_t blocks = (dim + kTileDepth - 1) / kTileDepth;
  return (dim + 16 * blocks - 1) / (16 * blocks) * 16;
}

// All sums of the first `vectors` registers of lanes. What is needed less than all goes into more rows at a time.
template <size_t vectors, class End>
void sum_all(const Operands& all, End& end) {
  const size_t most = block_depth(all.dim);
  size_t first = 0;
  do {
    const size_t left = all.dim - first;
    const DepthBlock block{first, left < most ? left : most, first == 0, left <= most};
    sum_block<V::tile_rows*(V::tile_vectors / vectors), vectors>(all, block, 0, end);
    first += block.depth;
  } while (first < all.dim);
}
