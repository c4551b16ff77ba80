// One query against many rows, at the speed of memory.
//
// Long rows: vectors along the dimension. Short rows: lanes are rows, turned in registers. Both read the first, second,
// third and last quarter of the rows side by side: processors fetch several streams faster than one.

// Rows up to this dimension are turned.
constexpr size_t kShortDim = 16;
// Short rows come in calls too short for the processor's own fetching: what lies this many floats ahead is fetched.
constexpr size_t kFetchAhead = 4096;
// Elements that one chain of sums takes before it goes into the total: keeps the error within table.h's bound.
constexpr size_t kChainBlock = kTileDepth * V::lanes;

struct SquaredDifference {
  V::F add(V::F sum, V::F q, V::F x) const {
    const V::F difference = q - x;
    return V::fma(difference, difference, sum);
  }
};

// Remembers how large elements are; NaN is passed over.
struct Product {
  V::F most = V::zero();
  V::F least = V::zero();

  V::F add(V::F sum, V::F q, V::F x) {
    most = V::greater(x, most);
    least = V::lesser(x, least);
    return V::fma(q, x, sum);
  }
  float largest() const {
    alignas(64) float lanes[V::lanes];
    V::store(lanes, V::greater(most, V::zero() - least));
    float all = 0;
    for (const float lane : lanes) all = lane > all ? lane : all;
    return all;
  }
};

// Looks at the row only.
struct Square {
  V::F add(V::F sum, V::F, V::F x) const { return V::fma(x, x, sum); }
};

struct RowsJob {
  const float* query;
  const float* rows;
  size_t row_stride;
  size_t count;
  size_t dim;
  float* out;
};

// totals[r] += the terms of elements [first, end) of row x[r].
template <class Term, size_t rows>
[[gnu::always_inline]] inline void add_terms(const float* query, const float* const (&x)[rows], size_t first,
                                             size_t end, Term& term, V::F (&totals)[rows]) {
  V::F even[rows];
  V::F odd[rows];
  for (size_t r = 0; r < rows; ++r) even[r] = odd[r] = V::zero();
  size_t j = first;
  for (; j + 2 * V::lanes <= end; j += 2 * V::lanes) {
    const V::F q0 = V::load(query + j);
    const V::F q1 = V::load(query + j + V::lanes);
    for (size_t r = 0; r < rows; ++r) {
      even[r] = term.add(even[r], q0, V::load(x[r] + j));
      odd[r] = term.add(odd[r], q1, V::load(x[r] + j + V::lanes));
    }
  }
  if (j + V::lanes <= end) {
    const V::F q = V::load(query + j);
    for (size_t r = 0; r < rows; ++r) even[r] = term.add(even[r], q, V::load(x[r] + j));
    j += V::lanes;
  }
  if (j < end) {
    const V::F q = V::load_first(query + j, end - j);
    for (size_t r = 0; r < rows; ++r) odd[r] = term.add(odd[r], q, V::load_first(x[r] + j, end - j));
  }
  for (size_t r = 0; r < rows; ++r) totals[r] = totals[r] + (even[r] + odd[r]);
}

template <class Term, size_t rows>
[[gnu::always_inline]] inline void sum_rows(const float* query, const float* const (&x)[rows], size_t dim, Term& term,
                                            V::F (&totals)[rows]) {
  for (size_t r = 0; r < rows; ++r) totals[r] = V::zero();
  for (size_t first = 0; first < dim; first += kChainBlock) {
    const size_t left = dim - first;
    add_terms(query, x, first, left < kChainBlock ? dim : first + kChainBlock, term, totals);
  }
}

template <class Term>
[[gnu::always_inline]] inline void sum_four(const float* query, const float* const (&x)[4], size_t dim, Term& term,
                                            float (&sums)[4]) {
  V::F totals[4];
  sum_rows(query, x, dim, term, totals);
  V::store_sums(totals, sums);
}

template <class Term>
[[gnu::always_inline]] inline float sum_one(const float* query, const float* row, size_t dim, Term& term) {
  const float* const x[1] = {row};
  V::F total[1];
  sum_rows(query, x, dim, term, total);
  return V::sum(total[0]);
}

// Rows from `row` on, vectors along the dimension.
template <class Term>
Term long_rows(const RowsJob& job, size_t row, Term term) {
  const size_t quarter = (job.count - row) / 4;
  const size_t apart = quarter * job.row_stride;
  for (size_t i = 0; i < quarter; ++i) {
    const float* x = job.rows + (row + i) * job.row_stride;
    float sums[4];
    sum_four(job.query, {x, x + apart, x + 2 * apart, x + 3 * apart}, job.dim, term, sums);
    for (size_t r = 0; r < 4; ++r) job.out[row + i + r * quarter] = sums[r];
  }
  row += 4 * quarter;
  for (; row < job.count; ++row) job.out[row] = sum_one(job.query, job.rows + row * job.row_stride, job.dim, term);
  return term;
}

template <size_t columns, class Term>
[[gnu::always_inline]] inline V::F add_columns(const RowsJob& job, const float* x, size_t j, V::F sum, Term& term) {
  V::F column[4];
  V::load_columns(x + j, job.row_stride, column);
  for (size_t c = 0; c < columns; ++c) sum = term.add(sum, V::splat(job.query[j + c]), column[c]);
  return sum;
}

// Groups of `lanes` rows, from the first row on, that can be turned. Four columns are loaded at a time, so the last
// rows, where that would read behind the data, are left out.
size_t turnable_groups(const RowsJob& job) {
  const size_t end = (job.count - 1) * job.row_stride + job.dim;  // of the data
  const size_t reach = (V::lanes - 1) * job.row_stride + (job.dim + 3) / 4 * 4;
  if (job.count < V::lanes || end < reach) return 0;
  const size_t by_data = (end - reach) / job.row_stride;
  const size_t by_count = job.count - V::lanes;
  return (by_data < by_count ? by_data : by_count) / V::lanes + 1;
}

// last_columns = dim % 4.
template <size_t last_columns, class Term>
[[gnu::always_inline]] inline void turn_group(const RowsJob& job, size_t group, Term& term) {
  const float* x = job.rows + group * V::lanes * job.row_stride;
  for (size_t ahead = 0; ahead < V::lanes * job.row_stride; ahead += 16) __builtin_prefetch(x + kFetchAhead + ahead);
  V::F sum = V::zero();
  const size_t whole = job.dim - last_columns;
  for (size_t j = 0; j < whole; j += 4) sum = add_columns<4>(job, x, j, sum, term);
  if constexpr (last_columns != 0) sum = add_columns<last_columns>(job, x, whole, sum, term);
  V::store(job.out + group * V::lanes, sum);
}

// Lanes are rows: as many of the first groups as there are.
template <size_t last_columns, class Term>
Term short_rows(const RowsJob& job, size_t groups, Term term) {
  const size_t quarter = groups / 4;
  for (size_t i = 0; i < quarter; ++i)
    for (size_t part = 0; part < 4; ++part) turn_group<last_columns>(job, i + part * quarter, term);
  for (size_t group = 4 * quarter; group < groups; ++group) turn_group<last_columns>(job, group, term);
  return term;
}

template <class Term>
Term rows_of(const RowsJob& job, Term term) {
  if (job.dim > kShortDim || job.count == 0) return long_rows(job, 0, term);
  const size_t groups = turnable_groups(job);
  switch (job.dim % 4) {
    case 0:
      term = short_rows<0>(job, groups, term);
      break;
    case 1:
      term = short_rows<1>(job, groups, term);
      break;
    case 2:
      term = short_rows<2>(job, groups, term);
      break;
    default:
      term = short_rows<3>(job, groups, term);
  }
  return long_rows(job, groups * V::lanes, term);
}

void l2_rows(const float* query, const float* rows, size_t row_stride, size_t count, size_t dim, float* out) {
  rows_of<SquaredDifference>({query, rows, row_stride, count, dim, out}, {});
}

float ip_rows(const float* query, const float* rows, size_t row_stride, size_t count, size_t dim, float* out) {
  return rows_of<Product>({query, rows, row_stride, count, dim, out}, {}).largest();
}

void norm_rows(const float* rows, size_t row_stride, size_t count, size_t dim, float* out) {
  rows_of<Square>({rows, rows, row_stride, count, dim, out}, {});  // the first row stands in for a query
}

// Rows that lie anywhere. Of the last four, those that are not there are stood in for by the last one.
void l2_picked(const float* query, const float* const* rows, size_t count, size_t dim, float* out) {
  SquaredDifference term;
  for (size_t first = 0; first < count; first += 4) {
    if (first + 1 == count) {
      out[first] = sum_one(query, rows[first], dim, term);
      return;
    }
    const float* x[4];
    for (size_t r = 0; r < 4; ++r) x[r] = rows[first + r < count ? first + r : count - 1];
    float sums[4];
    sum_four(query, {x[0], x[1], x[2], x[3]}, dim, term, sums);
    for (size_t r = 0; r < 4 && first + r < count; ++r) out[first + r] = sums[r];
  }
}
