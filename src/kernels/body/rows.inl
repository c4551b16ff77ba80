// One query against many rows, at the speed of memory.
//
// Long rows: vectors along the dimension, four rows at a time. Short rows: lanes are rows, turned in registers.

// Rows up to this dimension are turned.
constexpr size_t kShortDim = 16;
// How far ahead of the reader rows are fetched, in floats.
constexpr size_t kRowsAhead = 1024;
// Elements that one chain of sums takes before it goes into the total: keeps the error within table.h's bound.
constexpr size_t kChainBlock = kTileDepth * V::lanes;

struct SquaredDifference {
  static V::F add(V::F sum, V::F q, V::F x) {
    const V::F difference = q - x;
    return V::fma(difference, difference, sum);
  }
};

struct Product {
  static V::F add(V::F sum, V::F q, V::F x) { return V::fma(q, x, sum); }
};

// Looks at the row only.
struct Square {
  static V::F add(V::F sum, V::F, V::F x) { return V::fma(x, x, sum); }
};

struct RowsJob {
  const float* query;
  const float* rows;
  size_t row_stride;
  size_t count;
  size_t dim;
  float* out;
};

// totals[r] += the terms of elements [first, end) of the rows from `x` on.
template <class Term, size_t rows>
[[gnu::always_inline]] inline void add_terms(const RowsJob& job, const float* x, size_t first, size_t end,
                                             V::F (&totals)[rows]) {
  V::F even[rows];
  V::F odd[rows];
  for (size_t r = 0; r < rows; ++r) even[r] = odd[r] = V::zero();
  size_t j = first;
  for (; j + 2 * V::lanes <= end; j += 2 * V::lanes) {
    const V::F q0 = V::load(job.query + j);
    const V::F q1 = V::load(job.query + j + V::lanes);
    for (size_t r = 0; r < rows; ++r) {
      const float* at = x + r * job.row_stride + j;
      __builtin_prefetch(at + kRowsAhead);
      even[r] = Term::add(even[r], q0, V::load(at));
      odd[r] = Term::add(odd[r], q1, V::load(at + V::lanes));
    }
  }
  if (j + V::lanes <= end) {
    const V::F q = V::load(job.query + j);
    for (size_t r = 0; r < rows; ++r) even[r] = Term::add(even[r], q, V::load(x + r * job.row_stride + j));
    j += V::lanes;
  }
  if (j < end) {
    const V::F q = V::load_first(job.query + j, end - j);
    for (size_t r = 0; r < rows; ++r) odd[r] = Term::add(odd[r], q, V::load_first(x + r * job.row_stride + j, end - j));
  }
  for (size_t r = 0; r < rows; ++r) totals[r] = totals[r] + (even[r] + odd[r]);
}

template <class Term, size_t rows>
[[gnu::always_inline]] inline void sum_rows(const RowsJob& job, size_t row, V::F (&totals)[rows]) {
  for (size_t r = 0; r < rows; ++r) totals[r] = V::zero();
  for (size_t first = 0; first < job.dim; first += kChainBlock) {
    const size_t left = job.dim - first;
    add_terms<Term>(job, job.rows + row * job.row_stride, first, left < kChainBlock ? job.dim : first + kChainBlock,
                    totals);
  }
}

// Rows from `row` on, vectors along the dimension.
template <class Term>
void long_rows(const RowsJob& job, size_t row) {
  for (; row + 4 <= job.count; row += 4) {
    V::F totals[4];
    sum_rows<Term>(job, row, totals);
    V::store_sums(totals, job.out + row);
  }
  for (; row < job.count; ++row) {
    V::F total[1];
    sum_rows<Term>(job, row, total);
    job.out[row] = V::sum(total[0]);
  }
}

template <class Term, size_t columns>
[[gnu::always_inline]] inline V::F add_columns(const RowsJob& job, const float* x, size_t j, V::F sum) {
  V::F column[4];
  V::load_columns(x + j, job.row_stride, column);
  for (size_t c = 0; c < columns; ++c) sum = Term::add(sum, V::splat(job.query[j + c]), column[c]);
  return sum;
}

// Rows from 0 on, lanes are rows; returns the first row that is left to do. Four columns are loaded at a time, so
// the last rows, where that would read behind the data, are left. last_columns = dim % 4.
template <class Term, size_t last_columns>
size_t short_rows(const RowsJob& job) {
  const size_t end = (job.count - 1) * job.row_stride + job.dim;  // of the data
  const size_t whole = job.dim - last_columns;
  const size_t reach = (V::lanes - 1) * job.row_stride + (last_columns == 0 ? whole : whole + 4);
  size_t row = 0;
  for (; row + V::lanes <= job.count && row * job.row_stride + reach <= end; row += V::lanes) {
    const float* x = job.rows + row * job.row_stride;
    V::F sum = V::zero();
    for (size_t j = 0; j < whole; j += 4) sum = add_columns<Term, 4>(job, x, j, sum);
    if constexpr (last_columns != 0) sum = add_columns<Term, last_columns>(job, x, whole, sum);
    V::store(job.out + row, sum);
  }
  return row;
}

template <class Term>
void rows_of(const RowsJob& job) {
  size_t done = 0;
  if (job.dim <= kShortDim && job.count >= V::lanes) {
    switch (job.dim % 4) {
      case 0:
        done = short_rows<Term, 0>(job);
        break;
      case 1:
        done = short_rows<Term, 1>(job);
        break;
      case 2:
        done = short_rows<Term, 2>(job);
        break;
      default:
        done = short_rows<Term, 3>(job);
    }
  }
  long_rows<Term>(job, done);
}

void l2_rows(const float* query, const float* rows, size_t row_stride, size_t count, size_t dim, float* out) {
  rows_of<SquaredDifference>({query, rows, row_stride, count, dim, out});
}

void ip_rows(const float* query, const float* rows, size_t row_stride, size_t count, size_t dim, float* out) {
  rows_of<Product>({query, rows, row_stride, count, dim, out});
}

void norm_rows(const float* rows, size_t row_stride, size_t count, size_t dim, float* out) {
  rows_of<Square>({rows, rows, row_stride, count, dim, out});  // the first row stands in for a query
}
